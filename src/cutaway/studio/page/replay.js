import { Desk } from "./desk.js";
import { byId, make, say } from "./dom.js";
import { Reached } from "./reached.js";
import { Timeline } from "./timeline.js";
import { metricName, metricValue, whole } from "./words.js";

const FRAMES_A_SECOND = 8, UNCHANGED = { lasting: { held: [] }, interventions: [] };

/* A recording plays with the panels of the live page, and without a trainer. */
export class Replay {
  constructor({ begun, frames, changed = [], ended }) {
    [this.begun, this.frames, this.changed] = [begun, frames, [changed].flat()];
    this.desk = new Desk(byId("desk"));
    this.reached = new Reached();
    const reachedIn = this.changed.some(({ interventions }) => interventions.length);
    this.desk.begin(begun, { last: reachedIn ? this.reached.node : null, fixed: true });
    document.title = `${begun.title} · Cutaway`;
    say(byId("title"), begun.title);
    const status = ["A recording of a training with Cutaway", ended?.text].filter(Boolean);
    say(byId("status"), status.join(": "));
    this.line = new Timeline({ label: "Moment shown", words: (i) => this.words(i), show: (i) => this.show(i), rate: FRAMES_A_SECOND });
    byId("travel").append(make("span", { class: "of", text: "Recording" }), this.line.node);
    byId("travel").hidden = false;
    this.line.resize(frames.length);
    if (frames.length) this.line.go(frames.length - 1);
  }

  words(i) {
    const { at, metrics } = this.frames[i];
    const told = Object.entries(metrics ?? {}).map(([name, value]) => `${metricName(name)} ${metricValue(name, value, this.begun?.measures)}`);
    return [`Step ${whole(at)} of ${whole(this.begun.steps)}`, ...told].join(", ");
  }

  /* A frame has only what was due: each view shows its latest up to then. */
  show(i) {
    const figures = {};
    for (let k = i; k >= 0; k--)
      for (const [name, figure] of Object.entries(this.frames[k].figures ?? {})) figures[name] ??= figure;
    this.desk.take(figures);
    this.reach(this.frames[i].at);
  }

  /* What had been changed by a step. */
  reach(step) {
    const told = this.changed.findLast(({ at }) => (at ?? 0) <= step) ?? UNCHANGED;
    const interventions = told.interventions.filter((one) => one.step <= step), state = JSON.stringify([told.at, interventions]);
    if (state === this.state) return;
    this.state = state;
    const change = { ...told, interventions };
    this.desk.change(change);
    this.reached.show(interventions);
  }
}
