import { make } from "./dom.js";
import { whole } from "./words.js";

/* The list of all that somebody changed while the network learned, latest first. */
export class Reached {
  constructor() {
    this.list = make("ol");
    this.none = make("p", { class: "empty", text: "Nothing was changed yet. Choose a unit in a picture, or move a slider while the network learns." });
    this.node = make("section", { class: "panel reached", "aria-label": "Reached in" }, make("h2", { text: "Reached in" }), make("div", { class: "inner" }, this.none, this.list));
  }

  show(interventions = []) {
    this.none.hidden = interventions.length > 0;
    this.list.hidden = !interventions.length;
    const rows = interventions.map(({ step, text, effect }) => make("li", {}, make("span", { class: "step", text: `Step ${whole(step)}` }), make("span", {}, text, effect ? make("strong", { text: effect }) : null)));
    this.list.replaceChildren(...rows.reverse());
  }
}
