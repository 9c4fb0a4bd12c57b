import { button, choice, make, say } from "./dom.js";
import { debounced } from "./soon.js";
import { general } from "./words.js";

const SETTLE = 250, DECADES = 2; // milliseconds until a slider is taken to rest; 1/100 to 100 times
const PACES = [[0, "as fast as it can"], [30, "30 steps a second"], [10, "10 steps a second"], [2, "2 steps a second"]];

/* Sliders for what lasts: the learning rate, as a factor of the recipe's, dropout, and how many images of
   a batch are learned from; and how fast steps follow each other, which changes nothing. */
export class Reach {
  constructor(node, send) {
    [this.node, this.base] = [node, 0];
    const sendRate = debounced(() => send({ change: { kind: "rate", factor: this.chosenFactor() } }), SETTLE);
    const sendDropout = debounced(() => send({ change: { kind: "dropout", p: Number(this.dropout.input.value) } }), SETTLE);
    this.rate = slider("Learning rate", { min: -DECADES, max: DECADES, step: 0.05, value: 0 }, () => this.tellRate(), sendRate, () => send({ change: { kind: "rate", factor: 1 } }));
    this.dropout = slider("Dropout", { min: 0, max: 0.95, step: 0.05, value: 0 }, () => this.tellDropout(), sendDropout, () => send({ change: { kind: "dropout", p: null } }));
    const sendImages = debounced(() => send({ change: { kind: "images", count: this.chosenImages() } }), SETTLE);
    this.images = slider("Images in a step", { min: 1, max: 1, step: 0.05, value: 1 }, () => this.tellImages(), sendImages, () => send({ change: { kind: "images", count: null } }));
    this.pace = choice("Pace", PACES, 0, (pace) => send({ pace }));
    node.append(this.rate.node, this.dropout.node, this.images.node, this.pace.node);
  }

  begin({ lr, dropout, batch = 0 }) {
    [this.base, this.batch] = [lr, batch];
    this.images.node.hidden = batch < 3;
    this.images.input.max = Math.log2(Math.max(batch, 2));
    this.recipe = typeof dropout === "number" ? dropout : null;
    this.dropout.node.hidden = dropout === false || dropout === undefined || dropout === null;
    this.change({ factor: 1, dropout: null, images: null });
  }

  enable(able) {
    for (const { input, reset } of [this.rate, this.dropout, this.images]) input.disabled = reset.disabled = !able;
    this.pace.node.querySelector("select").disabled = !able;
  }

  take({ scheduled }) {
    this.base = scheduled ?? this.base;
    if (document.activeElement !== this.rate.input) this.tellRate();
  }

  change({ factor, dropout, images }) {
    this.images.input.value = Math.log2(images ?? Math.max(this.batch, 2));
    this.tellImages();
    this.rate.input.value = factor > 0 ? Math.log10(factor) : -DECADES;
    this.own = dropout ?? null;
    this.dropout.input.value = this.own ?? this.recipe ?? 0;
    this.tellRate();
    this.tellDropout(this.own);
  }

  /* The whole batch is told as none. */
  chosenImages() {
    const count = Math.round(2 ** Number(this.images.input.value));
    return count < this.batch ? count : null;
  }

  tellImages() {
    this.images.tell(String(this.chosenImages() ?? this.batch));
  }

  chosenFactor() {
    return Number((10 ** Number(this.rate.input.value)).toPrecision(3));
  }

  tellRate() {
    const factor = this.chosenFactor(), times = factor === 1 ? "" : ` (×${general(factor, 3)})`;
    this.rate.tell(`${general(this.base * factor, 3)}${times}`);
  }

  tellDropout(value = Number(this.dropout.input.value)) {
    this.dropout.tell(value === null ? "as in the recipe" : general(value, 2));
  }
}

function slider(label, range, oninput, onchange, onreset) {
  const told = make("output"), input = make("input", { type: "range", "aria-label": label, oninput, onchange, ...range });
  const reset = button("Reset", onreset, "small");
  reset.setAttribute("aria-label", `Reset ${label.toLowerCase()}`);
  reset.title = "As in the recipe";
  const node = make("div", { class: "slider" }, make("span", { class: "of" }, make("span", { text: label }), told), input, reset);
  const tell = (text) => {
    say(told, text);
    input.setAttribute("aria-valuetext", text);
  };
  return { node, input, reset, tell };
}
