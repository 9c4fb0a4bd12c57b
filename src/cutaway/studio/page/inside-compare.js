import { make } from "./dom.js";
import { general } from "./words.js";

const ROUNDING = 1e-6;

const shareOf = ({ relative }) => relative === null ? "not finite" : relative === 0 ? "0" : relative.toExponential(1).replace("e-", "e−");

/* The gradients by these equations beside those of autograd. */
export function comparisonOf({ count, worst, parameters }) {
  const close = worst.relative !== null && worst.relative < ROUNDING, share = shareOf(worst);
  const words = `The largest difference over all ${count} gradients is ${share} of a gradient's largest number, at ${worst.name}. ${close ? "By hand and by autograd they are the same, but for rounding." : "That is more than rounding."} Both were computed again in float64.`;
  const number = (value) => value === null ? "not finite" : general(value, 5);
  const rows = parameters.map(({ name, by_hand: hand, autograd, relative }) => make("tr", {}, make("th", { scope: "row", text: name }), ...[number(hand), number(autograd), shareOf({ relative })].map((text) => make("td", { text }))));
  const head = ["Gradient of", "Norm by hand", "Norm by autograd", "Largest difference"].map((text) => make("th", { scope: "col", text }));
  return make("section", { class: "inside-part", "aria-label": "Compared with autograd" }, make("h4", { text: "Compared with autograd" }), make("p", { class: close ? "inside-agrees" : "inside-agrees warm", role: "status", text: words }),
    make("div", { class: "inside-scroll", tabindex: 0, role: "region", "aria-label": "Gradients of the parameters" }, make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows))));
}
