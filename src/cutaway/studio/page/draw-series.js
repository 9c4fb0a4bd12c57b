import { disc, trace, write } from "./pen.js";
import { halfWidth } from "./series.js";
import { colours } from "./theme.js";

const CLOUDY = 60, DOT = 3.5, SMALL_DOT = 2, BEST_DOT = 6, LARGER_DOT = 8, FEW_POINTS = 20;

export function paintSeries(pen, one, frame) {
  ({ line: paintLine, dots: paintDots, cloud: paintCloud, columns: paintColumns })[one.style ?? "line"](pen, one, frame);
}

const pointsOf = (one, { x, y }, values = one.y) =>
  values.flatMap((value, i) => x.shows(one.x[i]) && y.shows(value) ? [[x.at(one.x[i]), y.at(value)]] : []);

function paintLine(pen, one, frame) {
  if (one.low.length) paintBand(pen, one, frame);
  for (const values of one.replicates) trace(pen, pointsOf(one, frame, values), { ...one.look, width: 1, dash: [], alpha: 0.4 });
  const points = pointsOf(one, frame);
  trace(pen, points, one.look);
  if (points.length <= FEW_POINTS && one.role !== "reference" && one.role !== "best")
    for (const [x, y] of points) disc(pen, x, y, 3, one.look.colour);
}

function paintBand(pen, one, frame) {
  const there = pointsOf(one, frame, one.high), back = pointsOf(one, frame, one.low).reverse();
  pen.beginPath();
  [...there, ...back].forEach(([x, y], i) => i ? pen.lineTo(x, y) : pen.moveTo(x, y));
  pen.globalAlpha = 0.18;
  pen.fillStyle = colours()[one.look.colour];
  pen.fill();
  pen.globalAlpha = 1;
}

function paintDots(pen, one, { x, y }) {
  const colour = one.look.dot ?? one.look.colour;
  const radius = one.role === "best" ? BEST_DOT : one.x.length <= CLOUDY ? DOT : SMALL_DOT;
  one.y.forEach((value, i) => {
    if (!x.shows(one.x[i]) || !y.shows(value)) return;
    const across = x.at(one.x[i]), more = one.weights.length ? LARGER_DOT * Math.sqrt(one.weights[i]) : 0;
    if (one.low.length) trace(pen, [[across, y.at(one.low[i])], [across, y.at(one.high[i])]], { colour, width: 1.5, alpha: 0.6 });
    disc(pen, across, y.at(value), radius + more, colour);
  });
}

function paintCloud(pen, one, frame) {
  const points = pointsOf(one, frame);
  pen.globalAlpha = 0.65;
  for (const [x, y] of points) disc(pen, x, y, 1.9, one.look.cloud ?? one.look.colour);
  pen.globalAlpha = 1;
  if (!points.length || one.role) return;
  const [x, y] = [0, 1].map((k) => points.map((point) => point[k]).sort((a, b) => a - b)[points.length >> 1]);
  write(pen, one.name, x, y + 5, { align: "center", colour: "ink", size: 14, weight: 700, halo: true });
}

function paintColumns(pen, one, { x, y }) {
  const half = halfWidth(one);
  pen.globalAlpha = 0.75;
  pen.fillStyle = colours()[one.look.colour];
  one.y.forEach((value, i) => {
    if (!x.shows(one.x[i]) || !y.shows(value)) return;
    const left = x.at(one.x[i] - half), right = x.at(one.x[i] + half), top = y.at(value);
    const wide = Math.max(right - left - 2, 0.5);
    if (y.start > top) pen.fillRect((left + right - wide) / 2, top, wide, y.start - top);
  });
  pen.globalAlpha = 1;
}
