import { Bar } from "./bar.js";
import { Chooser } from "./choose.js";
import { Desk } from "./desk.js";
import { button, byId, fill, make, say } from "./dom.js";
import { InsideStep } from "./inside.js";
import { fetchJson, Link } from "./link.js";
import { Members } from "./members.js";
import { notice } from "./notices.js";
import { OwnImage } from "./pad.js";
import { closePopup } from "./popup.js";
import { Reached } from "./reached.js";
import { onceDrawn } from "./soon.js";
import { Travel } from "./travel.js";
import { Units } from "./units.js";
import { capital } from "./words.js";

const OUTCOMES = { starting: "The training is being built", stopped: "The training stopped", ended: "The training ended", failed: "The training failed", reading: "A training read from its files" };

const LEARNS = ["training", "paused"], CHANGES = [...LEARNS, "reading", "ended"]; // where units can be switched off
const STILL = ["paused", "reading", "ended"]; // one can look inside a step

/* The page of a live training: each message from the trainer has a method of its own. */
export class Studio {
  constructor() {
    const token = new URLSearchParams(location.search).get("token") ?? "", send = (command) => this.link.send(command);
    this.current = { state: "", owner: false };
    this.send = send;
    this.inside = new InsideStep(send);
    this.bar = new Bar(send, () => this.inside.open());
    this.chooser = new Chooser(byId("choosing"), (path) => fetchJson(path, token), send);
    this.travel = new Travel(byId("travel"), send);
    this.members = new Members(byId("members"), send);
    this.reached = new Reached();
    const units = new Units(send, { able: () => this.current.owner && CHANGES.includes(this.current.state) && !this.pair, still: () => !LEARNS.includes(this.current.state), held: (layer, unit) => this.desk.heldAt(layer, unit) });
    this.units = units;
    this.desk = new Desk(byId("desk"), { units, look: (look) => send({ look }) });
    this.link = new Link(token, { take: (message) => this.take(message), connected: (is) => this.connected(is) });
  }

  take(message) {
    const actions = { state: this.state, begun: this.begun, frame: this.frame, changed: this.changed, said: this.said, ended: this.ended, kernel: this.kernel, inside: this.into };
    actions[message.kind]?.call(this, message);
  }

  connected(is) {
    this.bar.lose(!is);
    document.body.classList.toggle("lost", !is);
    if (is) this.desk.looksChanged();
  }

  state(message) {
    this.current = message;
    if (!STILL.includes(message.state)) this.inside.close();
    if (message.state === "choosing" || (message.state === "starting" && !this.fresh)) this.leave();
    this.fresh &&= message.state === "starting";
    if (message.state === "choosing") this.chooser.show();
    else this.chooser.hide();
    this.watching(message);
    this.outcome(message);
    this.bar.enter(message);
  }

  leave() {
    this.known = this.run = "";
    this.effect = undefined;
    this.result = null;
    closePopup();
    this.desk.clear();
    this.travel.end();
    this.members.begin({});
    this.bar.measure({});
    this.title("Choose a training");
  }

  title(text) {
    say(byId("title"), text);
    document.title = `${text} · Cutaway studio`;
  }

  watching({ owner }) {
    const node = byId("watching");
    node.hidden = owner;
    if (owner) node.replaceChildren();
    else if (!node.childElementCount) node.append(make("p", { text: "Someone else controls this training" }), button("Take control", () => this.send({ own: true }), "main"));
  }

  /* What came of it, or of the wait before it begins. */
  outcome({ state, text, owner, run }) {
    const node = byId("outcome"), words = (state === "ended" && this.result?.text) || text || OUTCOMES[state], report = this.result?.report;
    node.hidden = !OUTCOMES[state];
    node.classList.toggle("failed", state === "failed");
    if (node.hidden) return;
    const goOn = ["stopped", "failed"].includes(state) && run ? button("Go on", () => this.send({ resume: true }), "main") : null;
    const back = state === "starting" ? null : button("Choose another", () => this.send({ close: true }));
    for (const one of [goOn, back]) if (one) one.disabled = !owner;
    const link = report ? make("a", { href: report, target: "_blank", rel: "noopener", text: "Open the report" }) : null;
    fill(node, make("p", { text: capital(words) }), link, goOn, back);
  }

  begun(message) {
    const { run, title, views, snapshots, pictures, shape } = message;
    const known = JSON.stringify([run, title, views.map(({ name }) => name)]), again = known === this.known, same = run === this.run;
    [this.known, this.run, this.fresh, this.pair] = [known, run, true, message.beside];
    this.travel.begin(snapshots);
    this.members.begin(message);
    this.title(title);
    if (again) {
      this.bar.renew(message);
      return this.desk.describe(message);
    }
    this.bar.begin(message);
    this.reached.show();
    if (!same) this.own = (pictures ?? shape?.length === 3) ? new OwnImage(shape, this.send).node : null;
    this.desk.begin(message, { answer: this.own, last: message.fleet ? null : this.reached.node, keep: same });
  }

  frame(message) {
    this.bar.take(message);
    this.desk.take(message.figures);
    if (message.number) onceDrawn(() => this.send({ drawn: message.number }));
  }

  changed(message) {
    this.bar.change(message);
    this.tellEffect(message.interventions);
    this.units.changed();
    this.reached.show(message.interventions);
    this.desk.change(message);
  }

  /* What the last change did to the answers, once. */
  tellEffect(interventions = []) {
    const last = interventions.at(-1), key = JSON.stringify([interventions.length, last]);
    if (last?.effect && this.effect !== undefined && key !== this.effect) notice(`${last.text} ${last.effect}`);
    this.effect = key;
  }

  kernel(message) {
    this.units.edit(message);
  }

  into(message) {
    this.inside.take(message);
  }

  said({ text, tone }) {
    notice(text, tone);
  }

  ended(message) {
    this.result = message;
    this.outcome({ ...this.current, state: this.current.state === "reading" ? "reading" : "ended" });
  }
}
