import { make } from "./dom.js";

const ROW = 52, BOX = 38, COLUMN = 152, LETTERS = 20, BOX_APART = 10, LANE = 9, GRAPH_EDGE = 4, SVG = "http://www.w3.org/2000/svg";

/* A long name's end tells more than its beginning. */
const lastOf = (name) => name.length <= LETTERS ? name : `…${name.slice(1 - LETTERS)}`;

/* The graph, drawn in layers: what follows stands below. A node is a button; arrow keys move. */
export class InsideGraph {
  constructor(chosen) {
    this.chosen = chosen;
    this.inner = make("div", { class: "inside-layers" });
    this.node = make("nav", { class: "inside-graph", "aria-label": "Nodes", onkeydown: (event) => this.key(event) }, this.inner);
    new ResizeObserver(() => this.here && this.reveal(this.here)).observe(this.node);
    this.clear();
  }

  clear() {
    [this.about, this.boxes, this.here] = [null, [], null];
    this.inner.replaceChildren();
  }

  show(about) {
    this.about = about;
    const { nodes, places, rows, columns, tracks } = about, reached = new Set(about.events.map(([node]) => node));
    this.boxes = nodes.map((one, i) => this.box(one, places[i], reached.has(i), i));
    const width = 2 * GRAPH_EDGE + columns * COLUMN + tracks * LANE + (tracks ? BOX_APART : 0), height = rows * ROW - (ROW - BOX) + 2 * GRAPH_EDGE;
    [this.inner.style.width, this.inner.style.height] = [`${width}px`, `${height}px`];
    this.inner.replaceChildren(this.lines(width, height), ...this.boxes);
    this.node.parentElement.style.setProperty("--inside-wide", `${width}px`);
  }

  box({ name, title, shape }, [row, left], able, i) {
    const node = make("button", { type: "button", class: "inside-box", disabled: !able, tabindex: -1, title: `${name}: ${title}, ${shape.join(" × ") || "one number"}`, onclick: () => this.chosen(i) }, make("span", { class: "name", text: lastOf(name) }), make("span", { text: title }));
    [node.style.left, node.style.top] = [`${this.x(left) - (COLUMN - BOX_APART) / 2}px`, `${GRAPH_EDGE + row * ROW}px`];
    [node.style.width, node.style.height] = [`${COLUMN - BOX_APART}px`, `${BOX}px`];
    return node;
  }

  x(left) {
    return GRAPH_EDGE + (left + 1) * COLUMN / 2;
  }

  lines(width, height) {
    const svg = document.createElementNS(SVG, "svg"), path = document.createElementNS(SVG, "path");
    const { straight, lanes, places } = this.about, ends = (node) => [this.x(places[node][1]), GRAPH_EDGE + places[node][0] * ROW];
    const direct = straight.map(([a, b]) => {
      const [x, y] = ends(a), [to, end] = ends(b);
      return `M${x} ${y + BOX}C${x} ${y + BOX + 8} ${to} ${end - 8} ${to} ${end}`;
    });
    const around = lanes.flatMap(([source, targets, number]) => targets.map((target) => {
      const [x, y] = ends(source), [to, end] = ends(target), side = GRAPH_EDGE + this.about.columns * COLUMN + LANE * (number + 0.5);
      return `M${x} ${y + BOX}v5H${side}V${end - 5}H${to}v5`;
    }));
    path.setAttribute("d", [...direct, ...around].join(""));
    for (const [name, value] of [["width", width], ["height", height], ["aria-hidden", "true"]]) svg.setAttribute(name, value);
    svg.append(path);
    return svg;
  }

  /* What lies behind, in each direction, and where one stands. */
  mark(at) {
    const { events } = this.about, state = new Map();
    events.slice(0, at + 1).forEach(([node, phase]) => state.set(node, phase));
    const [here] = events[at];
    this.boxes.forEach((box, i) => {
      box.dataset.phase = state.get(i) ?? "";
      box.tabIndex = i === here ? 0 : -1;
      if (i === here) box.setAttribute("aria-current", "step");
      else box.removeAttribute("aria-current");
    });
    this.here = this.boxes[here];
    this.reveal(this.here);
  }

  reveal(box) {
    const { node } = this, top = box.offsetTop - ROW, bottom = box.offsetTop + BOX + ROW;
    if (top < node.scrollTop) node.scrollTop = top;
    else if (bottom > node.scrollTop + node.clientHeight) node.scrollTop = bottom - node.clientHeight;
    const right = box.offsetLeft + box.offsetWidth + BOX_APART;
    if (box.offsetLeft < node.scrollLeft) node.scrollLeft = box.offsetLeft - BOX_APART;
    else if (right > node.scrollLeft + node.clientWidth) node.scrollLeft = right - node.clientWidth;
  }

  key(event) {
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key], able = this.boxes.filter((box) => !box.disabled);
    const to = able[able.indexOf(document.activeElement) + by];
    if (!by || !to) return;
    event.preventDefault();
    event.stopPropagation();
    to.focus();
  }
}
