import { numbers } from "./bytes.js";

/* How a series looks: by its role, or one of four looks of its own, or one of ten colours. */
const ROLE_LOOKS = {
  train: { colour: "grey", width: 2.25, dash: [5, 4] },
  val: { colour: "accent", width: 2.25, dash: [] },
  reference: { colour: "grey", width: 1.5, dash: [2, 4] },
  best: { colour: "ink", width: 1.25, dash: [], dot: "accent" },
  quiet: { colour: "grey", width: 2.25, dash: [], cloud: "line" },
};
const FOUR_LOOKS = [
  { colour: "accent", width: 2.25, dash: [] },
  { colour: "warm", width: 2.25, dash: [7, 4] },
  { colour: "grey", width: 2.25, dash: [2, 4] },
  { colour: "ink", width: 1.25, dash: [] },
];

export const lookOf = (i, count) =>
  count <= FOUR_LOOKS.length ? FOUR_LOOKS[i] : { colour: `hue${i % 10}`, width: 2.25, dash: [] };

export function readSeries(list) {
  const own = list.filter((one) => !one.role);
  const count = own.some((one) => one.style === "cloud") ? Infinity : own.length;
  return list.map((one) => ({
    ...one,
    x: numbers(one.x), y: numbers(one.y), low: numbers(one.low), high: numbers(one.high),
    weights: numbers(one.weights), replicates: (one.replicates ?? []).map(numbers),
    look: ROLE_LOOKS[one.role] ?? lookOf(own.indexOf(one), count),
  }));
}

/* Columns reach half-way to their neighbours. */
export function halfWidth(one) {
  let least = Infinity;
  for (let i = 1; i < one.x.length; i++) least = Math.min(least, one.x[i] - one.x[i - 1]);
  return Number.isFinite(least) ? least / 2 : 0.5;
}
