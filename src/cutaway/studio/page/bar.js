import { button, byId, choice, make, say } from "./dom.js";
import { speak } from "./notices.js";
import { asked, closePopup, openPopup } from "./popup.js";
import { Reach } from "./reach.js";
import { capital, measureOf, metricName, metricValue, whole } from "./words.js";

const LIVE = ["training", "paused"], STANDS = ["reading", "ended"];

/* What stands at the top: how far the training is, and what can be done to it. */
export class Bar {
  constructor(send, lookInside) {
    [this.send, this.state, this.frame, this.begun] = [send, { state: "" }, null, null];
    this.reach = new Reach(byId("reach"), send);
    this.pause = button("Pause", () => this.toggle(), "main");
    this.undo = button("Undo", () => send({ undo: true }));
    this.more = make("button", { type: "button", class: "more", text: "More", "aria-expanded": "false", "aria-controls": "bar", onclick: () => this.unfold() });
    this.until = button("Until …", () => this.askUntil());
    this.until.setAttribute("aria-haspopup", "dialog");
    this.stop = button("Stop", () => this.askStop());
    this.stop.setAttribute("aria-haspopup", "dialog");
    this.live = [this.pause, button("Step", () => send({ do: "step" })), button("Epoch", () => send({ do: "epoch" })), this.until, this.stop];
    this.inside = button("Inside a step", lookInside);
    this.inside.title = "The network at this step, node by node, forward and backward";
    this.inside.setAttribute("aria-haspopup", "dialog");
    byId("buttons").append(...this.live, this.undo, this.inside, this.more);
    this.until.classList.add("later");
    const titles = [[this.pause, "Pause or go (space bar)"], [this.live[1], "One step (full stop)"], [this.live[2], "To the end of the epoch"], [this.undo, "Take the last change back (Ctrl+Z)"]];
    for (const [node, title] of titles) node.title = title;
    document.addEventListener("keydown", (event) => this.key(event));
  }

  begin(begun) {
    [this.begun, this.frame] = [begun, null];
    this.reach.begin(begun);
    this.change({ undo: begun.undo });
    byId("metrics").replaceChildren();
    this.enter(this.state);
  }

  /* The same training told of anew. */
  renew(begun) {
    this.begun = begun;
    this.tell();
  }

  enter(state) {
    const fresh = state.state !== this.state.state;
    this.state = state;
    const live = LIVE.includes(state.state), mine = state.owner;
    const alone = live && !this.begun?.fleet;
    byId("reach").hidden = !alone;
    byId("buttons").hidden = !live && !STANDS.includes(state.state);
    for (const node of [...this.live, this.more]) node.hidden = !(alone || (live && node === this.stop));
    this.inside.hidden = this.begun?.beside || (this.begun?.fleet && live);
    this.inside.disabled = !mine || state.state === "training";
    byId("track").hidden = !live && !["ended", "stopped"].includes(state.state);
    say(this.pause, state.state === "paused" ? "Go" : "Pause");
    for (const node of this.live) node.disabled = !mine;
    this.reach.enable(mine);
    this.enableUndo();
    this.tell(fresh);
  }

  take(frame) {
    this.frame = frame;
    this.reach.take(frame);
    this.measure(frame.metrics ?? {});
    this.tell();
  }

  change({ undo, lasting, pace = null }) {
    if (pace !== null) this.reach.pace.value = pace;
    this.canUndo = Boolean(undo);
    this.enableUndo();
    if (lasting) this.reach.change(lasting);
  }

  enableUndo() {
    this.undo.hidden = !(LIVE.includes(this.state.state) ? !this.begun?.fleet : this.canUndo);
    this.undo.disabled = !this.canUndo || !this.state.owner;
  }

  lose(lost) {
    this.lost = lost;
    this.tell(true);
  }

  tell(atOnce = false) {
    const text = this.lost ? "Connection lost, trying again" : statusWords(this.state, this.begun, this.frame);
    say(byId("status"), text);
    byId("status").classList.toggle("warm", Boolean(this.lost));
    speak(text, atOnce);
    const steps = this.begun?.steps ?? 0;
    byId("done").style.width = `${steps ? 100 * (this.frame?.step ?? 0) / steps : 0}%`;
  }

  measure(metrics) {
    const place = byId("metrics"), names = Object.keys(metrics);
    if (place.dataset.names !== names.join() || place.childElementCount !== names.length) {
      place.dataset.names = names.join();
      place.replaceChildren(...names.map((name) => make("div", {}, make("dt", { text: capital(metricName(name)) }), make("dd"))));
    }
    names.forEach((name, i) => say(place.children[i].lastChild, metricValue(name, metrics[name], this.begun?.measures)));
  }

  toggle() {
    this.send({ do: this.state.state === "paused" ? "go" : "pause" });
  }

  unfold() {
    const open = byId("bar").classList.toggle("open");
    this.more.setAttribute("aria-expanded", open);
  }

  askUntil() {
    const names = Object.keys({ val_loss: 0, val_accuracy: 0, ...this.frame?.metrics }), about = (name) => measureOf(name, this.begun?.measures);
    const metric = choice("Measure", names.map((name) => [name, metricName(name)]), names[0], () => suit()), side = choice("is", [["below", "below"], ["above", "above"]], "below");
    const go = (number) => {
      const name = metric.value, bound = about(name).share ? number / 100 : number;
      this.send({ do: "until", metric: name, [side.value]: bound });
      closePopup();
    };
    const form = asked("Value", "", go, "Go");
    const suit = () => {
      side.value = about(metric.value).higher ? "above" : "below";
      say(form.querySelector("span"), about(metric.value).share ? "Value in %" : "Value");
    };
    suit();
    openPopup(this.until, "Go on until", metric.node, side.node, form);
  }

  askStop() {
    const end = () => {
      this.send({ do: "stop" });
      closePopup();
    };
    openPopup(this.stop, "Stop this training?", make("p", { class: "note", text: "It stops at this step and keeps its weights. It can go on from there." }), button("Stop here", end, "main"));
  }

  key(event) {
    if (document.body.classList.contains("in-room")) return;
    if (![...LIVE, ...STANDS].includes(this.state.state) || !this.state.owner || event.altKey || typesIn(event.target)) return;
    const action = event.ctrlKey || event.metaKey ? { z: this.undo } : pressable(event.target) ? {} : { " ": this.pause, ".": this.live[1] };
    if (!action[event.key] || action[event.key].hidden) return;
    event.preventDefault();
    if (!event.repeat || event.key === ".") action[event.key].click();
  }
}

const typesIn = (target) => Boolean(target.closest("input:not([type=range], [type=checkbox]), textarea, select, .popup"));

const pressable = (target) => Boolean(target.closest("button, input, a, summary"));

const STATE_WORDS = { choosing: "Nothing is training yet", failed: "The training failed", "": "Connecting" };

function statusWords({ state, text, viewers, run }, begun, frame) {
  if (state === "starting") return text || "The training is being built";
  if (state in STATE_WORDS && !(state === "failed" && frame)) return STATE_WORDS[state];
  const words = [
    frame && begun ? frame.told ?? progressWords(frame, begun) : "",
    state === "training" && frame?.rate ? `${whole(frame.rate)} ${begun?.pictures === false ? "examples" : "images"} a second` : "",
    { paused: "paused", ended: "ended", stopped: "stopped", failed: "failed" }[state],
    state === "reading" && run ? `read from ${run}` : "",
    viewers > 1 ? `${viewers} pages look on` : "",
  ];
  return capital(words.filter(Boolean).join(", ") || "The first step is being made");
}

/* The epoch that a step is in: frames have the number of those that are done. */
function progressWords({ step, epochs }, { steps, steps_per_epoch: each, epochs: all }) {
  const count = epochs || all, now = Math.min(count, Math.floor(Math.max(0, step - 1) / each) + 1);
  return `Step ${whole(step)} of ${whole(steps)}${each ? `, epoch ${now} of ${count}` : ""}`;
}
