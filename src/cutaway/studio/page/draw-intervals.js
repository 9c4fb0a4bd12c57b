import { numberOf, numbers } from "./bytes.js";
import { disc, trace, write } from "./pen.js";
import { ACROSS, axisLabel, fitScale, ticksOf } from "./scale.js";

const ROW_TALL = 34, ROWS_BELOW = 40, ROWS_LEFT = 12;

/* Intervals one below the other, each with its name above. */
export function layIntervals(figure, width) {
  const rows = figure.rows.map((row) => ({ ...row, value: numberOf(row.value), low: numberOf(row.low), high: numberOf(row.high) }));
  const values = rows.flatMap((row) => [row.value, row.low, row.high, ...numbers(row.values)]);
  const scale = fitScale(figure.axis, figure.reference === null ? values : [...values, figure.reference], ROWS_LEFT, width - ROWS_LEFT);
  const bottom = rows.length * ROW_TALL, height = bottom + ROWS_BELOW;
  return {
    height,
    paint(pen) {
      for (const [at, text] of ticksOf(figure.axis, scale, ACROSS)) {
        trace(pen, [[at, 0], [at, bottom]], { colour: "line" });
        write(pen, text, at, bottom + 17, { align: "center" });
      }
      if (figure.reference !== null) trace(pen, [[scale.at(figure.reference), 0], [scale.at(figure.reference), bottom]], { colour: "grey" });
      rows.forEach((row, i) => paintInterval(pen, row, scale, i * ROW_TALL));
      write(pen, axisLabel(figure.axis, scale), width - ROWS_LEFT, height - 6, { align: "right" });
    },
    say: (x, y) => rows[Math.floor(y / ROW_TALL)]?.label ?? "",
  };
}

function paintInterval(pen, row, scale, y) {
  write(pen, row.name, ROWS_LEFT + 4, y + 13, { halo: true });
  if (!Number.isFinite(row.value)) return;
  const colour = row.role === "quiet" ? "grey" : "accent";
  if (scale.shows(row.low)) trace(pen, [[scale.at(row.low), y + 24], [scale.at(row.high), y + 24]], { colour, width: 2 });
  disc(pen, scale.at(row.value), y + 24, 4, colour);
}
