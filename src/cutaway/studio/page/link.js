const FIRST_WAIT = 500, LONGEST_WAIT = 5000;

/* The connection to the trainer, which comes back by itself. */
export class Link {
  constructor(token, { take, connected }) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.address = `${scheme}://${location.host}/live?token=${encodeURIComponent(token)}`;
    [this.take, this.connected, this.wait] = [take, connected, FIRST_WAIT];
    document.addEventListener("visibilitychange", () => document.hidden || this.socket || this.open());
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    const socket = this.socket = new WebSocket(this.address);
    socket.onopen = () => {
      this.wait = FIRST_WAIT;
      this.connected(true);
    };
    socket.onmessage = ({ data }) => this.take(JSON.parse(data));
    socket.onclose = () => this.lost();
  }

  lost() {
    this.socket = null;
    this.connected(false);
    this.timer = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
  }

  send(command) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(command));
  }
}

/* What the server answers to those who know the token. */
export async function fetchJson(path, token) {
  const answer = await fetch(path, { headers: { "X-Token": token } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}
