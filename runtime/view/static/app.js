// The page: what it shows stands in its address, so that every state can be kept, sent, and gone back to.

import { ask } from "./api.js";
import { showCharts } from "./charts.js";
import { h, many, number, say } from "./dom.js";
import { Examples } from "./examples.js";
import { showOverview } from "./overview.js";

const FILTERS = ["task", "source", "split", "text"];
const NAMES = ["view", ...FILTERS, "at", "id"];
const VIEWS = ["overview", "examples", "charts"];
const by = (id) => document.getElementById(id);

let output = null;
let state = {};

const page = {
  /** The address of this state with some of it changed; a changed filter starts at the first example. */
  link(changes) {
    const next = { ...state, ...changes };
    if (FILTERS.some((name) => (next[name] ?? "") !== (state[name] ?? ""))) {
      for (const name of ["at", "id"]) if (!(name in changes)) next[name] = null;
    }
    const given = NAMES.filter((name) => next[name] != null && next[name] !== "" && next[name] !== "overview");
    const query = new URLSearchParams(given.map((name) => [name, next[name]])).toString();
    return query ? `?${query}` : location.pathname;
  },
  /** Show this state with some of it changed; `quietly` keeps what was from the list of states to go back to. */
  go(changes, quietly = false) {
    const link = page.link(changes);
    if (quietly) history.replaceState(null, "", link);
    else history.pushState(null, "", link);
    show();
  },
  get output() {
    return output;
  },
  get state() {
    return state;
  },
  /** What the server said last is of another output than the page knows: learn it anew. */
  async check(version) {
    if (version === output.version) return;
    await learn();
    say("The output was made anew.");
  },
  trouble(error) {
    by("trouble").textContent = error?.message ?? "";
    by("trouble").hidden = !error;
  },
};

const examples = new Examples(by("examples"), page);

function show() {
  const asked = new URLSearchParams(location.search);
  state = Object.fromEntries(NAMES.map((name) => [name, asked.get(name)]));
  if (!VIEWS.includes(state.view)) state.view = "overview";
  page.trouble(null);
  by("opening").hidden = true;
  for (const view of VIEWS) {
    by(view).hidden = view !== state.view;
    const link = by(`to-${view}`);
    link.href = page.link({ view });
    if (view === state.view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.body.dataset.view = state.view;
  document.body.classList.toggle("one", state.view === "examples" && Boolean(state.id));
  showFilters();
  const titles = { overview: "Overview", examples: state.id ?? "Examples", charts: "Charts" };
  document.title = `${titles[state.view]} · ${output.name}`;
  if (state.view === "overview") showOverview(by("overview"), page);
  if (state.view === "examples") examples.show();
  if (state.view === "charts") showCharts(by("charts"), page);
}

function showFilters() {
  const form = by("filters");
  for (const name of FILTERS) {
    const field = form.elements[name];
    if (document.activeElement !== field || name !== "text") field.value = state[name] ?? "";
  }
  const chosen = selected();
  by("count").textContent = state.text ? `in ${many(chosen, "example")}` : many(chosen, "example");
  by("clear").disabled = !FILTERS.some((name) => state[name]);
}

/** How many examples the filters leave, the text aside. */
function selected() {
  const fitting = output.specs.filter(
    (spec) => (!state.task || spec.task === state.task) && (!state.source || spec.source === state.source),
  );
  const splits = state.split ? [state.split] : ["train", "val", "test"];
  return fitting.reduce((sum, spec) => sum + splits.reduce((part, split) => part + (spec.splits[split] ?? 0), 0), 0);
}

function fill() {
  const option = (value, text) => h("option", { value }, text);
  const listed = (pairs) => [...new Map(pairs)].sort((a, b) => a[1].localeCompare(b[1]));
  const tasks = listed(output.specs.map((spec) => [spec.task, spec.title]));
  const sources = listed(output.specs.map((spec) => [spec.source, spec.source]));
  const form = by("filters").elements;
  form.task.replaceChildren(option("", "all tasks"), ...tasks.map(([name, title]) => option(name, title)));
  form.source.replaceChildren(option("", "all sources"), ...sources.map(([name, title]) => option(name, title)));
  form.split.replaceChildren(option("", "all splits"), ...["train", "val", "test"].map((name) => option(name, name)));
  by("name").textContent = output.name;
  const whole = output.specs.reduce((sum, { splits }) => sum + splits.train + splits.val + splits.test, 0);
  by("whole").textContent = `${many(whole, "example")}${output.demo ? ", made up" : ""}`;
}

async function learn() {
  output = await ask("output");
  fill();
}

let typing = 0;
by("filters").addEventListener("input", (event) => {
  clearTimeout(typing);
  const { name, value } = event.target;
  const view = state.view === "overview" ? "examples" : state.view;
  if (name === "text") typing = setTimeout(() => page.go({ text: value.trim(), view }, true), 300);
  else page.go({ [name]: value, view: name === "split" || value ? view : state.view });
});
by("filters").addEventListener("submit", (event) => event.preventDefault());
by("clear").addEventListener("click", () => page.go(Object.fromEntries(FILTERS.map((name) => [name, null]))));
by("help").addEventListener("click", () => by("keys").showModal());

// Links within the page change what it shows without loading it anew.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const wanted = new URL(link.href);
  if (wanted.origin !== location.origin || wanted.hash || link.hasAttribute("download")) return;
  event.preventDefault();
  if (wanted.search !== location.search) history.pushState(null, "", link.href);
  show();
});

document.addEventListener("keydown", (event) => {
  if (event.metaKey || event.ctrlKey || event.altKey || by("keys").open) return;
  const field = event.target.closest("input, select, textarea");
  if (event.key === "Escape") {
    if (field) field.blur();
    if (field || (state.view === "examples" && examples.leave())) event.preventDefault(); // a search field would be emptied
    return;
  }
  if (field) return;
  if (event.key === "/") by("filters").elements.text.focus();
  else if (event.key === "?") by("keys").showModal();
  else if (state.view !== "examples" || !examples.key(event)) return;
  event.preventDefault();
});

addEventListener("popstate", show);
learn().then(show, (error) => {
  by("opening").hidden = true;
  page.trouble(error);
});
