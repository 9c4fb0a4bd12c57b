import { disc, trace, write } from "./pen.js";
import { colours } from "./theme.js";
import { general } from "./words.js";

const BOX_TALL = 74, LEVEL_TALL = 122, BOX_WIDEST = 132, BOX_GAP = 14, WIDEST_ROW = 620;

/* A graph from top to bottom: in each box a value and its gradient, at each line what comes back. */
export function layDiagram(figure, width) {
  const wide = Math.min(width, WIDEST_ROW), rows = 1 + Math.max(...figure.boxes.map(({ row }) => row));
  const most = Math.max(...figure.boxes.map(({ columns }) => columns));
  const side = Math.min(BOX_WIDEST, wide / most - BOX_GAP);
  const places = new Map(figure.boxes.map((box) => [box.name, { box, x: wide * (box.column + 0.5) / box.columns, y: box.row * LEVEL_TALL }]));
  return {
    height: (rows - 1) * LEVEL_TALL + BOX_TALL + 4,
    paint(pen) {
      for (const arrow of figure.arrows) paintArrow(pen, places.get(arrow.start), places.get(arrow.end), arrow.share);
      for (const place of places.values()) paintBox(pen, place, side);
    },
    say: (x, y) => sayBox(places, side, x, y),
  };
}

function paintArrow(pen, from, to, share) {
  const start = [from.x, from.y + BOX_TALL], end = [to.x, to.y], middle = [0, 1].map((k) => start[k] + 0.5 * (end[k] - start[k]));
  trace(pen, [start, end], { colour: "grey", width: 1.25 });
  disc(pen, ...end, 2.5, "grey");
  write(pen, general(share, 3), middle[0], middle[1] + 4, { align: "center", colour: "warm", halo: true });
}

function paintBox(pen, { box, x, y }, side) {
  const left = x - side / 2;
  pen.beginPath();
  pen.roundRect(left, y + 1, side, BOX_TALL - 1, 8);
  pen.fillStyle = colours().page;
  pen.fill();
  pen.strokeStyle = colours()[box.formula === "given" ? "accent" : "line"];
  pen.lineWidth = 1.25;
  pen.stroke();
  write(pen, box.formula === "given" ? box.name : `${box.name} = ${box.formula}`, x, y + 19, { align: "center" });
  write(pen, general(box.value, 4), x, y + 41, { align: "center", colour: "ink", weight: 600, size: 15 });
  write(pen, general(box.gradient, 4), x, y + 62, { align: "center", colour: "warm", weight: 550, size: 13 });
}

function sayBox(places, side, x, y) {
  for (const { box, x: middle, y: top } of places.values())
    if (Math.abs(x - middle) <= side / 2 && y >= top && y <= top + BOX_TALL)
      return `${box.name}: value ${general(box.value, 5)}\ngradient ${general(box.gradient, 5)}`;
  return "";
}
