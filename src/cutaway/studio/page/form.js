import { button, fill, make } from "./dom.js";
import { capital } from "./words.js";

const HANDFUL = ["epochs", "lr", "batch_size", "optimizer", "augment", "seed", "replicates", "dropout"];

/* The recipe for one network and one data set; what was changed in it goes with `start`. */
export class RecipeForm {
  constructor(send, close) {
    [this.send, this.close] = [send, close];
    this.node = make("form", { class: "recipe", onsubmit: (event) => this.submit(event), hidden: true });
  }

  open(pair, { fields, problem }, given = {}) {
    [this.pair, this.controls] = [pair, []];
    const first = HANDFUL.map((name) => fields.find((one) => one.name === name)).filter(Boolean);
    const rest = Object.entries(Object.groupBy(fields.filter((one) => !first.includes(one)), (one) => one.panel || "More"));
    this.paused = make("input", { type: "checkbox" });
    fill(this.node,
      make("h2", { text: `${pair.model} learns ${pair.data}`, tabindex: "-1" }),
      problem ? make("p", { class: "problem", role: "alert", text: problem }) : null,
      make("div", { class: "fields" }, ...first.map((field) => this.field(field))),
      rest.length ? make("details", {}, make("summary", { text: "All settings" }), ...rest.map(([panel, more]) => this.group(panel, more))) : null,
      make("div", { class: "actions" }, make("button", { type: "submit", class: "main", text: "Start", disabled: Boolean(problem) && !fields.length }), button("Cancel", () => this.hide()), make("label", { class: "check" }, this.paused, make("span", { text: "Begin paused" }))));
    for (const { name, control } of this.controls) if (name in given) control.value = given[name];
    this.node.hidden = false;
    this.node.querySelector("h2").focus({ preventScroll: true });
    this.node.scrollIntoView({ block: "nearest" });
  }

  hide() {
    this.node.hidden = true;
    this.close?.();
  }

  group(panel, fields) {
    return make("fieldset", {}, make("legend", { text: capital(panel) }), make("div", { class: "fields" }, ...fields.map((field) => this.field(field))));
  }

  field(field) {
    const { name, help, kind, low, high } = field, id = `field-${name}`;
    const control = controlOf(field, id), first = control.type === "checkbox" ? control.checked : control.value;
    const value = () => control.type === "checkbox" ? control.checked : control.value;
    this.controls.push({ name, control, read: () => value() === first ? null : String(value()) });
    const limits = [low ?? null, high ?? null].map((end) => end === null ? "" : String(end));
    const range = limits.some(Boolean) && kind !== "bool" ? ` ${limits[0] && limits[1] ? `${limits[0]} to ${limits[1]}.` : limits[0] ? `At least ${limits[0]}.` : `At most ${limits[1]}.`}` : "";
    const note = `${help ?? ""}${range}`.trim();
    if (note) control.setAttribute("aria-describedby", `${id}-help`);
    return make("div", { class: kind === "bool" ? "field check" : "field" }, make("label", { for: id, text: name.replaceAll("_", " ") }), control, note ? make("p", { class: "note", id: `${id}-help`, text: note }) : null);
  }

  submit(event) {
    event.preventDefault();
    const changed = this.controls.map(({ name, read }) => [name, read()]).filter(([, value]) => value !== null);
    this.send({ start: { ...this.pair, fields: Object.fromEntries(changed), paused: this.paused.checked } });
  }
}

function controlOf({ kind, choices, value }, id) {
  if (kind === "bool") return make("input", { id, type: "checkbox", checked: /^(true|yes|on|1)$/i.test(value) });
  if (!choices?.length) return make("input", { id, type: "text", value, autocomplete: "off", spellcheck: "false", inputmode: { int: "numeric", float: "decimal" }[kind] });
  const control = make("select", { id }, ...choices.map((one) => make("option", { value: one, text: one })));
  control.value = value;
  return control;
}
