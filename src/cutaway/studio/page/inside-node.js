import { fill, make } from "./dom.js";
import { formula } from "./inside-math.js";
import { NumberPicture, shapeWords } from "./inside-numbers.js";
import { partsOf } from "./inside-parts.js";
import { soon } from "./soon.js";
import { shortNumber, whole } from "./words.js";

const GIVEN = { input: "given", parameter: "learned", constant: "constant" };

/* One node in one direction: its equation, numbers and pictures. */
export class InsideNode {
  constructor(pick) {
    [this.pick, this.pictures] = [pick, []];
    this.parts = make("div", { class: "inside-parts" });
    this.node = make("article", { class: "inside-node" });
    this.draw = this.draw.bind(this);
    new ResizeObserver(() => soon(this.draw)).observe(this.node);
  }

  clear() {
    [this.pictures, this.made] = [[], null];
    this.node.replaceChildren();
    this.parts.replaceChildren();
  }

  show(event) {
    this.clear();
    this.event = event;
    const back = event.phase === "backward";
    fill(this.node, this.heading(event), make("div", { class: "inside-equations" }, ...event.equations.map(formula)), this.facts(event), ...(back ? this.backward(event) : this.forward(event)));
    soon(this.draw);
  }

  heading({ name, title, place, phase }) {
    const from = place && !name.startsWith(place) ? ` of ${place}` : "";
    return make("div", { class: "inside-heading" }, make("span", { class: `inside-phase ${phase}`, text: phase === "forward" ? "Forward" : "Backward" }), make("h3", { text: name }), make("p", { class: "note", text: `${title}${from}` }));
  }

  facts({ value, flops, bytes, phase }) {
    const moved = phase === "forward" ? "Bytes read and written" : "Bytes read and sent";
    const rows = [["Shape", shapeWords(value.shape)], ["FLOPs", whole(flops)], [moved, whole(bytes)]];
    return make("dl", { class: "inside-facts" }, ...rows.map(([name, text]) => make("div", {}, make("dt", { text: name }), make("dd", { text }))));
  }

  forward({ name, takes, value }) {
    const gives = this.figure(name, value, { pick: this.pick });
    return [this.section("Gives", [gives], "Blue is above 0, orange below it. Choose a number to see what it is made of."), this.parts, takes.length ? this.section("Takes", takes.map((one) => this.figure(named(one), one, { small: true }))) : null];
  }

  backward({ name, arrives, leaves, value }) {
    const none = leaves.length ? "" : "No gradient goes on from here.";
    return [
      this.section("The gradient that arrives", [this.figure(`∂J/∂(${name})`, arrives, {})]),
      this.section("The gradients that leave", leaves.map((one) => this.figure(`∂J/∂(${one.name})`, one, {})), none),
      this.section("The value", [this.figure(name, value, { small: true, pick: this.pick })]), this.parts,
    ];
  }

  section(title, figures, note = "") {
    return make("section", { "aria-label": title }, make("h4", { text: title }), note ? make("p", { class: "note", text: note }) : null, make("div", { class: "inside-figures" }, ...figures));
  }

  figure(label, tensor, { small = false, pick = null }) {
    const picture = new NumberPicture(tensor, { label, small, pick });
    picture.redraw = () => soon(this.draw);
    this.pictures.push(picture);
    return make("figure", { class: small ? "small" : null }, make("figcaption", {}, make("strong", { text: label }), ` ${shapeWords(tensor.shape)}`, make("br"), rangeWords(tensor), make("br"), leftOut(tensor)), picture.node, picture.told);
  }

  draw() {
    for (const picture of this.pictures) picture.draw(this.widthFor(picture));
  }

  widthFor({ small, node }) {
    const width = Math.floor(this.node.clientWidth) - 4;
    return small ? Math.min(width, 300) : Math.min(width, node.closest("section")?.clientWidth ?? width);
  }

  open(value) {
    this.made = value;
    this.parts.replaceChildren(partsOf(value));
    this.parts.scrollIntoView({ block: "nearest" });
  }

  /* In other colours. */
  renew() {
    if (this.made) this.parts.replaceChildren(partsOf(this.made));
    this.draw();
  }
}

const named = ({ name, kind }) => GIVEN[kind] ? `${name} (${GIVEN[kind]})` : name;

function rangeWords({ shape, low, high, norm, finite, example }) {
  if (!shape.length && low !== null) return shortNumber(round4(low));
  const range = low === null ? "no finite number" : low === high ? shortNumber(round4(low)) : `${shortNumber(round4(low))} to ${shortNumber(round4(high))}`;
  const size = norm === null ? "not finite" : shortNumber(round4(norm));
  return `${range}${example ? " in this example" : ""}, norm ${size}${example ? " over the batch" : ""}${finite ? "" : ", some not finite"}`;
}

const round4 = (value) => Number(value.toPrecision(4));

function leftOut({ planes, of, apart }) {
  const fewer = planes < of ? `the first ${planes} of ${whole(of)} maps` : "";
  const rows = apart[0] > 1 || apart[1] > 1 ? `every ${apart[0]}. row and ${apart[1]}. column` : "";
  return [fewer, rows].filter(Boolean).join(", ");
}
