// One example: its pictures with their boxes, its turns, and where it came from.

import { address, ask } from "./api.js";
import { h, many, marked, number, s } from "./dom.js";

const COLOURS = 8; // of boxes, in style.css

/** Draw an example. */
export function showExample(root, example, page) {
  const { text } = page.state;
  const labels = [...new Set(example.boxes.map((box) => box.label))];
  const colour = (label) => labels.indexOf(label) % COLOURS;
  const options = example.turns.map(() => h("div", { class: "options" }));
  root.setAttribute("aria-label", `Example ${example.id}`);
  root.replaceChildren(
    h(
      "header",
      {},
      h("h1", {}, marked(example.id, text)),
      h(
        "p",
        { class: "chips" },
        h("span", { class: `split ${example.split}` }, example.split),
        h("span", {}, many(example.images.length, "image")),
        example.boxes.length > 0 && h("span", {}, example.boxes.length === 1 ? "1 box" : `${example.boxes.length} boxes`),
        example.origin.map((one) => h("span", { class: "warn" }, one)),
      ),
    ),
    h(
      "div",
      { class: "body" },
      h(
        "div",
        { class: "seen" },
        h("div", { class: "pictures" }, example.images.map((path, place) => picture(example, path, place, colour, page))),
        legend(example, labels, colour),
      ),
      h(
        "div",
        { class: "told" },
        example.turns.length > 1 && h("p", { class: "hint" }, `${example.turns.length} turns: each stands for itself, they are no conversation.`),
        example.turns.map((turn, place) => one(turn, place, example.turns.length, options[place], text)),
        target(example),
        identity(example),
        origin(example),
      ),
    ),
  );
  ask("options", { id: example.id }).then(
    (shown) => shown.forEach((some, place) => fillOptions(options[place], some, example.turns[place].answer)),
    (error) => options[0]?.replaceChildren(h("p", { class: "hint" }, error.message)),
  );
}

// ---- pictures

function picture(example, path, place, colour, page) {
  const size = example.sizes[place];
  const lack = example.lacks[place];
  const about = `Image ${place + 1} of ${example.images.length}`;
  const boxes = example.boxes.filter((box) => box.image === place);
  const ratio = size ? size.width / size.height : 5 / 6;
  const stage = h("div", { class: "stage", onclick: () => document.body.classList.toggle("large") });
  const fail = (reason) => {
    stage.classList.add("lacking");
    stage.prepend(h("p", { class: "lack" }, reason));
  };
  if (lack) fail(lack);
  else {
    const source = address("picture", { id: example.id, image: place, of: page.output.version });
    const image = h("img", {
      src: source,
      alt: boxes.length ? `${about}, with ${boxes.map((box) => box.label || "a box").join(", ")}` : about,
      draggable: "false",
      onload: () => size || figure.style.setProperty("--ratio", image.naturalWidth / image.naturalHeight),
      onerror: () => {
        image.remove();
        ask("picture", { id: example.id, image: place }).catch((error) => fail(error.message));
      },
    });
    stage.append(image);
  }
  stage.append(
    s(
      "svg",
      { viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" },
      boxes.map((box) => {
        const corners = { x: box.x1, y: box.y1, width: box.x2 - box.x1, height: box.y2 - box.y1 };
        const group = { class: `box c${colour(box.label)}`, "data-label": box.label };
        return s("g", group, s("rect", { class: "halo", ...corners }), s("rect", { class: "line", ...corners }));
      }),
    ),
    ...boxes
      .filter((box) => box.label)
      .map((box) => tag(box, colour)),
  );
  const figure = h(
    "figure",
    { vars: { "--ratio": ratio } },
    stage,
    h("figcaption", {}, example.images.length > 1 && h("b", {}, `${place + 1} `), h("span", { class: "path" }, path), size && ` ${number(size.width)} × ${number(size.height)}`),
  );
  return figure;
}

/** The label of a box above it, or inside where nothing is above; from its right side where little is left of the image. */
function tag(box, colour) {
  const classes = ["tag", `c${colour(box.label)}`, box.y1 < 0.05 && "inside", box.x1 > 0.6 && "right"];
  return h(
    "span",
    {
      class: classes.filter(Boolean).join(" "),
      "data-label": box.label,
      "aria-hidden": "true",
      vars: { "--x1": box.x1, "--x2": box.x2, "--y": box.y1 },
    },
    box.label,
  );
}

/** The labels of boxes: pointing at one shows its boxes alone, pressing keeps it so. */
function legend(example, labels, colour) {
  if (!example.boxes.length) return null;
  let kept = null;
  const list = h("ul", { class: "legend", "aria-label": "Boxes by label" });
  const only = (label) => {
    for (const one of list.closest(".seen").querySelectorAll("[data-label]")) {
      if (one.closest(".stage")) one.classList.toggle("dim", label !== null && one.dataset.label !== label);
    }
  };
  const buttons = labels.map((label) => {
    const button = h(
      "button",
      {
        type: "button",
        class: `c${colour(label)}`,
        "aria-pressed": "false",
        onmouseenter: () => only(label),
        onmouseleave: () => only(kept),
        onclick: () => {
          kept = kept === label ? null : label;
          for (const other of buttons) other.setAttribute("aria-pressed", String(other === button && kept !== null));
          only(kept);
        },
      },
      label || "without a label",
      h("span", { class: "times" }, ` ${example.boxes.filter((box) => box.label === label).length}`),
    );
    return button;
  });
  list.append(...buttons.map((button) => h("li", {}, button)));
  return h("div", {}, list, h("details", { class: "places" }, h("summary", {}, "Corners"), corners(example)));
}

function corners(example) {
  const row = (box) => {
    const size = example.sizes[box.image];
    const said = size
      ? [box.x1 * size.width, box.y1 * size.height, box.x2 * size.width, box.y2 * size.height].map((one) => number(Math.round(one)))
      : [box.x1, box.y1, box.x2, box.y2].map((one) => one.toFixed(3));
    return h("tr", {}, h("td", {}, box.label), example.images.length > 1 && h("td", {}, `image ${box.image + 1}`), said.map((one) => h("td", { class: "figure" }, one)));
  };
  const names = ["label", example.images.length > 1 && "image", "left", "top", "right", "bottom"].filter(Boolean);
  return h(
    "div",
    { class: "scroll" },
    h("table", {}, h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, example.boxes.map(row))),
    h("p", { class: "hint" }, example.sizes.length ? "In pixels of the image, to the nearest." : "As shares of width and height."),
  );
}

// ---- texts

function one(turn, place, all, options, text) {
  return h(
    "section",
    { class: "card turn", "aria-label": `Turn ${place + 1}` },
    h("h2", {}, all > 1 ? `Turn ${place + 1} of ${all}` : "Turn", h("span", { class: "form" }, turn.form)),
    h("p", { class: "text prompt" }, marked(turn.prompt, text)),
    h("p", { class: "text answer" }, marked(turn.answer, text)),
    options,
  );
}

/** The options that a prompt shows, by place; those that the answer names, by text or by marker, are marked. */
function fillOptions(root, options, answer) {
  if (!options.length) return;
  const said = answer.split(", ");
  const named = (option, place) =>
    option === answer || said.includes(option) || said.includes(`(${String.fromCharCode(65 + place)})`) || said.includes(`(${place + 1})`);
  root.replaceChildren(
    h("h3", {}, many(options.length, "option")),
    h("ol", {}, options.map((option, place) => h("li", named(option, place) ? { class: "named", "aria-label": `${option}, the answer` } : {}, option))),
  );
}

/** The first answer as data, an item a line; where it is that answer as it reads, nothing more is shown. */
function target(example) {
  const value = JSON.parse(example.target);
  if (value === example.turns[0].answer) return null;
  const lines = Array.isArray(value) && value.length ? value.map((item) => JSON.stringify(item)).join("\n") : JSON.stringify(value);
  return h("section", { class: "card" }, h("h2", {}, "Target"), h("pre", { class: "text" }, lines));
}

function identity(example) {
  const pairs = [
    ["task", example.task],
    ["source", example.source],
    ["space", example.space],
    ["patient", example.patient_id ?? "none was released"],
    ["study", example.study_id],
    ["origin", example.origin.join(", ") || "nothing generated"],
  ];
  return section({ title: "Identity", facts: pairs.map(([label, value]) => ({ label, value })) });
}

/** What stands between backticks is code. */
function coded(text) {
  return text.split("`").map((part, place) => (place % 2 ? h("code", {}, part) : part));
}

// ---- where it came from

const WAIT = 400; // ms: who goes through examples quickly asks nothing
let opened = false;

/** A section without what the page shows already. */
function told({ title, facts }) {
  return section({ title, facts: facts.filter(({ label }) => label !== "prompt" && label !== "answer") });
}

/** A part that is asked for when it is opened, which it then stays for the examples that follow. */
function origin(example) {
  const sections = h("div", { class: "sections" });
  const details = h("details", { class: "origin", open: opened }, h("summary", {}, "Where it came from"), sections);
  const fill = async () => {
    if (sections.childElementCount) return;
    sections.replaceChildren(h("p", { class: "hint" }, "Looking it up …"));
    await new Promise((done) => setTimeout(done, WAIT));
    if (!details.isConnected) return;
    try {
      const said = await ask("origin", { id: example.id });
      const changed = said.changed.map(({ message }) => h("p", { class: "warn" }, `${message}.`));
      sections.replaceChildren(...changed, ...said.sections.filter(({ title }) => title !== "Example").map(told));
    } catch (error) {
      sections.replaceChildren(h("p", { class: "hint" }, error.message));
    }
  };
  details.addEventListener("toggle", () => {
    opened = details.open;
    if (opened) fill();
  });
  return details;
}

function section({ title, facts }) {
  return h(
    "section",
    { class: "card" },
    h("h2", {}, title),
    h("dl", { class: "pairs" }, facts.map(({ label, value }) => h("div", {}, h("dt", {}, coded(label)), h("dd", {}, coded(value))))),
  );
}
