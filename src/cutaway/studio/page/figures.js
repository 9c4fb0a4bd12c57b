import { make, say } from "./dom.js";
import { layBars } from "./draw-bars.js";
import { layCurves } from "./draw-curves.js";
import { layDiagram } from "./draw-diagram.js";
import { layHeatMap } from "./draw-heatmap.js";
import { PictureGrid } from "./draw-images.js";
import { layIntervals } from "./draw-intervals.js";
import { layMatrix } from "./draw-matrix.js";
import { layPlane } from "./draw-plane.js";
import { penOf } from "./pen.js";
import { hideTip, showTip } from "./tip.js";

const LAYOUTS = { Bars: layBars, Curves: layCurves, Diagram: layDiagram, HeatMap: layHeatMap, Intervals: layIntervals, Matrix: layMatrix, Plane: layPlane };

/* One figure on the page. A new one of the same kind is drawn into the same elements.
   `about`: the panel's title and caption, its units where pictures show some, and marks for curves. */
export class FigureBox {
  constructor(about) {
    this.about = about;
    this.heading = make("h3");
    this.body = make("div", { class: "drawing" });
    this.caption = make("figcaption");
    this.node = make("figure", {}, this.heading, this.body, this.caption);
  }

  show(figure, width) {
    if (figure.kind !== this.kind) this.begin(figure);
    this.label(this.heading, figure.title === this.about.title ? "" : figure.title);
    this.label(this.caption, figure.caption === this.about.caption ? "" : figure.caption ?? "");
    if (this.grid) return this.grid.show(figure, width);
    if (!this.lay) return;
    this.layout = this.lay(figure, width, { marks: this.about.marks(figure) });
    this.layout.paint(penOf(this.canvas, width, this.layout.height));
    const told = figure.summary || [figure.title, figure.caption].filter(Boolean).join(". ");
    if (this.told !== told) this.canvas.setAttribute("aria-label", this.told = told);
  }

  label(node, text) {
    say(node, text);
    node.hidden = !text;
  }

  begin({ kind }) {
    this.kind = kind;
    this.grid = kind === "Images" ? new PictureGrid(this.about.units) : null;
    if (this.grid) return this.body.replaceChildren(this.grid.node);
    this.lay = LAYOUTS[kind];
    if (!this.lay) return this.body.replaceChildren(make("p", { class: "note", text: `This page cannot draw a figure of kind ${kind}.` }));
    this.canvas = make("canvas", { role: "img", onpointermove: (event) => this.point(event), onpointerleave: hideTip });
    this.body.replaceChildren(this.canvas);
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    showTip(this.layout?.say(event.clientX - box.left, event.clientY - box.top), event);
  }
}
