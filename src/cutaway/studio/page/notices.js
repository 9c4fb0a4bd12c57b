import { button, byId, make } from "./dom.js";

const NOTE_STAYS = 8000, AT_MOST_SPOKEN = 10_000;

/* A line at the foot of the page: notes go by themselves, errors stay until they are dismissed. */
export function notice(text, tone = "note") {
  const place = byId("notices"), same = [...place.children].find((node) => node.firstChild.textContent === text);
  same?.remove();
  const node = make("div", { class: `notice ${tone}`, role: tone === "error" ? "alert" : "status" }, make("span", { text }), button("Dismiss", () => node.remove()));
  place.append(node);
  if (tone !== "error") setTimeout(() => node.remove(), NOTE_STAYS);
}

/* The status for who cannot see it: at once when the state changes, else seldom. */
let spokenLast = 0;

export function speak(text, atOnce = false) {
  const now = performance.now();
  if (!atOnce && now - spokenLast < AT_MOST_SPOKEN) return;
  spokenLast = now;
  byId("spoken").textContent = text;
}
