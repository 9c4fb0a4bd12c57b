import { byId, make, say } from "./dom.js";
import { fetchJson } from "./link.js";
import { RoomPage } from "./room-page.js";

/* The rooms: cards beside the trainings to choose from, and the one that the address names, #room-3. */
export class Rooms {
  constructor(token, send) {
    this.send = send;
    this.ask = (path) => fetchJson(path, token);
    this.headers = { "X-Token": token, "Content-Type": "application/json" };
    [this.list, this.node, this.page] = [byId("rooms"), byId("room"), null];
    addEventListener("hashchange", () => this.follow());
    this.fill();
    this.follow();
  }

  async fill() {
    const { rooms } = await this.ask("/api/rooms");
    this.list.replaceChildren(make("h2", { text: "Eight rooms" }),
      make("p", { class: "note", text: "One for each chapter of the course, about five minutes each: guess first, then see it computed." }),
      make("ol", { class: "room-cards" }, ...rooms.map((room) => this.card(room))));
  }

  card({ number, title, sentence }) {
    return make("li", {}, make("a", { href: `#room-${number}` },
      make("span", { class: "number", text: String(number), "aria-hidden": "true" }), make("strong", { text: title }), make("span", { text: sentence })));
  }

  async follow() {
    const number = Number(/^#room-(\d+)$/.exec(location.hash)?.[1] ?? 0);
    this.page?.leave();
    this.page = null;
    document.body.classList.toggle("in-room", number > 0);
    this.node.hidden = !number;
    this.node.replaceChildren();
    if (!number) return this.back();
    this.title ||= document.title;
    try {
      const [room, { rooms }] = await Promise.all([this.ask(`/api/rooms/${number}`), this.ask("/api/rooms")]);
      if (location.hash !== `#room-${number}`) return;
      this.page = new RoomPage(this.node, room, rooms, this.headers, this.send);
      document.title = `${room.title} · Cutaway studio`;
    } catch {
      this.node.replaceChildren(make("p", { class: "empty", text: "This room could not be opened." }), make("a", { href: "#", text: "Back to the studio" }));
    }
  }

  back() {
    if (this.title) say(document.querySelector("title"), this.title);
    this.title = "";
  }
}
