import { FONT, colours } from "./theme.js";

/* What every figure on a canvas needs: a sharp canvas, text, lines, and the names of the series. */
export const LETTER = 6.8; // about a letter's width at 12 pixels
const KEY_LINE = 18;

export function penOf(canvas, width, height) {
  const fine = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * fine), Math.round(height * fine)];
  if (canvas.width !== w || canvas.height !== h) {
    [canvas.width, canvas.height] = [w, h];
    canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(fine, 0, 0, fine, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

export function write(pen, text, x, y, { align = "left", colour = "soft", halo = false, weight = 400, size = 12 } = {}) {
  pen.font = `${weight} ${size}px ${FONT}`;
  pen.textAlign = align;
  if (halo) {
    pen.lineJoin = "round";
    pen.lineWidth = 4;
    pen.setLineDash([]);
    pen.strokeStyle = colours().card;
    pen.strokeText(text, x, y);
  }
  pen.fillStyle = colours()[colour] ?? colour;
  pen.fillText(text, x, y);
}

export function trace(pen, points, { colour, width = 1, dash = [], alpha = 1 }) {
  if (!points.length) return;
  pen.globalAlpha = alpha;
  pen.strokeStyle = colours()[colour] ?? colour;
  pen.lineWidth = width;
  pen.setLineDash(dash);
  pen.lineJoin = pen.lineCap = dash.length ? "butt" : "round";
  if (dash.length) pen.lineJoin = "round";
  pen.beginPath();
  points.forEach(([x, y], i) => i ? pen.lineTo(x, y) : pen.moveTo(x, y));
  pen.stroke();
  pen.setLineDash([]);
  pen.globalAlpha = 1;
}

export function disc(pen, x, y, radius, colour, rim = "") {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fillStyle = colours()[colour] ?? colour;
  pen.fill();
  if (!rim) return;
  pen.strokeStyle = colours()[rim];
  pen.lineWidth = 1;
  pen.stroke();
}

/* Names, each beside a stroke or dot of its look, in as many lines as the width asks for. */
export function layKeys(named, width) {
  let x = 0, line = 0;
  const places = named.map(({ name, look, dot }) => {
    const wide = 30 + LETTER * name.length + 18;
    if (x && x + wide - 18 > width) [x, line] = [0, line + 1];
    const place = { name, look, dot, x, y: line * KEY_LINE + 12 };
    x += wide;
    return place;
  });
  const paint = (pen) => {
    for (const { name, look, dot, x: left, y } of places) {
      if (dot) disc(pen, left + 12, y - 4, 4.5, look.colour);
      else trace(pen, [[left, y - 4], [left + 24, y - 4]], look);
      write(pen, name, left + 30, y);
    }
  };
  return { height: named.length ? (line + 1) * KEY_LINE + 4 : 0, paint };
}

/* Names that stand one above the other, moved apart where they would touch. */
export function spread(places, least, low, high) {
  const sorted = [...places].sort((a, b) => a.y - b.y);
  let from = low;
  for (const place of sorted) {
    place.y = Math.max(place.y, from);
    from = place.y + least;
  }
  let to = high;
  for (const place of sorted.reverse()) {
    place.y = Math.min(place.y, to);
    to = place.y - least;
  }
}
