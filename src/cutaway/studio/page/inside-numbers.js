import { bytesOf, painted } from "./bytes.js";
import { make, say } from "./dom.js";
import { penOf } from "./pen.js";
import { colours, cssOf, mixed, rgbOf } from "./theme.js";
import { shortNumber } from "./words.js";

const LARGEST_CELL = 48, MOST_WRITTEN = 40, UNWRITTEN_CELL = 18, PLANE = 136, SMALL_PLANE = 96, PLANES_APART = 6, TALLEST = 8000;

/* The colour of a number: none at 0, blue above and orange below it. */
export function signedColour(value, most) {
  const { card, accent, warm, grey } = colours();
  if (!Number.isFinite(value)) return rgbOf(grey);
  return mixed(rgbOf(card), rgbOf(value < 0 ? warm : accent), Math.min(1, Math.abs(value) / (most || 1)));
}

/* The numbers of a tensor as a picture, plane by plane. With `pick` it is a button: a click or
   arrow keys choose a number, and `pick` is told its place among all of them. */
export class NumberPicture {
  constructor(tensor, { label, most, small = false, pick = null }) {
    [this.tensor, this.label, this.small, this.pick, this.cursor] = [tensor, label, small, pick, 0];
    this.values = new Float32Array(bytesOf({ base64: tensor.numbers }).buffer);
    this.most = most ?? Math.max(Math.abs(tensor.low ?? 0), Math.abs(tensor.high ?? 0));
    this.canvas = make("canvas", pick ? { "aria-hidden": "true" } : { role: "img", "aria-label": `${label}, ${shapeWords(tensor.shape)}` });
    this.told = make("output", { class: "note" });
    this.node = pick ? make("button", { type: "button", class: "inside-numbers", "aria-label": `${label}. Arrow keys move among the numbers, Enter shows what one is made of`, onkeydown: (event) => this.key(event), onclick: (event) => this.click(event) }, this.canvas) : make("div", { class: "inside-picture" }, this.canvas);
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
  }

  /* A few numbers are written into their cells. */
  get largest() {
    return this.values.length <= MOST_WRITTEN ? LARGEST_CELL : UNWRITTEN_CELL;
  }

  draw(width) {
    if (!width) return;
    const { planes, rows, columns } = this.tensor, side = Math.max(rows, columns);
    const wanted = this.small ? Math.max(1, Math.floor(SMALL_PLANE / side)) : Math.max(2, Math.floor(PLANE / side));
    const few = planes === 1 && (!this.small || this.values.length <= MOST_WRITTEN);
    const cell = Math.max(0.5, Math.min(few ? this.largest : wanted * (planes === 1 ? 2 : 1), few ? LARGEST_CELL : UNWRITTEN_CELL, width / columns));
    const across = Math.max(1, Math.min(planes, Math.floor((width + PLANES_APART) / (columns * cell + PLANES_APART)))), down = Math.ceil(planes / across);
    this.layout = { cell, across, height: Math.min(TALLEST, Math.ceil(down * (rows * cell + PLANES_APART) - PLANES_APART)) };
    const shown = Math.ceil(across * (columns * cell + PLANES_APART) - PLANES_APART);
    this.canvas.style.width = `${shown}px`;
    const pen = penOf(this.canvas, shown, this.layout.height);
    pen.imageSmoothingEnabled = false;
    for (let plane = 0; plane < planes; plane++) this.plane(pen, plane);
    if (this.pick && this.chosen) this.frame(pen);
  }

  corner(plane) {
    const { cell, across } = this.layout, { rows, columns } = this.tensor;
    return [(plane % across) * (columns * cell + PLANES_APART), Math.floor(plane / across) * (rows * cell + PLANES_APART)];
  }

  plane(pen, plane) {
    const { cell } = this.layout, { rows, columns } = this.tensor, [x, y] = this.corner(plane), from = plane * rows * columns;
    const picture = painted(columns, rows, (row, column) => this.colour(this.values[from + row * columns + column]));
    pen.drawImage(picture, x, y, columns * cell, rows * cell);
    pen.strokeStyle = colours().line;
    pen.strokeRect(x + 0.5, y + 0.5, columns * cell - 1, rows * cell - 1);
    if (cell > 0.8 * LARGEST_CELL) this.write(pen, from, x, y);
  }

  colour(value) {
    return Number.isNaN(value) ? rgbOf(colours().line) : signedColour(value, this.most);
  }

  write(pen, from, x, y) {
    const { cell } = this.layout, { rows, columns } = this.tensor, { ink, page } = colours();
    [pen.font, pen.textAlign, pen.textBaseline] = ["11px system-ui, sans-serif", "center", "middle"];
    for (let i = 0; i < rows * columns; i++) {
      const value = this.values[from + i];
      if (Number.isNaN(value)) continue;
      pen.fillStyle = Math.abs(value) > 0.6 * this.most ? page : ink;
      if (pen.measureText(briefNumber(value)).width < cell - 4) pen.fillText(briefNumber(value), x + (i % columns + 0.5) * cell, y + (Math.floor(i / columns) + 0.5) * cell);
    }
  }

  frame(pen) {
    const { cell } = this.layout, [plane, row, column] = this.placeOf(this.cursor), [x, y] = this.corner(plane), side = Math.max(cell, 6), off = (side - cell) / 2;
    pen.lineWidth = 2;
    pen.strokeStyle = colours().ink;
    pen.strokeRect(x + column * cell - off, y + row * cell - off, side, side);
    pen.lineWidth = 1;
  }

  placeOf(i) {
    const { rows, columns } = this.tensor, each = rows * columns;
    return [Math.floor(i / each), Math.floor(i % each / columns), i % columns];
  }

  /* The number below the pointer; -1 where there is none. */
  under({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect(), { cell, across } = this.layout, { planes, rows, columns } = this.tensor;
    const x = clientX - box.left, y = clientY - box.top, wide = columns * cell + PLANES_APART, tall = rows * cell + PLANES_APART;
    const over = Math.floor(x / wide), row = Math.floor(y % tall / cell), column = Math.floor(x % wide / cell), plane = Math.floor(y / tall) * across + over;
    const there = x >= 0 && y >= 0 && over < across && plane < planes && row < rows && column < columns;
    return there ? (plane * rows + row) * columns + column : -1;
  }

  point(event) {
    const i = this.under(event);
    say(this.told, i < 0 ? "" : this.words(i));
  }

  words(i) {
    const [plane, row, column] = this.placeOf(i), { of, apart, height, width, line } = this.tensor, value = this.values[i];
    if (Number.isNaN(value)) return "";
    const at = row * apart[0] * width + column * apart[1], where = line ? `number ${at}` : [of > 1 ? `map ${plane}` : "", height > 1 ? `row ${row * apart[0]}` : "", `column ${column * apart[1]}`].filter(Boolean).join(", ");
    return `${where}: ${shortNumber(Number(value.toPrecision(5)))}`;
  }

  click(event) {
    const i = event.detail ? this.under(event) : this.cursor;
    if (i >= 0) this.choose(i, true);
  }

  choose(i, open) {
    if (Number.isNaN(this.values[i])) return;
    [this.cursor, this.chosen] = [i, true];
    const [plane, row, column] = this.placeOf(i), { apart, width, height } = this.tensor;
    say(this.told, this.words(i));
    this.redraw?.();
    if (open) this.pick((plane * height + row * apart[0]) * width + column * apart[1]);
  }

  key(event) {
    const { columns } = this.tensor, by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key], to = this.cursor + by;
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    if (to >= 0 && to < this.values.length) this.choose(to, false);
  }
}

export const briefNumber = (value) => !Number.isFinite(value) ? "–" : Math.abs(value) >= 1000 || (value !== 0 && Math.abs(value) < 0.001) ? value.toExponential(0).replace("-", "−").replace("e+", "e") : String(Number(value.toPrecision(Math.abs(value) >= 100 ? 3 : 2))).replace("-", "−");

export const shapeWords = (shape) => shape.length ? shape.join(" × ") : "one number";

export const tintOf = (value, most) => cssOf(mixed(rgbOf(colours().card), signedColour(value, most), 0.45));
