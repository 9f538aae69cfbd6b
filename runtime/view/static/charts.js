// Charts of what is selected. Bars are tables, so they can be heard as well as seen.

import { ask } from "./api.js";
import { h, many, number, s, say } from "./dom.js";

const PLACES = ["task", "source", "split", "text"];
const BARS = 40; // of a histogram, at most
let shown = null;

/** Draw the charts of a selection; they grow until all of it is counted. */
export async function showCharts(root, page) {
  const { task, source, split, text } = page.state;
  const wanted = JSON.stringify([...PLACES.map((name) => page.state[name]), page.output.version]);
  if (wanted === shown) return;
  shown = wanted;
  root.setAttribute("aria-busy", "true");
  try {
    let said;
    do {
      said = await ask("charts", { task, source, split, text });
      if (wanted !== shown) return;
      draw(root, said, page);
    } while (said.left);
    say("Charts drawn");
  } catch (error) {
    if (wanted === shown) {
      shown = null;
      page.trouble(error);
    }
  } finally {
    if (wanted === shown || shown === null) root.setAttribute("aria-busy", "false");
  }
}

function draw(root, said, page) {
  const whole = Object.values(said.splits).reduce((all, one) => all + one, 0);
  const { text } = page.state;
  const of = text ? `${many(said.examples, "example")} with “${text}”` : said.examples < whole ? `${number(said.examples)} of ${many(whole, "example")}` : many(whole, "example");
  const limit = said.examples < whole || text ? `; of each spec and split the first ${number(said.most)} are counted` : "";
  root.replaceChildren(
    h("h1", {}, "What it is like"),
    h("p", { class: "lead" }, `${of}${limit}.`, said.left > 0 && ` Counting, ${said.left} parts to go …`),
    h(
      "div",
      { class: "charts" },
      chart("Splits", text ? "All of the selection, whatever its text." : "", bars(["train", "val", "test"].filter((split) => split in said.splits).map((split) => [split, said.splits[split]]), whole)),
      chart("Answers", `Of ${many(said.turns, "turn")}; ${number(said.distinct)} differ.`, bars(said.answers, said.turns)),
      chart("Length of prompts", "In characters.", histogram(said.prompts, said.step)),
      chart("Length of answers", "In characters.", histogram(said.replies, said.step)),
      chart("Images of an example", "", bars(said.images.map(([images, examples]) => [images ? many(images, "image") : "text only", examples]), said.examples)),
      said.boxes > 0 && chart("Boxes by label", `Of ${number(said.boxes)} boxes.`, bars(said.labels.map(([label, boxes]) => [label || "without a label", boxes]), said.boxes)),
      said.boxes > 0 && chart("Where boxes lie", "How many boxes reach into each part of the image.", places(said.places)),
    ),
  );
}

function chart(title, about, drawing) {
  return h("section", { class: "card chart" }, h("h2", {}, title), about && h("p", { class: "hint" }, about), drawing);
}

function bars(pairs, whole) {
  const most = Math.max(1, ...pairs.map(([, value]) => value));
  if (!pairs.length) return h("p", { class: "hint" }, "None.");
  return h(
    "table",
    { class: "bars" },
    h(
      "tbody",
      {},
      pairs.map(([name, value]) =>
        h(
          "tr",
          {},
          h("th", { scope: "row", title: name }, name),
          h("td", { class: "bar" }, h("span", { vars: { "--share": value / most } })),
          h("td", { class: "figure" }, number(value)),
          h("td", { class: "figure share" }, whole ? `${((100 * value) / whole).toFixed(1)} %` : ""),
        ),
      ),
    ),
  );
}

/** Bars of equal width; the last one holds all that is longer. */
function histogram(counts, step) {
  if (!counts.length) return h("p", { class: "hint" }, "None.");
  const joined = counts.length > BARS ? [...counts.slice(0, BARS - 1), counts.slice(BARS - 1).reduce((a, b) => a + b, 0)] : counts;
  const most = Math.max(1, ...joined);
  const width = 100 / joined.length;
  const longest = counts.length > BARS ? `${number((BARS - 1) * step)} +` : number(joined.length * step);
  const at = joined.indexOf(most);
  return h(
    "div",
    { class: "histogram", role: "img", "aria-label": `Most often ${at * step} to ${(at + 1) * step - 1} characters; the longest up to ${number(counts.length * step)}.` },
    s(
      "svg",
      { viewBox: "0 0 100 40", preserveAspectRatio: "none" },
      joined.map((count, place) => {
        const height = (38 * count) / most;
        const range = place === BARS - 1 && counts.length > BARS ? longest : `${place * step} to ${(place + 1) * step - 1}`;
        return s("rect", { x: place * width + width * 0.08, width: width * 0.84, y: 40 - height, height }, s("title", {}, `${range}: ${number(count)}`));
      }),
    ),
    h("p", { class: "axis", "aria-hidden": "true" }, h("span", {}, "0"), h("span", {}, longest)),
  );
}

function places(rows) {
  const most = Math.max(1, ...rows.flat());
  const side = rows.length;
  return h(
    "div",
    { class: "heat", role: "img", "aria-label": `A map of ${side} by ${side} cells; the fullest lies under ${many(most, "box").replace("boxs", "boxes")}.` },
    s(
      "svg",
      { viewBox: `0 0 ${side} ${side}`, "shape-rendering": "crispEdges" },
      rows.flatMap((row, y) =>
        row.map((count, x) => s("rect", { x, y, width: 1, height: 1, "fill-opacity": (count / most).toFixed(3) }, s("title", {}, number(count)))),
      ),
    ),
  );
}
