import { button, fill, make } from "./dom.js";

const SHOWN = 6;

/* The runs of this folder, newest first, each to be opened. */
export class Earlier {
  constructor(ask, send) {
    [this.ask, this.send] = [ask, send];
    this.node = make("section", { class: "earlier", hidden: true, "aria-label": "Earlier runs" });
  }

  async show() {
    const runs = await this.ask("/api/runs").catch(() => []), rest = runs.slice(SHOWN);
    this.node.hidden = !runs.length;
    fill(this.node, make("h2", { text: "Earlier runs" }), this.list(runs.slice(0, SHOWN)),
      rest.length ? make("details", {}, make("summary", { text: `${rest.length} more` }), this.list(rest)) : null);
  }

  list(runs) {
    return make("ul", {}, ...runs.map(({ name, told, goes_on: goesOn }) => {
      const open = button(goesOn ? "Go on" : "Open", () => this.send({ open: name }));
      open.setAttribute("aria-label", `${goesOn ? "Go on with" : "Open"} ${name}`);
      return make("li", {}, make("span", {}, make("strong", { text: name }), make("span", { class: "note", text: told })), open);
    }));
  }
}
