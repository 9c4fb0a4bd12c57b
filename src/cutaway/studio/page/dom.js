/* Elements are made by name and text, never from markup. */
export function make(tag, given = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined)
      node.setAttribute(name, value === true ? "" : value);
  }
  if (children.length) fill(node, ...children);
  return node;
}

export const byId = (id) => document.getElementById(id);

export const button = (text, onclick, kind = null) => make("button", { type: "button", class: kind, text, onclick });

/* What a node holds from now on; what is not there is left out. */
export function fill(node, ...children) {
  node.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
}

export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/* A select over [value, text]; values keep their type, which those of an option lose. */
export function choice(label, pairs, value, onchange = () => {}) {
  const picker = make("select", { onchange: () => onchange(pairs[picker.selectedIndex][0]) }, ...pairs.map(([, text]) => make("option", { text })));
  picker.selectedIndex = Math.max(0, pairs.findIndex(([one]) => one === value));
  return {
    node: make("label", { class: "choice" }, make("span", { text: label }), picker),
    get value() { return pairs[picker.selectedIndex][0]; },
    set value(to) { picker.selectedIndex = pairs.findIndex(([one]) => one === to); },
  };
}

const still = matchMedia("(prefers-reduced-motion: reduce)");
export const calm = () => still.matches;
