import { make } from "./dom.js";

const EDGE = 8;
let opened = null;

/* A small window beside what it concerns; Escape or a click elsewhere closes it. */
export function openPopup(anchor, title, ...content) {
  closePopup();
  const node = make("div", { class: "popup", role: "dialog", "aria-label": title, popover: "auto" }, make("h2", { text: title }), ...content);
  document.body.append(node);
  node.addEventListener("toggle", ({ newState }) => newState === "closed" && node.remove());
  node.showPopover();
  opened = { node, anchor };
  placePopup();
  node.querySelector("input, select, button")?.focus();
  return node;
}

export function placePopup() {
  const { node, anchor } = opened, beside = anchor.getBoundingClientRect();
  const below = beside.bottom + EDGE, fits = below + node.offsetHeight + EDGE <= innerHeight;
  const top = fits ? below : Math.max(EDGE, Math.min(beside.top - node.offsetHeight - EDGE, innerHeight - node.offsetHeight - EDGE));
  node.style.left = `${Math.max(EDGE, Math.min(beside.left, innerWidth - node.offsetWidth - EDGE))}px`;
  node.style.top = `${top}px`;
}

export function closePopup() {
  if (opened?.node.isConnected) opened.node.hidePopover();
  opened = null;
}

export function asked(label, value, action, word) {
  const field = make("input", { type: "number", step: "any", value, required: true });
  const submit = (event) => {
    event.preventDefault();
    if (field.reportValidity()) action(Number(field.value));
  };
  return make("form", { class: "asked", onsubmit: submit }, make("label", {}, make("span", { text: label }), field), make("button", { type: "submit", text: word }));
}
