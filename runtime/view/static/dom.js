// Elements from data: text only ever becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with properties and children: `on...` are listeners, `vars` CSS variables; null and false children are left out. */
export function h(tag, properties = {}, ...children) {
  return filled(document.createElement(tag), properties, children);
}

/** The same for SVG. */
export function s(tag, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), properties, children);
}

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "vars") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

const NUMBERS = new Intl.NumberFormat("en-GB");

/** 4651872 as 4,651,872. */
export function number(value) {
  return NUMBERS.format(value);
}

/** `1 example`, `2 examples`. */
export function many(value, what) {
  return `${number(value)} ${what}${value === 1 ? "" : "s"}`;
}

/** A text in which each place that holds `sought` is marked, whatever its case. */
export function marked(text, sought) {
  if (!sought) return [text];
  const pattern = new RegExp(sought.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "giu");
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(pattern)) {
    parts.push(text.slice(from, found.index), h("mark", {}, found[0]));
    from = found.index + found[0].length;
  }
  return [...parts, text.slice(from)];
}

/** Say something to those who hear the page. */
export function say(text) {
  document.getElementById("said").textContent = text;
}
