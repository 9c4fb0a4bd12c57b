import { byId } from "./dom.js";
import { Rooms } from "./room-list.js";
import { Replay } from "./replay.js";
import { Studio } from "./studio.js";

const recording = byId("recording");
if (recording) new Replay(JSON.parse(recording.textContent));
else {
  new Studio();
  new Rooms(new URLSearchParams(location.search).get("token") ?? "");
}
