import { make } from "./dom.js";
import { Timeline } from "./timeline.js";
import { whole } from "./words.js";

const SNAPSHOTS_A_SECOND = 3;

/* Back and forth among the steps whose weights were kept. */
export class Travel {
  constructor(node, send) {
    [this.node, this.snapshots] = [node, []];
    const show = (i) => send({ show: this.snapshots[i] });
    this.line = new Timeline({ label: "Step shown", words: (i) => `Step ${whole(this.snapshots[i])}`, show, rate: SNAPSHOTS_A_SECOND });
    node.append(make("span", { class: "of", text: "Travel in time" }), this.line.node);
  }

  begin(snapshots = []) {
    const last = this.snapshots.length, behind = last > 1 && Number(this.line.input.value) < last - 1;
    this.snapshots = snapshots;
    this.node.hidden = snapshots.length < 2;
    if (this.node.hidden || snapshots.length === last) return;
    this.line.resize(snapshots.length);
    if (behind) return;
    this.line.input.value = snapshots.length - 1;
    this.line.told.textContent = `Step ${whole(snapshots.at(-1))}`;
  }

  end() {
    this.line.pause();
    this.begin();
  }
}
