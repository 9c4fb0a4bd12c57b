/* Numbers as the reports write them. */
const MINUS = "−";

export const whole = (value) => Math.round(value).toLocaleString("en-US");

export const general = (value, digits = 6) => String(Number(value.toPrecision(digits))).replace("-", MINUS);

export const percent = (share, places = 1) => `${(100 * share).toFixed(places)} %`;

/* A tick's value: `2e−4` and `5e6` where all digits would not fit. */
export function shortNumber(value, most = 100_000) {
  if (value < 0) return MINUS + shortNumber(-value, most);
  if (value === 0 || (value >= 0.001 && value < most) || !Number.isFinite(value)) return general(value);
  const [digits, power] = value.toExponential(5).split("e");
  return `${Number(digits)}e${Number(power)}`.replace("-", MINUS);
}

export function written(axis, value) {
  if (axis.names?.length) return axis.names[Math.round(value) - 1] ?? "";
  if (axis.whole) return `${axis.label} ${whole(value)}`;
  return axis.share ? percent(value, 2) : general(value, 4);
}

export function metricName(name) {
  return name.replace(/^train_/, "training ").replace(/^val_/, "validation ").replaceAll("_", " ");
}

/* What is known of a measure: whether it is a share, and whether more is better. */
export const measureOf = (name, measures) => measures?.[name.replace(/^(train|val)_/, "")] ?? {};

export function metricValue(name, value, measures) {
  if (!Number.isFinite(value)) return "–";
  return measureOf(name, measures).share ? percent(value) : general(value, 3);
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export const brief = (text, most = 10) => text.length <= most ? text : `${text.slice(0, most - 1)}…`;
