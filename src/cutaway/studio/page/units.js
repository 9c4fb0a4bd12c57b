import { button, make } from "./dom.js";
import { kernelEditor } from "./kernel.js";
import { notice } from "./notices.js";
import { asked, closePopup, openPopup, placePopup } from "./popup.js";

/* What can be done with one unit of a layer: hold it, let it learn again, edit its weights. */
export class Units {
  constructor(send, { able, still, held }) {
    [this.send, this.able, this.still, this.held, this.place] = [send, able, still, held, null];
    [this.asked, this.last] = ["", ""]; // the unit that was held, while that is the last change
  }

  changed() {
    [this.last, this.asked] = [this.asked, ""];
  }

  open(layer, unit, anchor, view) {
    if (!layer) return notice("The units of this layer have no weights of their own: choose the layer before it.");
    if (!this.able()) return notice("Who controls the page can switch units off: of a network that learns, or of one run that is read.");
    const value = this.held(layer, unit), hold = (to) => this.hold(layer, unit, to), still = this.still();
    this.place = make("div");
    const actions = make("div", { class: "actions" },
      value === 0 ? null : button("Switch off", () => hold(0)),
      value !== undefined && !still && this.last === `${layer} ${unit}` ? button("Bring it back", () => this.undo()) : null,
      value === undefined ? null : still ? button("Bring it back", () => hold(null)) : button("Let it learn anew", () => hold(null)),
      view === "filters" ? button("Edit weights", () => this.send({ ask: { kernel: { layer, unit } } })) : null);
    const said = value === undefined ? "Switched off, it answers 0 to everything." : `It is held at ${value}.${still ? "" : " Let learn anew, it begins without the weights that it had."}`;
    const note = make("p", { class: "note", text: still ? `${said} The run itself stays as it is.` : said });
    openPopup(anchor, `Unit ${unit} of ${layer}`, note, actions, asked("Hold at", value ?? 1, hold, "Hold"), this.place);
  }

  undo() {
    this.send({ undo: true });
    closePopup();
  }

  hold(layer, unit, value) {
    this.asked = value === null ? "" : `${layer} ${unit}`;
    this.send({ change: { kind: "hold", layer, unit, value } });
    closePopup();
  }

  edit(kernel) {
    if (!this.place?.isConnected) return;
    this.place.replaceChildren(kernelEditor(kernel, this.send));
    placePopup();
  }
}
