import { calm } from "./dom.js";

/* Whatever is to be drawn waits for the screen's next picture, however often it is asked for. */
const AT_MOST = 500; // milliseconds between two pictures for who wants little motion
const tasks = new Set();
let waits = false, drawnLast = -AT_MOST;

export function soon(task) {
  tasks.add(task);
  if (waits) return;
  waits = true;
  const rest = calm() ? drawnLast + AT_MOST - performance.now() : 0;
  if (rest > 0) setTimeout(() => requestAnimationFrame(drawAll), rest);
  else requestAnimationFrame(drawAll);
}

function drawAll() {
  const now = [...tasks];
  tasks.clear();
  waits = false;
  drawnLast = performance.now();
  for (const task of now) task();
}

/* Once the screen's next picture is there; at once on a page that nobody sees. */
export function onceDrawn(task) {
  if (document.hidden) task();
  else requestAnimationFrame(() => requestAnimationFrame(task));
}

/* The last of many calls, once they pause. */
export function debounced(action, pause) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...given), pause);
  };
}
