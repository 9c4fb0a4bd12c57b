import { make } from "./dom.js";

/* What stands under the pointer, in words. Who sees no pointer has the figure's label. */
let tip = null;

export function showTip(text, { clientX, clientY }) {
  if (!text) return hideTip();
  if (!tip) document.body.append(tip = make("div", { class: "tip", "aria-hidden": "true" }));
  tip.hidden = false;
  if (tip.textContent !== text) tip.textContent = text;
  const left = clientX + 14 + tip.offsetWidth > innerWidth ? clientX - 14 - tip.offsetWidth : clientX + 14;
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.max(4, Math.min(clientY + 14, innerHeight - tip.offsetHeight - 4))}px`;
}

export function hideTip() {
  if (tip) tip.hidden = true;
}
