import { LETTER, layKeys, spread, trace, write } from "./pen.js";
import { ACROSS, UPRIGHT, axisLabel, fitScale, ticksOf } from "./scale.js";
import { halfWidth, readSeries } from "./series.js";
import { paintSeries } from "./draw-series.js";
import { brief, written } from "./words.js";

const CURVE_SHAPES = { usual: [0.58, 300], flat: [0.375, 190], square: [0.82, 460] };
const CURVE_LEFT = 50, CURVE_RIGHT = 12, CURVE_TOP = 28, CURVE_BELOW = 40, FEW_NAMES = 5, LONGEST_NAME = 17, ROOMY = 400;

/* Series over a common axis. `extra` are steps at which somebody reached in. */
export function layCurves(figure, width, { marks: extra = [] } = {}) {
  const series = readSeries(figure.series), beside = namesBeside(series, width);
  const keys = layKeys(beside.length ? [] : keysOf(series), width);
  const [share, most] = CURVE_SHAPES[figure.form] ?? CURVE_SHAPES.usual;
  const height = keys.height + Math.round(Math.min(share * width, most));
  const room = beside.length ? 10 + LETTER * Math.max(...beside.map((one) => brief(one.name, LONGEST_NAME).length)) : 0;
  const frame = curveFrame(figure, series, [CURVE_LEFT, width - CURVE_RIGHT - room], [height - CURVE_BELOW, CURVE_TOP + keys.height]);
  return {
    height,
    paint(pen) {
      keys.paint(pen);
      paintAxes(pen, frame, height);
      paintRules(pen, frame, extra);
      for (const one of series) paintSeries(pen, one, frame);
      paintWords(pen, frame);
      paintNames(pen, frame, beside);
    },
    say: (x, y) => sayNearest(frame, series, x, y),
  };
}

function curveFrame(figure, series, [left, right], [bottom, top]) {
  const across = series.flatMap(spanOf).concat((figure.marks ?? []).map(([at]) => at));
  const up = series.flatMap((one) => [one.y, one.low, one.high, ...one.replicates].flat());
  const x = fitScale(figure.x, across, left, right);
  const y = fitScale(figure.y, up.concat((figure.levels ?? []).map(([at]) => at)), bottom, top);
  return { figure, x, y, left, right, top, bottom, across };
}

function spanOf(one) {
  if (one.style !== "columns") return one.x;
  const half = halfWidth(one);
  return one.x.flatMap((value) => [value - half, value + half]);
}

/* Names stand at the ends of lines where there is room; else above, each with its look. */
function namesBeside(series, width) {
  const lines = series.filter((one) => one.name && one.x.length);
  const fits = width >= ROOMY && lines.length > 1 && lines.length <= FEW_NAMES;
  return fits && lines.every((one) => one.style === "line") ? lines : [];
}

function keysOf(series) {
  const keys = series.filter((one) => one.name && (one.style !== "cloud" || one.role))
    .map((one) => ({ name: one.name, look: one.look, dot: one.style !== "line" }));
  return keys.length > 1 || series.some((one) => one.role === "train" || one.role === "val") ? keys : [];
}

function paintAxes(pen, { figure, x, y, left, right, top, bottom, across }, height) {
  const known = across.filter(Number.isFinite), integers = figure.x.whole || known.every(Number.isInteger);
  for (const [at, text] of ticksOf(figure.y, y, UPRIGHT)) {
    trace(pen, [[left, at], [right, at]], { colour: "line" });
    write(pen, text, left - 6, at + 4, { align: "right" });
  }
  for (const [at, text] of ticksOf({ ...figure.x, whole: integers }, x, ACROSS, known)) {
    trace(pen, [[at, bottom], [at, bottom + 4]], { colour: "line" });
    write(pen, text, at, bottom + 17, { align: "center" });
  }
  trace(pen, [[left, bottom], [right, bottom]], { colour: "grey" });
  write(pen, axisLabel(figure.x, x), right, height - 6, { align: "right" });
  write(pen, axisLabel(figure.y, y), 0, top - 16);
}

function paintRules(pen, { figure, x, y, left, right, top, bottom }, extra) {
  for (const [at] of figure.levels ?? [])
    trace(pen, [[left, y.at(at)], [right, y.at(at)]], { colour: "ink", dash: [6, 3], alpha: 0.6 });
  for (const [at] of figure.marks ?? [])
    trace(pen, [[x.at(at), top], [x.at(at), bottom]], { colour: "ink", dash: [1, 3] });
  for (const at of extra)
    if (at >= x.low && at <= x.high) trace(pen, [[x.at(at), top], [x.at(at), bottom]], { colour: "warm", alpha: 0.8 });
}

function paintWords(pen, { figure, x, y, left, right, top }) {
  for (const [at, text] of figure.levels ?? []) {
    const above = y.at(at) - 5 > top + 8;
    write(pen, text, right, above ? y.at(at) - 5 : y.at(at) + 14, { align: "right", halo: true });
  }
  for (const [at, text] of figure.marks ?? []) {
    const before = x.at(at) > (left + right) / 2;
    write(pen, text, x.at(at) + (before ? -5 : 5), top + 10, { align: before ? "right" : "left", colour: "ink", weight: 600, halo: true });
  }
}

function paintNames(pen, { x, y, top, bottom, right }, beside) {
  const places = beside.map((one) => {
    const last = one.x.findLastIndex((value, i) => x.shows(value) && y.shows(one.y[i]));
    return { one, y: last < 0 ? bottom : y.at(one.y[last]) + 4 };
  });
  spread(places, 14, top + 4, bottom);
  for (const { one, y: at } of places)
    write(pen, brief(one.name, LONGEST_NAME), right + 8, at, { colour: one.look.colour, weight: 550 });
}

function sayNearest({ figure, x, y, left, right, top, bottom }, series, across, up) {
  if (across < left - 8 || across > right + 8 || up < top - 8 || up > bottom + 8) return "";
  const told = series.filter((one) => one.style !== "cloud" && one.x.length && one.role !== "reference");
  const near = told.map((one) => nearestPoint(one, x, across)).filter((i) => i !== null);
  if (!near.length) return "";
  const best = near.reduce((a, b) => a.far <= b.far ? a : b);
  const lines = near.filter((point) => Math.abs(point.far - best.far) < 1.5);
  if (lines.length === 1 && lines[0].one.labels?.[lines[0].i]) return lines[0].one.labels[lines[0].i];
  const head = figure.x.whole || figure.x.names?.length ? written(figure.x, best.one.x[best.i]) : `${figure.x.label}: ${written(figure.x, best.one.x[best.i])}`;
  return [head, ...lines.slice(0, 8).map(({ one, i }) => `${one.name || figure.y.label}: ${written(figure.y, one.y[i])}`)].join("\n");
}

function nearestPoint(one, scale, across) {
  let best = null;
  one.x.forEach((value, i) => {
    if (!scale.shows(value) || !Number.isFinite(one.y[i])) return;
    const far = Math.abs(scale.at(value) - across);
    if (!best || far < best.far) best = { one, i, far };
  });
  return best;
}
