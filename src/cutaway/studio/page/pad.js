import { button, make } from "./dom.js";
import { notice } from "./notices.js";
import { debounced } from "./soon.js";

const PAD_SIDE = 280, PEN_WIDTH = 22, KEY_STEP = 14, FILLED = 0.72, LARGEST_FILE = 20e6, AFTER_STROKE = 250;

/* A panel for one's own image: drawn where the network sees one channel, or a file. */
export class OwnImage {
  constructor(shape, send, note = "") {
    [this.send, this.strokes, this.drawing] = [send, [], false];
    this.picture = (base64) => send({ picture: base64 });
    const parts = shape[0] === 1 ? this.makePad() : [];
    this.shown = make("img", { class: "own", alt: "Your image", onload: () => this.shown.hidden = false, onerror: () => this.shown.hidden = true });
    this.kept = make("div", { class: "side", hidden: true }, this.shown, button("Remove", () => this.clear()));
    this.node = make("section", { class: "panel", "aria-label": "Your own image" }, make("h2", { text: "Your own image" }),
      make("div", { class: "inner" }, make("p", { class: "note", text: note ? note : parts.length ? "Draw, or choose a file, and see what the network makes of it while it learns." : "Choose a file, and see what the network makes of it while it learns." }), make("div", { class: "sides" }, ...parts, make("div", { class: "side" }, this.makeDrop(), this.kept))));
  }

  makePad() {
    this.pad = make("canvas", { class: "pad", width: PAD_SIDE, height: PAD_SIDE, role: "application", tabindex: 0,
      "aria-label": "Draw here with the mouse or a finger. With the keyboard: arrow keys move the pen, the space bar puts it down and lifts it", onkeydown: (event) => this.key(event),
      onpointerdown: (event) => this.begin(event), onpointermove: (event) => this.go(event), onpointerup: () => this.end(), onpointercancel: () => this.end() });
    this.wipe();
    this.drawn = debounced(() => this.strokes.length && this.picture(pngOf(framedStrokes(this.strokes))), AFTER_STROKE);
    [this.spot, this.pen] = [make("span", { class: "spot", hidden: true }), [PAD_SIDE / 2, PAD_SIDE / 4]];
    this.pad.addEventListener("focus", () => this.showSpot(this.pad.matches(":focus-visible")));
    this.pad.addEventListener("blur", () => {
      this.end();
      this.showSpot(false);
    });
    return [make("div", { class: "side" }, make("div", { class: "sheet" }, this.pad, this.spot), button("Clear", () => this.clear()))];
  }

  makeDrop() {
    const field = make("input", { type: "file", accept: "image/*", "aria-label": "Choose an image", onchange: () => field.files[0] && this.file(field.files[0]) });
    const over = (on) => (event) => {
      event.preventDefault();
      drop.classList.toggle("over", on);
    };
    const drop = make("label", { class: "drop", ondragover: over(true), ondragleave: over(false), ondrop: (event) => {
      over(false)(event);
      if (event.dataTransfer.files[0]) this.file(event.dataTransfer.files[0]);
    } }, make("span", {}, make("strong", { text: "Choose an image" }), " or drop one here"), field);
    return drop;
  }

  file(file) {
    if (file.size > LARGEST_FILE) return notice("This file is larger than 20 MB. Choose a smaller image.", "error");
    const reader = new FileReader();
    reader.onload = () => {
      this.shown.src = reader.result;
      this.kept.hidden = false;
      this.picture(reader.result.split(",")[1]);
    };
    reader.readAsDataURL(file);
  }

  wipe() {
    if (!this.pad) return;
    const pen = this.pad.getContext("2d");
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, PAD_SIDE, PAD_SIDE);
  }

  clear() {
    this.strokes = [];
    this.wipe();
    this.kept.hidden = true;
    this.picture(null);
  }

  at({ clientX, clientY }) {
    const box = this.pad.getBoundingClientRect();
    return [(clientX - box.left) * PAD_SIDE / box.width, (clientY - box.top) * PAD_SIDE / box.height];
  }

  begin(event) {
    this.pad.setPointerCapture(event.pointerId);
    this.showSpot(false);
    this.put(this.at(event));
  }

  go(event) {
    if (this.drawing) this.draw(this.at(event));
  }

  put(place) {
    this.drawing = true;
    this.kept.hidden = true;
    this.strokes.push([place]);
    this.draw(place);
  }

  draw(place) {
    const line = this.strokes.at(-1);
    line.push(place);
    drawStrokes(this.pad.getContext("2d"), [line.slice(-2)], PEN_WIDTH);
  }

  key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key !== " " && !moves[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === " ") this.drawing ? this.end() : this.put(this.pen);
    else {
      this.pen = this.pen.map((value, k) => Math.min(Math.max(value + KEY_STEP * moves[event.key][k], 0), PAD_SIDE));
      if (this.drawing) this.draw(this.pen);
    }
    this.showSpot(true);
  }

  /* Where the pen of the keyboard is, and whether it is down. */
  showSpot(shown) {
    this.spot.hidden = !shown;
    this.spot.classList.toggle("down", this.drawing);
    [this.spot.style.left, this.spot.style.top] = this.pen.map((value) => `${100 * value / PAD_SIDE}%`);
  }

  end() {
    if (!this.drawing) return;
    this.drawing = false;
    this.drawn();
  }
}

function drawStrokes(pen, lines, width) {
  pen.strokeStyle = "#fff";
  pen.lineWidth = width;
  pen.lineCap = pen.lineJoin = "round";
  for (const line of lines) {
    pen.beginPath();
    pen.moveTo(...line[0]);
    for (const point of line) pen.lineTo(...point);
    pen.stroke();
  }
}

/* As large and in the middle, as hand-written digits are in the sets that networks learn from. */
function framedStrokes(strokes) {
  const canvas = make("canvas", { width: PAD_SIDE, height: PAD_SIDE }), pen = canvas.getContext("2d");
  const ends = [0, 1].map((k) => {
    const along = strokes.flat().map((point) => point[k]);
    return [Math.min(...along), Math.max(...along)];
  });
  const long = Math.max(...ends.map(([low, high]) => high - low), PEN_WIDTH), scale = (FILLED * PAD_SIDE - PEN_WIDTH) / long;
  const move = (point) => point.map((value, k) => PAD_SIDE / 2 + scale * (value - (ends[k][0] + ends[k][1]) / 2));
  pen.fillStyle = "#000";
  pen.fillRect(0, 0, PAD_SIDE, PAD_SIDE);
  drawStrokes(pen, strokes.map((line) => line.map(move)), PEN_WIDTH);
  return canvas;
}

const pngOf = (canvas) => canvas.toDataURL("image/png").split(",")[1];
