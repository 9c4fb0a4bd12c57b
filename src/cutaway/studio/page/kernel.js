import { numbers } from "./bytes.js";
import { button, choice, make } from "./dom.js";
import { colours, cssOf, mixed, rgbOf } from "./theme.js";

const MOST_CELLS = 150, STRONGEST_TINT = 0.42;

/* The weights of one unit as cells to type into, one input channel at a time. */
export function kernelEditor({ parameter, index, shape, values }, send) {
  const [channels, rows, columns] = [1, 1, ...shape].slice(-3), each = rows * columns;
  if (each > MOST_CELLS) return make("p", { class: "note", text: `It has ${each} weights: too many to edit one by one.` });
  const all = numbers(values.flat(Infinity)), most = Math.max(...all.map(Math.abs)) || 1, grid = make("div", { class: "kernel" });
  grid.style.gridTemplateColumns = `repeat(${columns}, minmax(2.75rem, 4rem))`;
  const show = (channel) => grid.replaceChildren(...Array.from({ length: each }, (_, i) => kernelCell(all, channel * each + i, most, `Row ${Math.floor(i / columns) + 1}, column ${i % columns + 1}`)));
  const set = () => send({ change: { kind: "weights", parameter, index, values: all } });
  const picker = channels > 1 ? choice("Input channel", Array.from({ length: channels }, (_, i) => [i, String(i)]), 0, show) : null;
  const zero = () => {
    all.fill(0);
    show(picker?.value ?? 0);
  };
  show(0);
  return make("div", { class: "editor" }, picker?.node, grid, make("div", { class: "actions" }, button("Set", set, "main"), button("All to 0", zero)));
}

function kernelCell(all, i, most, label) {
  const input = make("input", { type: "number", step: "any", "aria-label": label, value: Number(all[i].toFixed(3)) });
  const tint = () => {
    const { card, accent, warm } = colours(), share = Math.min(1, Math.abs(all[i]) / most);
    input.style.background = cssOf(mixed(rgbOf(card), rgbOf(all[i] < 0 ? warm : accent), STRONGEST_TINT * share));
  };
  input.addEventListener("input", () => {
    if (!Number.isFinite(input.valueAsNumber)) return;
    all[i] = input.valueAsNumber;
    tint();
  });
  tint();
  return input;
}
