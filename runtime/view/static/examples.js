// A page of examples as a list, and one of them beside it.

import { ask } from "./api.js";
import { h, many, marked, number, say } from "./dom.js";
import { showExample } from "./example.js";

const SIZE = 25;
const PLACES = ["task", "source", "split", "text", "at"];
const KEPT = 60; // examples that are not asked for again

/** The view of examples: keeps the page that it shows until another one is there. */
export class Examples {
  constructor(root, page) {
    this.page = page;
    this.rows = [];
    this.start = 0;
    this.next = null;
    this.shown = null; // what the list shows, and the example beside it
    this.id = null;
    this.known = new Map();
    this.list = h("ol", { class: "rows" });
    this.told = h("p", { class: "told" });
    this.back = h("button", { type: "button", onclick: () => this.turn(-1) }, "Previous");
    this.on = h("button", { type: "button", onclick: () => this.turn(1) }, "Next");
    this.one = h("article", { class: "example", tabindex: -1, "aria-label": "Example" });
    this.aside = h(
      "div",
      { class: "list", "aria-busy": "false" },
      this.list,
      h("nav", { class: "pager", "aria-label": "Pages" }, this.back, this.told, this.on),
    );
    const home = h("button", { type: "button", class: "home", onclick: () => this.leave() }, "← List");
    const before = h("button", { type: "button", "aria-label": "Example before", onclick: () => this.step(-1) }, "↑");
    const after = h("button", { type: "button", "aria-label": "Next example", onclick: () => this.step(1) }, "↓");
    root.replaceChildren(this.aside, h("div", { class: "pane" }, h("div", { class: "bar" }, home, before, after), this.one));
  }

  get wide() {
    return matchMedia("(min-width: 900px)").matches;
  }

  async show() {
    const { state } = this.page;
    const wanted = JSON.stringify(PLACES.map((name) => state[name]));
    if (wanted !== this.shown) {
      this.shown = wanted;
      await this.load(wanted, state);
      if (wanted !== this.shown) return;
    }
    this.mark();
    if (this.page.state.id) this.open(this.page.state.id);
    else if (this.wide && this.rows.length) this.page.go({ id: this.rows[0].id }, true);
    else this.close();
  }

  /** Ask until the page is full: a text may be rare, and the server answers after a second at most. */
  async load(wanted, state) {
    const { task, source, split, text } = state;
    const rows = [];
    let next = Number(state.at ?? 0);
    this.aside.setAttribute("aria-busy", "true");
    try {
      do {
        const said = await ask("examples", { task, source, split, text, at: next, size: SIZE - rows.length });
        if (wanted !== this.shown) return;
        await this.page.check(said.version);
        rows.push(...said.rows);
        [next, this.total] = [said.next, said.total];
        this.told.textContent = `looking … ${Math.floor((100 * (next ?? said.total)) / Math.max(said.total, 1))} %`;
      } while (rows.length < SIZE && next !== null);
    } catch (error) {
      if (wanted !== this.shown) return;
      this.shown = null;
      this.page.trouble(error);
      return;
    } finally {
      if (wanted === this.shown || this.shown === null) this.aside.setAttribute("aria-busy", "false");
    }
    [this.rows, this.start, this.next] = [rows, Number(state.at ?? 0), next];
    this.draw(text);
    const picked = this.pick === "last" ? rows.at(-1) : this.pick === "first" ? rows[0] : null;
    this.pick = null;
    if (picked) {
      this.page.go({ id: picked.id }, true);
      this.focus();
    }
  }

  draw(text) {
    this.list.replaceChildren(...this.rows.map((row) => this.item(row, text)));
    this.list.scrollTop = 0;
    if (!this.rows.length) this.list.append(h("li", { class: "empty" }, "No example is like this."));
    const last = this.rows.at(-1);
    const places = this.rows.length ? `${number(this.rows[0].at + 1)} to ${number(last.at + 1)} of ${number(this.total)}` : "";
    this.told.textContent = text ? many(this.rows.length, "match").replace("matchs", "matches") : places;
    this.back.disabled = !this.start;
    this.on.disabled = this.next === null;
    say(this.rows.length ? `${many(this.rows.length, "example")} listed` : "No example is like this.");
  }

  item(row, text) {
    const about = [row.images !== 1 && many(row.images, "image"), row.boxes && many(row.boxes, "box").replace("boxs", "boxes"), row.turns > 1 && many(row.turns, "turn")];
    return h(
      "li",
      {},
      h(
        "a",
        { class: "row", href: this.page.link({ id: row.id }), "data-id": row.id },
        h("span", { class: "meta" }, h("span", { class: `split ${row.split}` }, row.split), ` ${row.source}`, about.filter(Boolean).map((one) => ` · ${one}`)),
        h("span", { class: "asked" }, marked(row.prompt, text)),
        h("span", { class: "said" }, marked(row.answer, text)),
      ),
    );
  }

  mark() {
    const { id } = this.page.state;
    for (const link of this.list.querySelectorAll("a.row")) {
      link.href = this.page.link({ id: link.dataset.id });
      if (link.dataset.id === id) {
        link.setAttribute("aria-current", "true");
        link.scrollIntoView({ block: "nearest" });
      } else link.removeAttribute("aria-current");
    }
  }

  focus() {
    if (this.wide) this.list.querySelector("a[aria-current]")?.focus({ preventScroll: true });
  }

  async open(id) {
    const { text } = this.page.state;
    const sought = JSON.stringify([id, text, this.page.output.version]);
    if (sought === this.id) return;
    this.id = sought;
    try {
      const example = await this.get(id);
      if (sought !== this.id) return;
      showExample(this.one, example, this.page);
      this.one.parentElement.scrollTop = 0;
      const place = this.rows.findIndex((row) => row.id === id);
      if (this.rows[place + 1]) this.get(this.rows[place + 1].id).catch(() => {});
    } catch (error) {
      if (sought !== this.id) return;
      this.close();
      this.one.replaceChildren(h("p", { class: "empty" }, error.message));
    }
  }

  get(id) {
    const key = `${this.page.output.version} ${id}`;
    if (!this.known.has(key)) {
      const asked = ask("example", { id });
      this.known.set(key, asked);
      asked.catch(() => this.known.delete(key));
      if (this.known.size > KEPT) this.known.delete(this.known.keys().next().value);
    }
    return this.known.get(key);
  }

  close() {
    this.id = null;
    this.one.replaceChildren(h("p", { class: "empty" }, this.rows.length ? "Choose an example." : ""));
  }

  /** Back from one example to the list, where only one of them is seen; whether there was anything to leave. */
  leave() {
    if (this.wide || !this.page.state.id) return false;
    const { id } = this.page.state;
    this.page.go({ id: null });
    for (const link of this.list.querySelectorAll("a.row")) if (link.dataset.id === id) link.focus();
    return true;
  }

  /** The example after or before this one, over the ends of the page. */
  step(by) {
    const place = this.rows.findIndex((row) => row.id === this.page.state.id);
    const row = this.rows[place < 0 ? 0 : place + by];
    if (row) {
      this.page.go({ id: row.id }, true);
      this.focus();
    } else this.turn(by, by < 0 ? "last" : "first");
  }

  /** The page after or before this one; `pick` says which of its examples is shown. */
  async turn(by, pick = this.wide ? "first" : null) {
    if (by < 0 ? !this.start : this.next === null) return;
    const { shown } = this;
    const at = by < 0 ? await this.before() : this.next;
    if (shown !== this.shown) return; // somebody went elsewhere meanwhile
    this.pick = pick;
    this.page.go({ at: at || null, id: null });
  }

  /** Where the page starts that ends before this one. */
  async before() {
    const { task, source, split, text } = this.page.state;
    let [start, lacking] = [this.start, SIZE];
    while (start > 0 && lacking > 0) {
      const said = await ask("examples", { task, source, split, text, before: start, size: lacking });
      [start, lacking] = [said.start, lacking - said.rows.length];
    }
    return start;
  }

  /** Whether a key was one of this view. */
  key(event) {
    const inside = this.one.contains(event.target) && event.key.startsWith("Arrow");
    const steps = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
    const pages = { n: 1, p: -1 };
    if (event.key in steps && !inside) this.step(steps[event.key]);
    else if (event.key in pages) this.turn(pages[event.key]);
    else if (event.key === "b") document.body.classList.toggle("bare");
    else if (event.key === "z") document.body.classList.toggle("large");
    else return false;
    return true;
  }
}
