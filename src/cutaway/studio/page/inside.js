import { button, choice, make, say } from "./dom.js";
import { comparisonOf } from "./inside-compare.js";
import { InsideGraph } from "./inside-graph.js";
import { InsideNode } from "./inside-node.js";
import { onTheme } from "./theme.js";
import { general } from "./words.js";

const KEYS = { ArrowRight: "next", n: "next", ArrowLeft: "back", b: "back", Home: "start", f: "turn", End: "end" };

/* One step of the network as it stands, node by node, on a page of its own above the others. */
export class InsideStep {
  constructor(send) {
    this.send = (inside) => send({ inside });
    this.graph = new InsideGraph((index) => this.jump(index));
    this.detail = new InsideNode((place) => this.send({ value: this.at, place, image: this.image }));
    this.head = make("p", { class: "note" });
    this.where = make("p", { class: "inside-where", "aria-live": "polite" });
    this.choices = make("div", { class: "choices" });
    this.compared = make("div", { class: "inside-compared" });
    this.buttons = { start: this.mover("From the start", "start", "Home"), back: this.mover("Back", "back", "left arrow"), next: this.mover("Next", "next", "right arrow", "main"), turn: this.mover("To the end of forward", "turn", "f"), end: this.mover("To the end", "end", "End") };
    this.compare = button("Compare with autograd", () => this.send({ compare: true }));
    this.main = make("div", { class: "inside-main" }, this.detail.node, this.compared);
    this.body = make("div", { class: "inside-body" }, this.graph.node, this.main);
    this.dialog = make("dialog", { class: "inside", "aria-labelledby": "inside-title", onkeydown: (event) => this.key(event), onclose: () => this.forget() }, this.bar(), this.body);
    onTheme(() => this.detail.renew());
  }

  bar() {
    const close = button("Close", () => this.dialog.close());
    close.title = "Escape";
    return make("header", { class: "inside-bar" },
      make("div", { class: "inside-told" }, make("h2", { id: "inside-title", text: "Inside a step" }), this.where, this.head),
      make("div", { class: "actions", role: "group", "aria-label": "The walk" }, ...Object.values(this.buttons), this.compare, close), this.choices);
  }

  mover(text, name, key, kind) {
    const node = button(text, () => this.move(name), kind);
    node.title = `Key: ${key}`;
    return node;
  }

  open(player = "") {
    if (!this.dialog.isConnected) document.body.append(this.dialog);
    [this.about, this.at, this.image] = [null, 0, 0];
    this.tell("The graph of the network is being made", "");
    this.choices.replaceChildren();
    this.clear();
    if (!this.dialog.open) this.dialog.showModal();
    this.send({ open: player });
  }

  clear() {
    this.graph.clear();
    this.detail.clear();
    this.compared.replaceChildren();
    this.enable();
  }

  close() {
    if (this.dialog.open) this.dialog.close();
  }

  forget() {
    this.clear();
    this.about = null;
    this.send({ close: true });
  }

  take({ about, event, value, compared, refused }) {
    if (!this.dialog.open) return;
    if (refused) return this.tell(this.about ? this.where.textContent : "", refused);
    if (about) this.begin(about);
    if (event) this.show(event);
    if (value?.at === this.at) this.detail.open(value);
    if (compared) this.compareWith(compared);
  }

  begin(about) {
    this.about = about;
    this.graph.show(about);
    const players = about.players.length > 1 ? choice("Player", about.players.map((name) => [name, name]), about.player, (name) => this.open(name)).node : null;
    const image = about.images.length > 1 ? choice("Example", about.images.map((name, i) => [i, name]), 0, (i) => this.look(i)).node : null;
    this.choices.replaceChildren(...[players, image].filter(Boolean));
    this.buttons.next.focus();
  }

  look(image) {
    this.image = image;
    this.ask(this.at);
  }

  tell(where, note) {
    say(this.where, where);
    say(this.head, note);
  }

  show(event) {
    const { events, forward, J, note } = this.about, back = event.phase === "backward";
    this.at = event.at;
    const words = back ? `Backward ${event.at - forward + 1} of ${events.length - forward}` : `Forward ${event.at + 1} of ${forward}`;
    this.tell(words, `${note} J = ${J === null ? "not finite" : general(J, 5)}.`);
    this.graph.mark(event.at);
    this.detail.show(event);
    if (event.at !== this.shown) this.main.scrollTop = 0;
    this.shown = event.at;
    this.enable();
  }

  enable() {
    const last = this.about ? this.about.events.length - 1 : 0, { start, back, next, turn, end } = this.buttons;
    start.disabled = back.disabled = !this.about || this.at === 0;
    next.disabled = end.disabled = !this.about || this.at === last;
    turn.disabled = !this.about || this.at === this.about.forward - 1;
    this.compare.disabled = !this.about;
    if (document.activeElement === document.body && this.dialog.open) this.dialog.focus();
  }

  move(name) {
    if (!this.about || this.buttons[name].disabled) return;
    const last = this.about.events.length - 1;
    this.ask({ start: 0, back: this.at - 1, next: this.at + 1, turn: this.about.forward - 1, end: last }[name]);
  }

  ask(at) {
    this.send({ show: at, image: this.image });
  }

  /* To a node, in the direction in which one walks; forward where no gradient came. */
  jump(index) {
    const { events, forward } = this.about, found = events.map(([node], at) => node === index ? at : -1).filter((at) => at >= 0);
    if (found.length) this.ask(this.at >= forward ? found.at(-1) : found[0]);
  }

  compareWith(compared) {
    this.compared.replaceChildren(comparisonOf(compared));
    this.compared.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    event.stopPropagation();
    const inside = event.target.closest("select, .inside-numbers, .inside-graph");
    if (event.altKey || event.ctrlKey || event.metaKey || !KEYS[event.key] || (inside && event.key.length > 1)) return;
    event.preventDefault();
    this.move(KEYS[event.key]);
  }
}
