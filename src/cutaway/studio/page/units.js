import { button, make } from "./dom.js";
import { kernelEditor } from "./kernel.js";
import { notice } from "./notices.js";
import { asked, closePopup, openPopup, placePopup } from "./popup.js";

/* What can be done with one unit of a layer: hold it, let it learn again, edit its weights. */
export class Units {
  constructor(send, { able, held }) {
    [this.send, this.able, this.held, this.place] = [send, able, held, null];
  }

  open(layer, unit, anchor, view) {
    if (!layer) return notice("The units of this layer have no weights of their own: choose the layer before it.");
    if (!this.able()) return notice("A unit can be held and edited by who controls the training, while it trains or is paused.");
    const value = this.held(layer, unit), hold = (to) => this.hold(layer, unit, to);
    this.place = make("div");
    const actions = make("div", { class: "actions" },
      button("Hold at 0", () => hold(0)),
      value === undefined ? null : button("Let it learn again", () => hold(null)),
      view === "filters" ? button("Edit weights", () => this.send({ ask: { kernel: { layer, unit } } })) : null);
    const note = value === undefined ? null : make("p", { class: "note", text: `It is held at ${value}.` });
    openPopup(anchor, `Unit ${unit} of ${layer}`, note, actions, asked("Hold at", value ?? 1, hold, "Hold"), this.place);
  }

  hold(layer, unit, value) {
    this.send({ change: { kind: "hold", layer, unit, value } });
    closePopup();
  }

  edit(kernel) {
    if (!this.place?.isConnected) return;
    this.place.replaceChildren(kernelEditor(kernel, this.send));
    placePopup();
  }
}
