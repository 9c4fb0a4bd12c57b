import { brief, shortNumber } from "./words.js";

/* Axes as the reports draw them (show/charts/scale.py): the same ends and the same ticks. */
const SPANS = 30, END_ROOM = 0.05, MOST_TICKS = 7, NEAR_TICKS = 32, TICK_LETTERS = 4;
export const UPRIGHT = 40;
export const ACROSS = 60;

export function makeScale(low, high, start, end, log = false) {
  const to = (value) => log ? Math.log(value) : value;
  const from = to(low), span = to(high) - from || 1;
  const inside = (value) => Math.min(Math.max(value, low), high);
  return {
    low, high, start, end, log,
    at: (value) => start + (end - start) * (to(inside(value)) - from) / span,
    shows: (value) => Number.isFinite(value) && (value > 0 || !log),
  };
}

export function extent(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

export function fitScale(axis, values, start, end) {
  if (axis.names?.length) return makeScale(0.5, axis.names.length + 0.5, start, end);
  const least = axis.low ?? -Infinity, most = axis.high ?? Infinity;
  let known = values.filter(Number.isFinite).map((value) => Math.min(Math.max(value, least), most));
  const log = axis.scale === "log" || (axis.scale === "auto" && spansMuch(known));
  if (log) known = known.filter((value) => value > 0);
  if (!known.length) known = [1];
  const [low, high] = axisEnds(axis, ...extent(known), log);
  return makeScale(axis.low ?? low, axis.high ?? high, start, end, log);
}

function spansMuch(values) {
  const [low, high] = extent(values);
  return values.length > 0 && low > 0 && high / low > SPANS;
}

function axisEnds(axis, low, high, log) {
  if (log) {
    const room = high > low ? (high / low) ** END_ROOM : 2;
    return [low / room, high * room];
  }
  if (axis.share) return [Math.max(0, low - 0.1 * (high - low) - 1e-3), Math.min(1, 1.5 * Math.max(high, 0.01))];
  if (axis.zero && low >= 0) return [0, (1 + END_ROOM) * high || 1];
  const room = END_ROOM * (high - low) || (axis.whole && 0.5) || 0.5 * Math.abs(high) || 0.5;
  return [low - room, high + room];
}

/* [position, text] of each tick; where few values were measured, a logarithmic axis has those. */
export function ticksOf(axis, scale, gap, values = []) {
  if (axis.names?.length) return axis.names.map((name, i) => [scale.at(i + 1), brief(name)]);
  if (scale.log && scale.high / scale.low >= 3) {
    const powers = placed(thinned(logTicks(scale.low, scale.high)), scale, logTick);
    return measuredTicks(values, scale) ?? powers;
  }
  const most = Math.max(3, Math.round(Math.abs(scale.end - scale.start) / gap));
  const at = roundTicks(scale.low, scale.high, most, axis.whole);
  return placed(at, scale, axis.share ? shareTick(at) : shortNumber);
}

const placed = (values, scale, text) => values.map((value) => [scale.at(value), text(value)]);

const logTick = (value) => shortNumber(value, 10_000);

function measuredTicks(values, scale) {
  const known = [...new Set(values.filter(scale.shows))].sort((a, b) => a - b);
  if (!known.length || known.length > MOST_TICKS) return null;
  const at = placed(known, scale, logTick);
  const near = at.some(([place], i) => i && place - at[i - 1][0] < NEAR_TICKS);
  return near || at.some(([, text]) => text.length > TICK_LETTERS) ? null : at;
}

function shareTick(at) {
  const step = at.length > 1 ? at[1] - at[0] : 1;
  const places = Math.max(0, -Math.floor(Math.log10(step * 1.001)) - 2);
  return (value) => (100 * value).toFixed(places);
}

function roundTicks(low, high, most = 5, integers = false) {
  const rough = (high - low) / most || 1, power = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 5, 10].map((m) => m * power).find((one) => one >= rough * 0.999);
  if (integers) step = Math.max(1, step);
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function logTicks(low, high) {
  const values = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const m of [1, 2, 5]) values.push(Number(`${m}e${power}`));
  const inside = values.filter((value) => low <= value && value <= high);
  return inside.length <= 6 ? inside : inside.filter((value) => value.toExponential().startsWith("1e"));
}

const thinned = (values) => values.filter((_, i) => i % Math.ceil(values.length / MOST_TICKS) === 0);

export function axisLabel(axis, scale) {
  if (!scale.log) return axis.label;
  return axis.label.endsWith(")") ? `${axis.label.slice(0, -1)}, log scale)` : `${axis.label} (log scale)`;
}
