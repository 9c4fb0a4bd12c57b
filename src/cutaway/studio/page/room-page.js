import { button, fill, make } from "./dom.js";
import { readLines } from "./room-answer.js";
import { RoomPiece } from "./room-piece.js";

const TONES = { holds: "good", "holds with limits": "some", "does not hold": "bad" };

/* A room: text, pieces to try, and what the lab found beside them. */
export class RoomPage {
  constructor(node, room, rooms, headers, send) {
    this.send = send;
    [this.number, this.pieces, this.claims, this.headers] = [room.number, [], new Map(), headers];
    const heading = make("h1", { text: room.title, tabindex: "-1" });
    fill(node, this.ways(room, rooms, "Rooms"), make("p", { class: "brand", text: `Room ${room.number}` }), heading, make("p", { class: "lead", text: room.sentence }),
      ...room.sections.map((section) => this.section(room, section)), this.further(room), this.ways(room, rooms, "Rooms, below"));
    scrollTo(0, 0);
    heading.focus({ preventScroll: true });
    this.tellClaims(room.number);
  }

  leave() {
    for (const piece of this.pieces) piece.leave();
    this.reading?.abort();
  }

  ways({ number }, rooms, label) {
    const at = rooms.findIndex((one) => one.number === number);
    const link = (room, before, after) => room ? make("a", { href: `#room-${room.number}`, text: `${before}${room.title}${after}` }) : null;
    return make("nav", { class: "ways", "aria-label": label }, make("a", { href: "#", text: "The studio" }), link(rooms[at - 1], "← ", ""), link(rooms[at + 1], "", " →"));
  }

  section(room, { title, text, piece, claims }) {
    const shown = piece ? new RoomPiece(room.number, piece, this.headers) : null;
    if (shown) this.pieces.push(shown);
    const told = make("ul", { class: "claims" }, ...claims.map((number) => this.claim(number)));
    return make("section", { class: "part" }, make("h2", { text: title }), ...text.map((one) => make("p", { text: one })), shown?.node ?? null,
      claims.length ? make("h3", { text: "What the lab says" }) : null, claims.length ? told : null);
  }

  claim(number) {
    const node = make("li", {}, make("p", { class: "note", text: `Claim ${number} …` }));
    this.claims.set(number, node);
    return node;
  }

  async tellClaims(room) {
    this.reading = new AbortController();
    try {
      for await (const message of readLines(`/api/rooms/${room}/claims`, { headers: this.headers, signal: this.reading.signal }))
        for (const [number, one] of Object.entries(message.claims ?? {})) this.tell(number, one);
    } catch (error) {
      if (error.name === "AbortError") return;
      for (const [number, node] of this.claims) node.replaceChildren(make("p", { class: "note", text: `Claim ${number} could not be read.` }));
    }
  }

  tell(number, { says, verdict, scale, because, command }) {
    const badge = verdict ? make("span", { class: `verdict ${TONES[verdict] ?? ""}`, text: verdict }) : null;
    const found = verdict
      ? make("details", {}, make("summary", { text: `What was measured (${scale})` }), make("p", { class: "note", text: because }), make("p", { class: "note" }, "To repeat it: ", make("code", { text: command })))
      : make("div", { class: "actions" }, button("Test it", (event) => this.test(number, event.target), "small"), make("p", { class: "note", role: "status" }, "Not tested on this computer yet. By hand: ", make("code", { text: command })));
    this.claims.get(number)?.replaceChildren(...[make("p", {}, make("strong", { text: `${number} ` }), says, " ", badge ?? ""), found]);
  }

  /* The lab's quick experiment, which takes some seconds. */
  async test(number, pressed) {
    const told = pressed.nextElementSibling;
    pressed.disabled = true;
    told.textContent = "The experiment is being made …";
    try {
      for await (const { claims, error } of readLines(`/api/rooms/${this.number}/claims/${number}`, { method: "POST", headers: this.headers, signal: this.reading.signal })) {
        if (error) told.textContent = error;
        else this.tell(number, claims[number]);
      }
    } catch (error) {
      if (error.name !== "AbortError") told.textContent = "The connection to the studio was lost: try again.";
    }
    pressed.disabled = false;
  }

  further({ start }) {
    if (!start) return null;
    const [model, data] = start, begin = () => {
      location.hash = "";
      this.send({ start: { model, data, fields: {}, paused: true } });
    };
    return make("div", { class: "further" }, make("p", {}, "To go further, see ", make("strong", { text: model }), " learn ", make("strong", { text: data }), " in the studio."), button("Open it there", begin, "main"));
  }
}
