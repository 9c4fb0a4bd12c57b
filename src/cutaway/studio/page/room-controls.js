import { make } from "./dom.js";
import { OwnImage } from "./pad.js";
import { capital } from "./words.js";

const POWERS = 50, SHARES = 400, PAD_SHAPE = [1, 28, 28];
let controlCount = 0;

/* The settings of a piece: sliders with numbers, choices, yes or no, a pad, a kernel. */
export class RoomControls {
  constructor(settings, changed) {
    [this.changed, this.fields] = [changed, new Map()];
    this.node = make("div", { class: "controls" }, ...settings.map((one) => this.add(one)));
  }

  values() {
    return Object.fromEntries([...this.fields].map(([name, field]) => [name, field.value()]).filter(([, value]) => value !== null));
  }

  set(name, value) {
    this.fields.get(name).set(value);
  }

  add(setting) {
    const kinds = { drawing: padField, kernel: kernelField }, make_ = kinds[setting.panel] ?? (setting.choices.length ? choiceField : setting.kind === "bool" ? truthField : numberField);
    const field = make_(setting, () => this.changed(), `setting-${controlCount++}`);
    this.fields.set(setting.name, field);
    return field.node;
  }
}

const settingName = ({ name }) => name.length > 2 ? capital(name.replaceAll("_", " ")) : name;

const noted = (setting, id) => make("span", { class: "note", id: `${id}-help`, text: setting.help });

function choiceField(setting, changed, id) {
  const select = make("select", { id, "aria-describedby": `${id}-help`, onchange: changed }, ...setting.choices.map((one) => make("option", { value: one, text: one })));
  select.value = setting.value;
  return { node: make("div", { class: "control" }, make("label", { for: id, text: settingName(setting) }), select, noted(setting, id)), value: () => select.value, set: (value) => { select.value = value; } };
}

function truthField(setting, changed, id) {
  const box = make("input", { id, type: "checkbox", checked: setting.value, "aria-describedby": `${id}-help`, onchange: changed });
  return { node: make("div", { class: "control check" }, box, make("label", { for: id, text: settingName(setting) }), noted(setting, id)), value: () => box.checked, set: (value) => { box.checked = value; } };
}

/* A slider for the hand and a number for the exact value; a wide range goes by powers. */
function numberField(setting, changed, id) {
  const { low, high, kind } = setting, powers = low > 0 && high / low >= POWERS, whole = kind === "int";
  const toShare = (value) => powers ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  const fromShare = (share) => powers ? low * (high / low) ** share : low + share * (high - low);
  const tidy = (value) => whole ? Math.round(value) : Number(value.toPrecision(3));
  const number = make("input", { id, type: "number", min: low, max: high, step: "any", value: setting.value, "aria-describedby": `${id}-help`, oninput: () => moved(Number(number.value)) });
  const steps = whole && !powers && high - low <= SHARES ? high - low : SHARES;
  const slider = make("input", { type: "range", min: 0, max: steps, step: 1, "aria-label": settingName(setting), oninput: () => {
    number.value = tidy(fromShare(slider.value / steps));
    slider.setAttribute("aria-valuetext", number.value);
    changed();
  } });
  const show = (value) => {
    slider.value = Math.round(steps * toShare(value));
    slider.setAttribute("aria-valuetext", String(value));
  };
  const moved = (value) => {
    if (number.value === "") return;
    show(value);
    changed();
  };
  show(setting.value);
  return {
    node: make("div", { class: "control" }, make("label", { for: id, text: settingName(setting) }), make("div", { class: "both" }, slider, number), noted(setting, id)),
    value: () => number.value === "" ? setting.value : Number(number.value),
    set: (value) => {
      number.value = value;
      show(value);
    },
  };
}

function padField(setting, changed) {
  let drawn = "";
  const pad = new OwnImage(PAD_SHAPE, ({ picture }) => {
    drawn = picture ?? "";
    changed();
  }, setting.help);
  pad.node.removeAttribute("aria-label"); // it is named by its heading, and a page may have several
  return { node: make("div", { class: "control wide" }, pad.node), value: () => drawn, set: () => {} };
}

function kernelField(setting, changed, id) {
  const side = Math.sqrt(setting.value.length);
  const cells = setting.value.map((value, i) => make("input", { type: "number", step: "any", value, "aria-label": `Row ${Math.floor(i / side) + 1}, column ${i % side + 1}`, oninput: changed }));
  const grid = make("div", { class: "kernel", role: "group", "aria-labelledby": `${id}-name` }, ...cells);
  grid.style.gridTemplateColumns = `repeat(${side}, minmax(0, 4rem))`;
  return {
    node: make("div", { class: "control" }, make("span", { class: "label", id: `${id}-name`, text: settingName(setting) }), grid, noted(setting, id)),
    value: () => cells.map(({ value }) => Number(value)),
    set: (values) => cells.forEach((cell, i) => { cell.value = values[i]; }),
  };
}
