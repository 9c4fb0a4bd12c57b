import { choice, make } from "./dom.js";
import { FigureBox } from "./figures.js";
import { soon } from "./soon.js";

/* A view: its heading, what can be chosen, and its figures. It draws while it is on the screen.
   `desk` knows when what is looked at changes, which units are held, and where somebody reached in. */
export class Panel {
  constructor(view, desk, fixed) {
    [this.view, this.desk, this.figures, this.boxes] = [{}, desk, null, []];
    [this.visible, this.open, this.width] = [false, true, 0];
    this.options = {};
    this.choices = make("div", { class: "choices" });
    this.draw = this.draw.bind(this);
    this.body = make("div", { class: "figures" });
    this.empty = make("p", { class: "empty", text: "Not measured yet." });
    this.inner = make("div", { id: `view-${view.name}`, class: "inner" }, view.caption ? make("p", { class: "note", text: view.caption }) : null, this.choices, this.empty, this.body);
    this.fold = make("button", { type: "button", class: "fold", "aria-expanded": "true", "aria-controls": this.inner.id, text: view.title, onclick: () => this.toggle() });
    this.node = make("section", { class: "panel", "aria-label": view.title }, make("h2", {}, this.fold), this.inner);
    this.describe(view, fixed);
    new ResizeObserver(() => this.resize()).observe(this.inner);
  }

  get looked() {
    return this.visible && this.open;
  }

  /* What can be chosen, also where that has changed: a choice stays, unless what is usual has moved. */
  describe(view, fixed = false) {
    const before = this.view.options ?? {}, options = Object.entries(view.options ?? {});
    const same = JSON.stringify(before) === JSON.stringify(view.options ?? {});
    this.view = view;
    this.choices.hidden = !options.length;
    if (same) return;
    for (const [name, { choices, value }] of options)
      if (before[name]?.value !== value || !choices.some(([one]) => one === this.options[name])) this.options[name] = value;
    const picker = ([name, { label, choices }]) => choice(label, choices, this.options[name], (picked) => this.choose(name, picked)).node;
    const told = ([name, { label, choices }]) => `${label}: ${choices.find(([one]) => one === this.options[name])?.[1] ?? this.options[name]}`;
    this.choices.replaceChildren(...fixed ? [make("p", { class: "note", text: options.map(told).join(", ") })] : options.map(picker));
  }

  choose(name, value) {
    this.options[name] = value;
    this.desk.looksChanged();
  }

  toggle() {
    this.open = !this.open;
    this.inner.hidden = !this.open;
    this.fold.setAttribute("aria-expanded", this.open);
    this.desk.looksChanged();
  }

  resize() {
    const width = Math.floor(this.body.clientWidth);
    if (width === this.width) return;
    this.width = width;
    soon(this.draw);
  }

  see(visible) {
    this.visible = visible;
    if (visible) soon(this.draw);
  }

  take(figures) {
    if (figures === this.taken) return; // a moment of a recording that has nothing new
    this.taken = figures;
    this.figures = Array.isArray(figures) ? figures : [figures];
    soon(this.draw);
  }

  draw() {
    if (!this.figures || !this.looked || !this.width) return;
    this.empty.hidden = this.figures.length > 0;
    while (this.boxes.length < this.figures.length) this.boxes.push(new FigureBox(this.about()));
    this.boxes.length = this.figures.length;
    if (this.body.childElementCount !== this.boxes.length) this.body.replaceChildren(...this.boxes.map((box) => box.node));
    this.figures.forEach((figure, i) => this.boxes[i].show(figure, this.width));
  }

  about() {
    const { title, caption, units } = this.view, layer = () => this.view.owners[this.options.layer];
    const shown = units === "layer" ? { layer, held: (unit) => this.desk.heldAt(layer(), unit) } : null;
    if (shown && this.desk.units) shown.open = (unit, anchor) => this.desk.units.open(layer(), unit, anchor, this.view.name);
    return { title, caption, units: shown, marks: (figure) => this.desk.marksOn(figure) };
  }
}
