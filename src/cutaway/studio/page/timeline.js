import { button, calm, make, say } from "./dom.js";

/* A slider over moments with a button that plays them. `show(i)` shows one; `words(i)` names it. */
export class Timeline {
  constructor({ label, words, show, rate }) {
    [this.words, this.show, this.rate, this.count] = [words, show, rate, 0];
    this.told = make("output");
    this.input = make("input", { type: "range", min: 0, value: 0, "aria-label": label, oninput: () => this.picked() });
    this.button = button("Play", () => this.timer ? this.pause() : this.play(), "main");
    this.node = make("div", { class: "timeline" }, this.button, this.input, this.told);
  }

  resize(count) {
    this.count = count;
    this.input.max = count - 1;
  }

  go(i) {
    this.input.value = i;
    const text = this.words(i);
    say(this.told, text);
    this.input.setAttribute("aria-valuetext", text);
    this.show(i);
  }

  picked() {
    this.pause();
    this.go(Number(this.input.value));
  }

  play() {
    if (Number(this.input.value) >= this.count - 1) this.go(0);
    say(this.button, "Pause");
    this.timer = setInterval(() => this.next(), 1000 / (calm() ? Math.min(2, this.rate) : this.rate));
  }

  next() {
    if (document.hidden) return;
    const i = Number(this.input.value) + 1;
    if (i < this.count) this.go(i);
    if (i >= this.count - 1) this.pause();
  }

  pause() {
    clearInterval(this.timer);
    this.timer = 0;
    say(this.button, "Play");
  }
}
