import { LETTER, write } from "./pen.js";
import { colours, cssOf, mixed, rgbOf } from "./theme.js";
import { brief, percent, whole } from "./words.js";

const NUMBERED = 30, CELL_TALLEST = 36, NAME_LETTERS = 14, SHADE_GAP = 2;

/* Counts of each row answered as each column: right answers blue, mistakes orange, by share of the row. */
export function layMatrix(figure, width) {
  const count = figure.rows.length, columns = figure.columns.length, many = count > NUMBERED;
  const letters = Math.max(1, ...figure.rows.map((name) => brief(name, NAME_LETTERS).length));
  const left = many ? 8 : Math.min(0.3 * width, Math.max(38, 10 + LETTER * letters));
  const wide = Math.min((width - left) / columns, many ? 14 : 64), tall = many ? wide : Math.min(CELL_TALLEST, wide);
  const upright = !many && figure.columns.some((name) => LETTER * brief(name, NAME_LETTERS).length > wide - 2);
  const longest = Math.max(1, ...figure.columns.map((name) => brief(name, NAME_LETTERS).length));
  const top = many ? 18 : 18 + (upright ? LETTER * longest + 8 : 18);
  const totals = figure.counts.map((row) => row.reduce((a, b) => a + b, 0));
  const frame = { figure, left, top, wide, tall, many, upright, totals, right: left + wide * columns };
  return {
    height: Math.ceil(top + tall * count + 4),
    paint(pen) {
      write(pen, many ? "predicted →, true ↓" : "predicted", frame.right, 11, { align: "right" });
      if (!many) paintMatrixNames(pen, frame);
      for (let row = 0; row < count; row++)
        for (let column = 0; column < columns; column++) paintMatrixCell(pen, frame, row, column);
    },
    say(x, y) {
      const row = Math.floor((y - top) / tall), column = Math.floor((x - left) / wide), n = figure.counts[row]?.[column];
      if (n === undefined) return "";
      const share = totals[row] ? ` (${percent(n / totals[row])})` : "";
      return `${figure.rows[row]}, predicted ${figure.columns[column]}:\n${whole(n)} of ${whole(totals[row])}${share}`;
    },
  };
}

function paintMatrixNames(pen, { figure, left, top, wide, tall, upright }) {
  write(pen, "true", left - 8, top - 8, { align: "right" });
  figure.rows.forEach((name, i) => write(pen, brief(name, NAME_LETTERS), left - 8, top + (i + 0.5) * tall + 4, { align: "right", colour: "ink" }));
  figure.columns.forEach((name, i) => {
    const x = left + (i + 0.5) * wide;
    if (!upright) return write(pen, brief(name, NAME_LETTERS), x, top - 8, { align: "center", colour: "ink" });
    pen.save();
    pen.translate(x + 4, top - 6);
    pen.rotate(-Math.PI / 2);
    write(pen, brief(name, NAME_LETTERS), 0, 0, { colour: "ink" });
    pen.restore();
  });
}

function paintMatrixCell(pen, { figure, left, top, wide, tall, many, totals }, row, column) {
  const count = figure.counts[row][column], palette = colours();
  const share = totals[row] ? count / totals[row] : 0, tint = count ? 0.08 + (many ? 0.8 : 0.42) * Math.sqrt(share) : 0;
  const colour = rgbOf(row === column ? palette.accent : palette.warm), gap = many ? 0.5 : SHADE_GAP;
  pen.fillStyle = cssOf(mixed(rgbOf(count ? palette.card : palette.page), colour, tint));
  pen.beginPath();
  pen.roundRect(left + column * wide + gap / 2, top + row * tall + gap / 2, wide - gap, tall - gap, many ? 0 : 4);
  pen.fill();
  if (many || !count) return;
  const text = String(count), size = Math.min(13, 1.5 * wide / Math.max(text.length, 2));
  write(pen, text, left + (column + 0.5) * wide, top + (row + 0.5) * tall + size / 3, { align: "center", colour: "ink", size });
}
