import { putPixels } from "./bytes.js";
import { make } from "./dom.js";

const CRISP_UP_TO = 64, GAP = 6, LARGEST = 144, ENLARGED = 1.5, LARGEST_EVER = 560, LEAST = 26, LEAST_UNIT = 38, LEAST_TALL = 14;

/* Pictures in rows. Where they show units, each is a button and arrow keys move between them. */
export class PictureGrid {
  constructor(units) {
    this.units = units;
    this.tiles = [];
    this.shape = "";
    this.node = make("div", { class: "pictures", onkeydown: (event) => this.move(event) });
  }

  show(figure, width) {
    this.figure = figure;
    const shape = JSON.stringify([figure.pictures.length, figure.names, this.units?.layer()]);
    if (shape !== this.shape) this.build(shape);
    this.arrange(width);
    figure.pictures.forEach((picture, i) => {
      putPixels(this.tiles[i].canvas, picture);
      this.tiles[i].canvas.classList.toggle("crisp", Math.max(picture.width, picture.height) <= CRISP_UP_TO);
    });
    this.mark();
  }

  arrange(width) {
    const { width: w, height: h } = this.figure.pictures[0] ?? { width: 1, height: 1 };
    const least = Math.min(width, Math.max(this.units?.open ? LEAST_UNIT : LEAST, LEAST_TALL * w / h));
    const largest = Math.max(LARGEST, Math.min(LARGEST_EVER, ENLARGED * w), 2 * least);
    const fits = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
    this.columns = Math.max(1, Math.min(this.figure.columns || 1, fits, this.tiles.length || 1));
    const most = Math.min(largest, Math.floor((width - GAP * (this.columns - 1)) / this.columns));
    this.node.style.gridTemplateColumns = `repeat(${this.columns}, minmax(0, ${most}px))`;
  }

  build(shape) {
    this.shape = shape;
    this.tiles = this.figure.pictures.map((_, i) => this.tile(this.figure.names[i] ?? "", i));
    this.node.replaceChildren(...this.tiles.map((tile) => tile.node));
    this.node.setAttribute("role", "group");
    this.node.setAttribute("aria-label", this.figure.title + (this.units?.open ? ". Arrow keys move, Enter opens a unit" : ""));
  }

  tile(name, i) {
    const pressed = this.units?.open, unit = Number(name || i);
    const canvas = make("canvas", pressed ? { "aria-hidden": "true" } : { role: "img", "aria-label": name || `${this.figure.title}, picture ${i + 1}` });
    const under = name ? make("span", { class: "name", text: name, "aria-hidden": "true" }) : null;
    const node = pressed
      ? make("button", { type: "button", class: "tile unit", tabindex: i ? -1 : 0, onclick: () => pressed(unit, node) }, canvas, under)
      : make("div", { class: "tile" }, canvas, under);
    return { canvas, node, unit, named: pressed ? node : canvas };
  }

  /* Units that are held have a corner turned, and say so. */
  mark() {
    if (!this.units) return;
    for (const { node, named, unit } of this.tiles) {
      const value = this.units.held(unit), told = `Unit ${unit} of ${this.units.layer()}${value === undefined ? "" : `, held at ${value}`}`;
      node.classList.toggle("held", value !== undefined);
      if (named.getAttribute("aria-label") === told) continue;
      named.setAttribute("aria-label", told);
      node.title = told;
    }
  }

  move(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns };
    const from = this.tiles.findIndex(({ node }) => node === document.activeElement);
    let to = from + (steps[event.key] ?? 0);
    if (event.key === "Home") to = 0;
    if (event.key === "End") to = this.tiles.length - 1;
    if (!this.units?.open || from < 0 || to === from || !this.tiles[to]) return;
    event.preventDefault();
    this.tiles[from].node.tabIndex = -1;
    this.tiles[to].node.tabIndex = 0;
    this.tiles[to].node.focus();
  }
}
