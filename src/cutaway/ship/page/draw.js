/* drawing */
const pad = $("pad"), pen = pad.getContext("2d", { willReadFrequently: true });
let last = null, wait;

function clear() {
  pen.fillStyle = colours.paper;
  pen.fillRect(0, 0, pad.width, pad.height);
}

function at(event) {
  const box = pad.getBoundingClientRect();
  return [(event.clientX - box.left) * pad.width / box.width, (event.clientY - box.top) * pad.height / box.height];
}

function stroke(event) {
  if (!last) return;
  const next = at(event);
  pen.strokeStyle = colours.ink;
  pen.lineWidth = 44;
  pen.lineCap = pen.lineJoin = "round";
  pen.beginPath();
  pen.moveTo(...last);
  pen.lineTo(...next);
  pen.stroke();
  last = next;
}

/* the ink, 20/28 of the side at its longer side, its centre of mass in the middle: as in MNIST */
function centred() {
  const { data } = pen.getImageData(0, 0, pad.width, pad.height), bright = colours === dark;
  let [left, top, right, bottom, mass, x, y] = [pad.width, pad.height, -1, -1, 0, 0, 0];
  for (let i = 0, k = 0; i < data.length; i += 4, k++) {
    const ink = bright ? data[i] : 255 - data[i];
    if (ink < 32) continue;
    const column = k % pad.width, row = (k - column) / pad.width;
    left = Math.min(left, column); right = Math.max(right, column);
    top = Math.min(top, row); bottom = Math.max(bottom, row);
    mass += ink; x += ink * column; y += ink * row;
  }
  if (!mass) return null;
  const canvas = document.createElement("canvas"), side = canvas.width = canvas.height = 280;
  const scale = side * 20 / 28 / Math.max(right - left + 1, bottom - top + 1);
  const context = canvas.getContext("2d"), edge = side / 28;
  const shift = (first, last, middle) => // no nearer than a pixel to the edge
    Math.min(Math.max(side / 2 - scale * middle, edge - scale * first), side - edge - scale * last);
  context.fillStyle = colours.paper;
  context.fillRect(0, 0, side, side);
  context.imageSmoothingQuality = "high";
  context.setTransform(scale, 0, 0, scale, shift(left, right, x / mass), shift(top, bottom, y / mass));
  context.drawImage(pad, left, top, right - left + 1, bottom - top + 1, left, top, right - left + 1, bottom - top + 1);
  return canvas;
}

function drawn() {
  last = null;
  clearTimeout(wait);
  wait = setTimeout(() => centred()?.toBlob(show), 200);
}

pad.addEventListener("pointerdown", (event) => {
  pad.setPointerCapture(event.pointerId);
  last = at(event);
  stroke(event);
});
pad.addEventListener("pointermove", stroke);
for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => last && drawn());
