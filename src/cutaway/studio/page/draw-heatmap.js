import { numberOf, numbers, painted } from "./bytes.js";
import { LETTER, write } from "./pen.js";
import { extent } from "./scale.js";
import { rampAcross, rampAt } from "./theme.js";
import { general, shortNumber } from "./words.js";

const MAP_ROW = 15, MAP_TALL = 420, MAP_BELOW = 20, MAP_LEGEND = 30, MAP_LETTERS = 20;

/* The end of a long name, where names differ. */
const nameEnd = (name) => name.length <= MAP_LETTERS ? name : `…${name.slice(1 - MAP_LETTERS)}`;

/* A colour for each number of a table; grey where there is none. */
export function layHeatMap(figure, width) {
  const count = figure.rows.length, columns = Math.max(0, ...figure.values.map((row) => row.length));
  const tall = Math.min(MAP_ROW, Math.max(1, MAP_TALL / Math.max(count, 1))), each = Math.ceil(12 / tall);
  const names = figure.rows.map(nameEnd);
  const left = Math.min(0.36 * width, 8 + LETTER * Math.max(0, ...names.map((name) => name.length)));
  const { shares, ends } = mapShares(figure), map = Math.max(count * tall, 1), wide = Math.max(width - left, 1);
  const picture = painted(columns, count, (row, column) => rampAt(shares[row][column]));
  return {
    height: map + MAP_BELOW + MAP_LEGEND,
    paint(pen) {
      pen.imageSmoothingEnabled = false;
      pen.drawImage(picture, left, 0, wide, map);
      names.forEach((name, i) => i % each || write(pen, name, left - 7, (i + 0.5) * tall + 4, { align: "right" }));
      write(pen, figure.ends[0], left, map + 15);
      write(pen, figure.ends[1], width, map + 15, { align: "right" });
      paintRamp(pen, figure, ends, left, width, map + MAP_BELOW + 22);
    },
    say(x, y) {
      const row = Math.floor(y / tall), column = Math.floor((x - left) / wide * columns);
      const value = figure.values[row]?.[column];
      if (value === undefined || x < left) return "";
      const number = numberOf(value);
      return `${figure.rows[row]}\n${figure.colour.label}: ${Number.isFinite(number) ? general(number, 4) : "no number"}`;
    },
  };
}

function mapShares({ colour: axis, values }) {
  const log = axis.scale === "log", to = (value) => log ? Math.log10(value > 0 ? value : NaN) : value;
  const known = values.map((row) => numbers(row).map(to));
  let [low, high] = extent(known.flat().filter(Number.isFinite));
  if (low > high) [low, high] = [0, 1];
  [low, high] = [axis.low ?? low, axis.high ?? high];
  const shares = known.map((row) => row.map((value) => (value - low) / Math.max(high - low, 1e-6)));
  const limits = [low, high].map((end) => shortNumber(Number((log ? 10 ** end : end).toPrecision(2))));
  return { shares, ends: axis.names?.length ? [axis.names[0], axis.names.at(-1)] : limits };
}

function paintRamp(pen, figure, [low, high], left, width, y) {
  const label = figure.colour.label, from = left + LETTER * low.length + 8;
  const to = Math.min(from + 160, width - LETTER * (high.length + 1) - 8);
  write(pen, low, left, y);
  pen.fillStyle = rampAcross(pen, from, to);
  pen.fillRect(from, y - 8, to - from, 8);
  write(pen, high, to + 8, y);
  const after = to + 8 + LETTER * high.length + 14;
  if (after + LETTER * label.length <= width) write(pen, label, after, y);
}
