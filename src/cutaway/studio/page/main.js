import { byId, make } from "./dom.js";
import { Rooms } from "./room-list.js";
import { Replay } from "./replay.js";
import { Studio } from "./studio.js";

const recording = byId("recording"), able = "popover" in HTMLElement.prototype && "groupBy" in Object;
if (!able) byId("main").replaceChildren(make("p", { class: "told-big", text: "This browser is too old for the studio: it needs one of 2024 or later." }));
else if (recording) new Replay(JSON.parse(recording.textContent));
else {
  const { send } = new Studio();
  new Rooms(new URLSearchParams(location.search).get("token") ?? "", send);
}
