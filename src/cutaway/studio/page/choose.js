import { button, make } from "./dom.js";
import { Earlier } from "./earlier.js";
import { RecipeForm } from "./form.js";
import { notice } from "./notices.js";

/* Cards to begin with, and below any other network and data. */
export class Chooser {
  constructor(node, ask, send) {
    [this.node, this.ask, this.send] = [node, ask, send];
    this.form = new RecipeForm(send);
    this.place = make("li", { class: "settings" }, this.form.node);
    this.earlier = new Earlier(ask, send);
  }

  async show() {
    if (this.node.hidden) this.earlier.show();
    this.node.hidden = false;
    if (this.loaded) return;
    this.loaded = true;
    try {
      this.fill(await this.ask("/api/systems"));
    } catch {
      this.loaded = false;
      this.node.replaceChildren(make("p", { class: "empty", text: "What can be trained could not be loaded. Reload the page." }));
    }
  }

  hide() {
    this.node.hidden = this.form.node.hidden = true;
  }

  fill({ systems, models, data }) {
    this.node.replaceChildren(
      make("p", { class: "lead" }, "Train a real network on this computer, watch what happens inside it, and reach in. To learn how such networks work, begin with ", make("a", { href: "#rooms", text: "eight rooms" }), "."),
      make("ul", { class: "systems" }, ...systems.map((system) => this.card(system))),
      this.earlier.node, this.other(models, data));
  }

  card(system) {
    const { model, data, title, sentence, picture, minutes, fields, pace } = system;
    const start = button("Start", () => this.send({ start: { model, data, fields, pace, paused: false } }), "main");
    const setUp = button("Set up", () => this.setUp(card, model, data, fields));
    start.setAttribute("aria-label", `Start: ${title}`);
    setUp.setAttribute("aria-label", `Set up: ${title}`);
    const card = make("li", { class: "card" }, picture ? make("img", { src: picture, alt: "" }) : null, make("h2", { text: title }), make("p", { text: sentence }),
      make("div", { class: "actions" }, start, setUp, make("span", { class: "note", text: /^\d/.test(minutes) ? `about ${minutes}` : minutes ?? "" })));
    return card;
  }

  other(models, data) {
    const field = (label, id, names) => make("div", { class: "field" }, make("label", { for: id, text: label }),
      make("input", { id, list: `${id}-names`, required: true, autocomplete: "off", spellcheck: "false" }), make("datalist", { id: `${id}-names` }, ...names.map((value) => make("option", { value }))));
    const form = make("form", { class: "other", onsubmit: (event) => {
      event.preventDefault();
      this.setUp(form, ...["other-model", "other-data"].map((id) => form.querySelector(`#${id}`).value.trim()));
    } }, make("h2", { text: "Another model and data" }), field("Model", "other-model", models), field("Data", "other-data", data), make("button", { type: "submit", text: "Set up" }));
    return form;
  }

  /* The settings open below what they were asked for by. */
  async setUp(beside, model, data, given = {}) {
    try {
      const card = beside.classList.contains("card");
      beside.after(card ? this.place : this.form.node);
      if (card) this.place.append(this.form.node);
      else this.place.remove();
      this.form.open({ model, data }, await this.ask(`/api/fields?model=${encodeURIComponent(model)}&data=${encodeURIComponent(data)}`), given);
    } catch {
      notice("The settings for this model and data could not be loaded.", "error");
    }
  }
}
