import { bytesOf, numberOf, painted } from "./bytes.js";
import { disc, layKeys, trace, write } from "./pen.js";
import { readSeries } from "./series.js";
import { ACROSS, UPRIGHT, axisLabel, makeScale, ticksOf } from "./scale.js";
import { colours, hue, mixed, rgbOf } from "./theme.js";
import { general } from "./words.js";

const PLANE_LEFT = 44, PLANE_RIGHT = 14, PLANE_BELOW = 40, PLANE_TOP = 22, PLANE_WIDEST = 520, DOTTED = 120, FEW_DOTS = 8;

/* What the network answers at every point of a plane: paler the less sure, palest at a boundary. */
export function layPlane(figure, width) {
  const keys = layKeys((figure.names ?? []).map((name, i) => ({ name, look: { colour: `hue${i % 10}` }, dot: true })), width);
  const top = keys.height + PLANE_TOP, [x0, y0] = figure.low.map(numberOf), [x1, y1] = figure.high.map(numberOf);
  const side = Math.min(width - PLANE_LEFT - PLANE_RIGHT, PLANE_WIDEST), bottom = top + side;
  const x = makeScale(x0, x1, PLANE_LEFT, PLANE_LEFT + side), y = makeScale(y0, y1, bottom, top);
  const ground = planeGround(figure);
  return {
    height: bottom + PLANE_BELOW,
    paint(pen) {
      keys.paint(pen);
      pen.imageSmoothingEnabled = true;
      pen.imageSmoothingQuality = "high";
      pen.drawImage(ground, PLANE_LEFT, top, side, side);
      paintPlaneAxes(pen, figure, x, y);
      for (const one of readSeries(figure.lines ?? [])) paintPath(pen, one, x, y);
      for (const [px, py, which] of figure.points ?? [])
        disc(pen, x.at(numberOf(px)), y.at(numberOf(py)), figure.points.length <= FEW_DOTS ? 6 : 3.4, hue(which), "card");
    },
    say: (across, up) => sayPlane(figure, x, y, across, up),
    at: (across, up) => planeAt(x, y, across, up),
  };
}

/* Each step with a dot, where there are few enough to be told apart. */
function paintPath(pen, one, x, y) {
  const points = one.x.map((value, i) => [x.at(value), y.at(one.y[i])]);
  trace(pen, points, { ...one.look, width: 1.5 });
  if (points.length <= DOTTED) for (const [px, py] of points) disc(pen, px, py, 2.2, one.look.colour);
  if (points.length) disc(pen, ...points.at(-1), 4.5, one.look.colour, "card");
}

function planeGround({ n, classes, margin }) {
  const which = bytesOf(classes), sure = bytesOf(margin), card = rgbOf(colours().card);
  const tints = Array.from({ length: 10 }, (_, i) => rgbOf(hue(i)));
  return painted(n, n, (row, column) => {
    const at = (n - 1 - row) * n + column;
    return mixed(card, tints[which[at] % 10], 0.55 * (sure[at] / 255) ** 0.6);
  });
}

function paintPlaneAxes(pen, figure, x, y) {
  for (const [at, text] of ticksOf(figure.x, x, ACROSS)) write(pen, text, at, y.start + 17, { align: "center" });
  for (const [at, text] of ticksOf(figure.y, y, UPRIGHT)) write(pen, text, x.start - 6, at + 4, { align: "right" });
  const corners = [[x.start, y.start], [x.end, y.start], [x.end, y.end], [x.start, y.end], [x.start, y.start]];
  trace(pen, corners, { colour: "line" });
  write(pen, axisLabel(figure.x, x), x.end, y.start + 34, { align: "right" });
  write(pen, axisLabel(figure.y, y), 0, y.end - 9);
}

function sayPlane(figure, x, y, across, up) {
  if (across < x.start || across > x.end || up > y.start || up < y.end) return "";
  const along = (scale, at) => (at - scale.start) / (scale.end - scale.start), n = figure.n;
  const [column, row] = [along(x, across), along(y, up)].map((share) => Math.min(n - 1, Math.floor(share * n)));
  const name = figure.names?.[bytesOf(figure.classes)[row * n + column]] ?? "";
  const [a, b] = planeAt(x, y, across, up).map((value) => general(value, 3));
  return `${name} at ${a}, ${b}`.trim();
}

/* The two values at a place of the drawing, kept within the plane. */
function planeAt(x, y, across, up) {
  return [[x, across], [y, up]].map(([scale, at]) => {
    const share = Math.min(Math.max((at - scale.start) / (scale.end - scale.start), 0), 1);
    return scale.low + share * (scale.high - scale.low);
  });
}
