const MATHML = "http://www.w3.org/1998/Math/MathML", THIN = "0.2em";

/* An equation that the browser typesets, from `[tag, child, ...]`. */
export function formula(tree) {
  const [tag, ...children] = tree, node = document.createElementNS(MATHML, tag);
  if (tag === "math") node.setAttribute("display", "block");
  if (tag === "mspace") node.setAttribute("width", THIN);
  node.append(...children.map((child) => typeof child === "string" ? child : formula(child)));
  return node;
}
