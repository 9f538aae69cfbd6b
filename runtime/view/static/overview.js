// Tasks down, sources across: how many examples there are of each, and the way to them.

import { h, many, number } from "./dom.js";

const sum = (specs, split) =>
  specs.reduce((all, { splits }) => all + (split ? splits[split] : splits.train + splits.val + splits.test), 0);

/** Draw the matrix of an output and how it was made. */
export function showOverview(root, page) {
  const { output, state } = page;
  const count = (specs) => sum(specs, state.split);
  const tasks = [...new Map(output.specs.map((spec) => [spec.task, spec.title]))].sort((a, b) => a[1].localeCompare(b[1]));
  const sources = [...new Set(output.specs.map((spec) => spec.source))].sort();
  const most = Math.max(1, ...output.specs.map((spec) => count([spec])));
  const to = (changes) => page.link({ view: "examples", task: null, source: null, at: null, id: null, ...changes });

  const cell = (task, title, source) => {
    const specs = output.specs.filter((spec) => spec.task === task && spec.source === source);
    if (!specs.length) return h("td");
    const shown = count(specs);
    const weight = shown ? 0.12 + (0.88 * Math.log1p(shown)) / Math.log1p(most) : 0;
    const chosen = state.task === task && state.source === source;
    return h(
      "td",
      { class: "full", vars: { "--weight": weight.toFixed(3) } },
      h(
        "a",
        { href: to({ task, source }), "aria-label": `${title} on ${source}: ${many(shown, "example")}`, "aria-current": chosen && "true" },
        number(shown),
      ),
    );
  };
  const rows = tasks.map(([task, title]) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, h("a", { href: to({ task }) }, title)),
      sources.map((source) => cell(task, title, source)),
      h("td", { class: "sum" }, number(count(output.specs.filter((spec) => spec.task === task)))),
    ),
  );
  const table = h(
    "table",
    { class: "matrix" },
    h("caption", { class: "unseen" }, "Examples by task and source"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("td"),
        sources.map((source) =>
          h("th", { scope: "col" }, h("a", { href: to({ source }), title: output.sources[source] }, h("span", {}, source))),
        ),
        h("th", { scope: "col", class: "sum" }, h("span", {}, "all")),
      ),
    ),
    h("tbody", {}, rows),
    h(
      "tfoot",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "row" }, "All"),
        sources.map((source) => h("td", {}, number(count(output.specs.filter((spec) => spec.source === source))))),
        h("td", { class: "sum" }, number(count(output.specs))),
      ),
    ),
  );
  const lead = `${many(tasks.length, "task")} on ${many(sources.length, "source")}${state.split ? `, ${state.split} only` : ""}`;
  root.replaceChildren(
    h("h1", {}, "What it holds"),
    h("p", { class: "lead" }, `${lead}. A number leads to its examples.`),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Examples by task and source" }, table),
    h(
      "div",
      { class: "facts" },
      facts("How it was made", Object.entries(output.facts)),
      facts("Splits", ["train", "val", "test"].map((split) => [split, number(sum(output.specs, split))])),
      facts("Not in it", [...output.failed, ...output.unavailable].map(({ name, why }) => [name, why])),
    ),
  );
}

function facts(title, pairs) {
  if (!pairs.length) return null;
  return h(
    "section",
    { class: "card" },
    h("h2", {}, title),
    h("dl", { class: "pairs" }, pairs.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
  );
}
