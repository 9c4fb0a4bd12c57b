import { fill } from "./dom.js";
import { Panel } from "./panel.js";
import { debounced, soon } from "./soon.js";
import { onTheme } from "./theme.js";

const LOOK_PAUSE = 100, SOON_SEEN = "80px", APART = 16; // milliseconds; ahead of the screen; pixels between panels

/* All panels. What is on the screen is asked for, and nothing else: `look` is told when that changes. */
export class Desk {
  constructor(node, { look = null, units = null } = {}) {
    [this.node, this.units, this.look] = [node, units, look];
    this.panels = new Map();
    this.lasting = { held: [] };
    this.steps = [];
    this.looksChanged = debounced(() => this.look?.(this.looks()), LOOK_PAUSE);
    this.seen = new IntersectionObserver((entries) => this.see(entries), { rootMargin: SOON_SEEN });
    this.sized = new ResizeObserver((entries) => entries.forEach(({ target }) => this.fit(target)));
    document.addEventListener("visibilitychange", () => this.look?.(this.looks()));
    onTheme(() => this.redraw());
  }

  /* A panel for each view. `answer` stands behind what a network answers, `last` at the end; with `keep`
     panels that were there stay, with what they show. */
  begin(begun, { answer = null, last = null, keep = false, fixed = false } = {}) {
    const before = keep ? new Map(this.panels) : new Map();
    if (!keep) this.clear();
    this.perEpoch = begun.steps_per_epoch;
    this.panels = new Map(begun.views.map((view) => [view.name, before.get(view.name) ?? new Panel(view, this, fixed)]));
    for (const view of begun.views) before.get(view.name)?.describe(view);
    const nodes = [...this.panels].flatMap(([name, panel]) => name === "answer" ? [panel.node, answer] : [panel.node]);
    if (!this.panels.has("answer")) nodes.push(answer);
    this.node.classList.toggle("pairs", Boolean(begun.beside));
    fill(this.node, ...nodes, last);
    for (const node of this.node.children) this.sized.observe(node);
    for (const panel of this.panels.values()) this.seen.observe(panel.node);
    this.node.hidden = false;
    this.looksChanged();
  }

  /* The same views told of anew: what can be chosen may have changed. */
  describe({ views, steps_per_epoch: each }) {
    this.perEpoch = each;
    for (const view of views) this.panels.get(view.name)?.describe(view);
    this.looksChanged();
  }

  clear() {
    this.seen.disconnect();
    this.sized.disconnect();
    this.panels.clear();
    this.node.replaceChildren();
    this.node.hidden = true;
  }

  /* Panels of any height fill the columns: each takes as many rows of one pixel as it is tall. */
  fit(node) {
    node.style.gridRowEnd = `span ${Math.ceil(node.offsetHeight) + APART}`;
  }

  see(entries) {
    const panels = [...this.panels.values()];
    for (const { target, isIntersecting } of entries) panels.find(({ node }) => node === target)?.see(isIntersecting);
    this.looksChanged();
  }

  looks() {
    if (document.hidden) return {};
    return Object.fromEntries([...this.panels].filter(([, panel]) => panel.looked).map(([name, { options }]) => [name, options]));
  }

  take(figures) {
    for (const [name, figure] of Object.entries(figures ?? {})) this.panels.get(name)?.take(figure);
  }

  change({ lasting, interventions }) {
    this.lasting = lasting ?? this.lasting;
    this.steps = (interventions ?? []).map(({ step }) => step);
    this.redraw();
  }

  redraw() {
    for (const panel of this.panels.values()) soon(panel.draw);
  }

  heldAt(layer, unit) {
    return this.lasting.held?.find(([where, which]) => where === layer && which === unit)?.[2];
  }

  /* Curves over steps or epochs show when somebody reached in. */
  marksOn(figure) {
    if (figure.kind !== "Curves") return [];
    if (/^steps?\b/i.test(figure.x.label)) return this.steps;
    return /^epochs?\b/i.test(figure.x.label) ? this.steps.map((step) => step / this.perEpoch) : [];
  }
}
