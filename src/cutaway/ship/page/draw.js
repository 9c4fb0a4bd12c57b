/* drawing: strokes are kept as they were drawn, and drawn again in the frame of the training images */
const pad = $("pad"), pen = pad.getContext("2d", { willReadFrequently: true });
const PEN = 44, FINE = 8; // pixels of the pad; finer pixels than the network's, to be made smaller
let strokes = [], drawing = false, wait;

const grey = (value) => `rgb(${Array(3).fill(Math.round(255 * value))})`;

function clear() {
  strokes = [];
  pen.fillStyle = grey(about.ink.paper);
  pen.fillRect(0, 0, pad.width, pad.height);
}

function at(event) {
  const box = pad.getBoundingClientRect();
  return [(event.clientX - box.left) * pad.width / box.width, (event.clientY - box.top) * pad.height / box.height];
}

function draw(context, lines, width) {
  context.strokeStyle = grey(about.ink.ink);
  context.lineWidth = width;
  context.lineCap = context.lineJoin = "round";
  for (const line of lines) {
    context.beginPath();
    context.moveTo(...line[0]);
    for (const point of line) context.lineTo(...point);
    context.stroke();
  }
}

function stroke(event) {
  if (!drawing) return;
  const line = strokes.at(-1), next = at(event);
  line.push(next);
  draw(pen, [line.slice(-2)], PEN);
}

/* the drawing as long, as wide a stroke, and in the same place as in the training images */
function framed() {
  if (!strokes.length) return null;
  const [height, width] = about.size, short = Math.min(height, width), ink = about.ink;
  const fine = FINE / ink.grain, canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  [canvas.height, canvas.width] = [height * fine, width * fine];
  const { middle, box, length } = measured(), thick = ink.width * short * fine;
  const scale = Math.max(0, ink.length * short * fine - thick) / Math.max(length, PEN);
  const edge = thick / 2 + Math.min(1, (1 - ink.length) * short / 2) * fine; // a pixel, where there is one
  const [right, down] = [canvas.width, canvas.height].map((whole, k) =>
    inside(whole * [ink.x, ink.y][k] - scale * middle[k], edge - scale * box[k][0], whole - edge - scale * box[k][1]));
  const move = ([x, y]) => [right + scale * x, down + scale * y];
  context.fillStyle = grey(ink.paper);
  context.fillRect(0, 0, canvas.width, canvas.height);
  draw(context, strokes.map((line) => line.map(move)), thick);
  return reduced(context.getImageData(0, 0, canvas.width, canvas.height), ink.grain);
}

const inside = (place, low, high) => low < high ? Math.min(Math.max(place, low), high) : (low + high) / 2;

/* the box around the strokes, its longer side, and its middle or that of their mass */
function measured() {
  const points = strokes.flat(), lines = [0, 1].map((k) => points.map((point) => point[k]));
  const box = lines.map((line) => [Math.min(...line), Math.max(...line)]);
  const length = Math.max(...box.map(([low, high]) => high - low));
  if (about.ink.by === "box") return { box, length, middle: box.map(([low, high]) => (low + high) / 2) };
  let [mass, x, y] = [0, 0, 0];
  for (const line of strokes)
    line.forEach((to, i) => {
      const from = line[Math.max(0, i - 1)], long = Math.hypot(to[0] - from[0], to[1] - from[1]) + 1e-3;
      mass += long; x += long * (from[0] + to[0]) / 2; y += long * (from[1] + to[1]) / 2;
    });
  return { box, length, middle: [x / mass, y / mass] };
}

/* made smaller to the pixels that the training images had, and larger to those that they have */
function reduced({ data, width, height }, grain) {
  const values = channels(data, 1), [h, w] = about.size;
  const rows = (from) => function* (top, left, h) { yield [from, h]; };
  const small = resized(rows(values), [h / grain, w / grain], 1, { top: 0, left: 0, h: height, w: width });
  const part = { top: 0, left: 0, h: small.height, w: small.width };
  const canvas = document.createElement("canvas");
  put(canvas, imageData(resized(rows(small.values), [h, w], 1, part), 1));
  return canvas;
}

function drawn() {
  drawing = false;
  clearTimeout(wait);
  wait = setTimeout(() => framed()?.toBlob(show), 200);
}

pad.addEventListener("pointerdown", (event) => {
  pad.setPointerCapture(event.pointerId);
  drawing = true;
  strokes.push([at(event)]);
  stroke(event);
});
pad.addEventListener("pointermove", stroke);
for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => drawing && drawn());
