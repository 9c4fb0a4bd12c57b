import { choice } from "./dom.js";

/* Which network of a fleet is shown beside the curves of all. */
export class Members {
  constructor(node, send) {
    [this.node, this.send] = [node, send];
  }

  begin({ members = [], member = null }) {
    this.node.hidden = !members.length;
    if (JSON.stringify(members) !== this.known) {
      this.known = JSON.stringify(members);
      this.choice = choice("Network shown", members, member, (picked) => this.send({ member: picked }));
      this.node.replaceChildren(this.choice.node);
    }
    this.choice.value = member;
  }
}
