/* Colours come from the style sheet, so that figures and page have the same ones in both themes. */
const COLOURS = ["page", "card", "ink", "soft", "line", "accent", "warm", "grey", ...Array.from({ length: 10 }, (_, i) => `hue${i}`)];
const VIRIDIS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
const NO_NUMBER = [128, 128, 128];
export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif';

let palette = null;
const themed = new Set();

export function colours() {
  palette ??= readPalette();
  return palette;
}

function readPalette() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

export function onTheme(action) {
  themed.add(action);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  palette = null;
  for (const action of themed) action();
});

export const hue = (i) => colours()[`hue${i % 10}`];

export function rgbOf(colour) {
  const whole = colour.length === 4 ? colour.replace(/[0-9a-f]/gi, "$&$&") : colour;
  return [1, 3, 5].map((at) => parseInt(whole.slice(at, at + 2), 16));
}

export const mixed = (from, to, share) => from.map((value, k) => value + (to[k] - value) * share);

export const cssOf = (rgb) => `rgb(${rgb.map(Math.round).join(" ")})`;

export function rampAt(share) {
  if (!Number.isFinite(share)) return NO_NUMBER;
  const place = Math.min(Math.max(share, 0), 1) * (VIRIDIS.length - 1);
  const low = Math.min(Math.floor(place), VIRIDIS.length - 2);
  return mixed(VIRIDIS[low], VIRIDIS[low + 1], place - low);
}

export function rampAcross(pen, left, right) {
  const gradient = pen.createLinearGradient(left, 0, right, 0);
  VIRIDIS.forEach((rgb, i) => gradient.addColorStop(i / (VIRIDIS.length - 1), cssOf(rgb)));
  return gradient;
}
