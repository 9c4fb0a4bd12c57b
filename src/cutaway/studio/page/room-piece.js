import { button, make, say } from "./dom.js";
import { FigureBox } from "./figures.js";
import { readLines } from "./room-answer.js";
import { RoomControls } from "./room-controls.js";
import { debounced, soon } from "./soon.js";
import { onTheme } from "./theme.js";

const AFTER_CHANGE = 120; // milliseconds
let pieceCount = 0;

/* Something to try: first a question, then what is computed, then settings to change it. */
export class RoomPiece {
  constructor(room, piece, headers) {
    [this.room, this.piece, this.headers, this.boxes, this.figures] = [room, piece, headers, [], []];
    this.controls = new RoomControls(piece.settings, () => this.changed());
    this.soonAgain = debounced(() => this.run(), AFTER_CHANGE);
    this.draw = this.draw.bind(this);
    this.body = make("div", { class: "figures" });
    this.status = make("p", { class: "note", role: "status" });
    this.problem = make("p", { class: "problem", role: "alert", hidden: true });
    this.told = make("div", { class: "told-answer", hidden: true });
    this.go = button("Compute", () => this.run(), "main");
    this.stop = button("Stop", () => this.leave());
    const before = Object.keys(piece.question.before).length > 0;
    this.tools = make("div", { class: "tools", hidden: true }, this.controls.node, make("div", { class: "actions" }, piece.live ? null : this.go, this.stop, this.status), this.problem);
    this.node = make("div", { class: "panel piece" }, make("h3", { text: piece.title }), make("p", { text: piece.says }), this.ask(piece.question), this.told, make("div", { class: before ? "bench before" : "bench" }, this.tools, this.body));
    this.stop.hidden = true;
    this.watchSize();
    if (before) this.run();
    onTheme(() => soon(this.draw));
  }

  ask({ asks, choices }) {
    const name = `question-${pieceCount++}`;
    this.see = button("See", () => this.answer(), "main");
    this.see.disabled = true;
    this.options = choices.map((text) => make("label", {}, make("input", { type: "radio", name, onchange: () => { this.see.disabled = false; } }), make("span", { text })));
    this.question = make("fieldset", { class: "question" }, make("legend", { text: asks }), ...this.options, make("div", { class: "actions" }, this.see, make("span", { class: "note", text: "Choose what you expect." })));
    return this.question;
  }

  /* What is right is told once it can be seen. */
  async answer() {
    const picked = this.options.findIndex((label) => label.firstChild.checked);
    this.question.disabled = true;
    this.see.parentNode.hidden = true;
    this.tools.hidden = false;
    this.picked = picked;
    await this.run();
  }

  tell() {
    if (!this.told.hidden || this.picked === undefined) return;
    const { answer, because, choices } = this.piece.question, right = this.picked === answer;
    this.options[answer].classList.add("right");
    if (!right) this.options[this.picked].classList.add("wrong");
    this.told.replaceChildren(make("p", {}, make("strong", { text: right ? "Yes. " : `Not this time. The answer: “${choices[answer]}” ` }), because));
    this.told.hidden = false;
    this.told.setAttribute("role", "status");
  }

  changed() {
    if (this.piece.live) this.soonAgain();
    else say(this.go, "Compute again");
  }

  /* One answer at a time: what is asked for meanwhile comes next, and the last is what counts. */
  async run() {
    if (this.running) {
      this.again = true;
      if (!this.piece.live) this.running.abort();
      return;
    }
    do {
      this.again = false;
      await this.once();
    } while (this.again);
  }

  async once() {
    this.running = new AbortController();
    this.busy(true);
    try {
      const body = JSON.stringify({ room: this.room, piece: this.piece.name, settings: this.picked === undefined ? this.piece.question.before : this.controls.values() });
      for await (const message of readLines("/api/piece", { method: "POST", headers: this.headers, body, signal: this.running.signal })) this.take(message);
      this.tell();
    } catch (error) {
      if (error.name !== "AbortError") this.take({ error: "The connection to the studio was lost: try again." });
      else this.tell();
    }
    this.busy(false);
    this.running = null;
  }

  busy(is) {
    this.node.setAttribute("aria-busy", is);
    this.go.disabled = is;
    this.stop.hidden = !is || this.piece.live;
    say(this.status, is && (!this.piece.live || !this.figures.length) ? "Computing …" : "");
  }

  take({ figures, error }) {
    this.problem.hidden = !error;
    if (error) return say(this.problem, error);
    this.figures = figures;
    soon(this.draw);
  }

  leave() {
    this.again = false;
    this.running?.abort();
  }

  watchSize() {
    new ResizeObserver(() => {
      const width = Math.floor(this.body.clientWidth);
      if (width === this.width) return;
      this.width = width;
      soon(this.draw);
    }).observe(this.body);
  }

  draw() {
    if (!this.width || !this.figures.length) return;
    while (this.boxes.length < this.figures.length) this.boxes.push(this.box());
    this.boxes.length = this.figures.length;
    if (this.body.childElementCount !== this.boxes.length) this.body.replaceChildren(...this.boxes.map((one) => one.node));
    this.figures.forEach((figure, i) => this.boxes[i].show(figure, this.boxes[i].node.clientWidth || this.width));
    for (const { node, layout } of this.boxes) node.classList.toggle("placed", this.piece.place.length > 0 && Boolean(layout?.at));
  }

  box() {
    const box = new FigureBox({ title: "", caption: "", units: null, marks: () => [] });
    if (this.piece.place.length) for (const kind of ["pointerdown", "pointermove"]) box.node.addEventListener(kind, (event) => this.point(box, event));
    return box;
  }

  /* A place on a plane that is pressed, or dragged to, is a value of two settings. */
  point(box, event) {
    if (!(event.buttons & 1) || event.target !== box.canvas || !box.layout?.at) return;
    event.preventDefault();
    const { left, top } = box.canvas.getBoundingClientRect();
    box.layout.at(event.clientX - left, event.clientY - top).forEach((value, i) => this.controls.set(this.piece.place[i], Number(value.toPrecision(3))));
    this.changed();
  }
}
