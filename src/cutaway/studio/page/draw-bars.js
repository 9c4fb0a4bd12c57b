import { numbers } from "./bytes.js";
import { LETTER, layKeys, trace, write } from "./pen.js";
import { ACROSS, axisLabel, fitScale, ticksOf } from "./scale.js";
import { lookOf } from "./series.js";
import { colours } from "./theme.js";
import { percent, shortNumber, whole } from "./words.js";

const BAR_LEFT = 12, BAR_INDENT = 5, BAR_NAME = 17, BAR_TALL = 13, BAR_APART = 2, BAR_GAP = 9, BAR_BELOW = 40, BAR_VALUE = 62;
const SHORT_NAME = 14; // letters of names that stand beside their bars

function barText(axis, value) {
  if (axis.share) return percent(value);
  return Number.isInteger(value) ? whole(value) : shortNumber(Number(value.toPrecision(3)));
}

/* Bars one below the other. Names stand above their bars and so stay whole on a phone; short ones of
   single bars stand beside them. */
export function layBars(figure, width) {
  const parts = readParts(figure), keys = layKeys(parts.length > 1 ? parts.map(({ name, look }) => ({ name, look, dot: true })) : [], width);
  const longest = Math.max(0, ...figure.groups.map((name) => name.length)), beside = parts.length === 1 && longest <= SHORT_NAME;
  const left = beside ? LETTER * longest + BAR_LEFT : BAR_LEFT, above = beside ? 0 : BAR_NAME;
  const texts = parts.flatMap((one) => one.values.filter(Number.isFinite).map((value) => barText(figure.axis, value)));
  const right = width - Math.max(BAR_VALUE, ...texts.map((text) => LETTER * text.length + 14));
  const scale = barScale(figure, parts, left, right), base = scale.log ? scale.low : 0;
  const each = above + parts.length * (BAR_TALL + BAR_APART) + (beside ? BAR_APART : BAR_GAP);
  const height = keys.height + figure.groups.length * each + BAR_BELOW;
  return {
    height,
    paint(pen) {
      keys.paint(pen);
      paintBarAxis(pen, figure, scale, [keys.height, height - BAR_BELOW], base, height);
      figure.groups.forEach((name, group) => {
        const y = keys.height + group * each;
        if (beside) write(pen, name, left - 7, y + 11, { align: "right" });
        else write(pen, name, left + BAR_INDENT, y + BAR_NAME - 4);
        parts.forEach((one, i) => paintBar(pen, one, group, scale, base, y + above + i * (BAR_TALL + BAR_APART), figure.axis));
      });
    },
    say: () => "",
  };
}

function readParts({ parts }) {
  return parts.map((one, i) => ({ ...one, values: numbers(one.values), low: numbers(one.low), high: numbers(one.high), look: lookOf(i, parts.length) }));
}

function barScale(figure, parts, left, right) {
  const values = parts.flatMap((one) => [...one.values, ...one.low, ...one.high]), axis = { ...figure.axis, zero: true };
  if (figure.axis.scale !== "log") return fitScale(axis, [...values, 0], left, right);
  const positive = values.filter((value) => value > 0 && Number.isFinite(value));
  return fitScale(axis, positive.concat(positive.length ? Math.min(...positive) / 2 : []), left, right);
}

function paintBarAxis(pen, figure, scale, [top, bottom], base, height) {
  for (const [at, text] of ticksOf(figure.axis, scale, ACROSS)) {
    trace(pen, [[at, top], [at, bottom]], { colour: "line" });
    write(pen, text, at, bottom + 17, { align: "center" });
  }
  trace(pen, [[scale.at(base), top], [scale.at(base), bottom]], { colour: "grey" });
  write(pen, axisLabel(figure.axis, scale), scale.end, height - 6, { align: "right" });
}

function paintBar(pen, one, group, scale, base, y, axis) {
  const value = one.values[group];
  if (!Number.isFinite(value)) return;
  const [start, end] = [scale.at(base), scale.at(value)].sort((a, b) => a - b);
  pen.globalAlpha = 0.75;
  pen.fillStyle = colours()[one.look.colour];
  pen.fillRect(start, y, Math.max(end - start, 1), BAR_TALL);
  pen.globalAlpha = 1;
  if (one.low.length) trace(pen, [[scale.at(one.low[group]), y + BAR_TALL / 2], [scale.at(one.high[group]), y + BAR_TALL / 2]], { colour: "ink", width: 1.5 });
  write(pen, barText(axis, value), scale.end + 8, y + 11);
}
