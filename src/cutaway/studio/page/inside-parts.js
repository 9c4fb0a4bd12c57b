import { choice, fill, make } from "./dom.js";
import { briefNumber, tintOf } from "./inside-numbers.js";
import { shortNumber } from "./words.js";

/* Of what one number is made. */
export function partsOf(value) {
  const shown = { convolved: convolvedParts, products: productParts, normalised: normalisedParts, window: windowParts, "same place": samePlaceParts, other: otherParts }[value.how](value);
  const place = value.index.length ? ` [${value.index.join(", ")}]` : "";
  return make("section", { class: "inside-part", "aria-label": "What the number is made of" }, make("h4", { text: `${value.name}${place} = ${digits(value.value)}` }), shown);
}

const digits = (value) => value === null ? "not finite" : shortNumber(Number(value.toPrecision(5)));

function convolvedParts({ channels, others, rest, bias, value }) {
  const place = make("div", { class: "inside-grids" }), told = make("p", { class: "inside-sum" });
  const show = (i) => {
    const { patch, kernel, product, sum, channel } = channels[i], away = value - (bias ?? 0) - sum;
    fill(place, gridOf("Patch", patch), sign("×"), gridOf("Kernel", kernel), sign("="), gridOf("Products", product));
    const count = channels.length + others - 1, more = count ? ` ${signed(away)} (${count === 1 ? "the other channel" : `the other ${count} channels`})` : "";
    told.textContent = `${digits(sum)} (the products${count ? ` of channel ${channel}` : ""})${more}${biasWords(bias)} = ${digits(value)}`;
  };
  const words = ({ channel, sum }, i) => [i, `${channel}: sum ${digits(sum)}`];
  const picker = channels.length > 1 ? choice("Channel of the input", channels.map(words), 0, show).node : null;
  const less = others ? make("p", { class: "note", text: `The ${channels.length} channels with the largest sums can be chosen; the other ${others} come to ${digits(rest)}.` }) : null;
  show(0);
  return make("div", { class: "inside-made" }, picker, place, told, less);
}

function productParts({ terms, others, rest, bias, value }) {
  const most = Math.max(...terms.map(({ product }) => Math.abs(product)));
  const rows = terms.map((one) => make("tr", {}, make("th", { scope: "row", text: one.from }), ...[one.input, one.weight].map((number) => make("td", { text: digits(number) })), tinted(one.product, most, digits)));
  const table = make("table", {}, make("caption", { text: others ? `The ${terms.length} largest products` : "All products" }), make("thead", {}, make("tr", {}, ...["Input", "Its value", "Weight", "Product"].map((text) => make("th", { scope: "col", text })))), make("tbody", {}, ...rows));
  const left = others ? ` ${signed(rest)} (the other ${others} products)` : "";
  const sum = terms.reduce((all, { product }) => all + product, 0);
  return make("div", { class: "inside-made" }, table, make("p", { class: "inside-sum", text: `${digits(sum)} (these ${terms.length} products)${left}${biasWords(bias)} = ${digits(value)}` }));
}

function normalisedParts({ number, mean, spread, scale, shift, over, value }) {
  const learned = [scale === null ? "" : ` × ${digits(scale)} (scale)`, shift === null ? "" : ` ${signed(shift)} (shift)`].join("");
  return make("div", { class: "inside-made" },
    make("p", { class: "inside-sum", text: `(${digits(number)} ${signed(-mean)}) ÷ ${digits(spread)}${learned} = ${digits(value)}` }),
    make("p", { class: "note", text: `${digits(mean)} is the mean and ${digits(spread)} the spread of ${over}.` }));
}

function windowParts({ window, largest }) {
  const grid = gridOf("Window", window), cells = grid.querySelectorAll("td");
  cells[largest]?.classList.add("largest");
  return make("div", { class: "inside-made" }, make("div", { class: "inside-grids" }, grid), make("p", { class: "inside-sum", text: "The largest number of its window; the gradient goes back to it alone." }));
}

function samePlaceParts({ given }) {
  return make("div", { class: "inside-made" }, make("p", { class: "inside-sum", text: `From ${given.map(({ name, value }) => `${name} = ${digits(value)}`).join(" and ")} at the same place, by the equation above.` }));
}

function otherParts() {
  return make("p", { class: "note", text: "This node does not make a number from numbers at the same place or from a sum of products: see its equation." });
}

function gridOf(title, rows) {
  const most = Math.max(...rows.flat().map((value) => Math.abs(value ?? 0)));
  return make("table", { class: "inside-grid" }, make("caption", { text: title }), make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((value) => tinted(value, most, briefCell))))));
}

const briefCell = (value) => briefNumber(value ?? NaN);

function tinted(value, most, words) {
  const cell = make("td", { text: words(value), title: value === null ? "not finite" : digits(value) });
  cell.style.background = tintOf(value ?? NaN, most);
  return cell;
}

const biasWords = (bias) => bias === null ? "" : ` ${signed(bias)} (bias)`;

const sign = (text) => make("span", { class: "inside-sign", text });

const signed = (value) => value < 0 ? `− ${digits(-value)}` : `+ ${digits(value)}`;
