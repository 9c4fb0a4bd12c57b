"""The process that trains for the studio: `python -m cutaway.studio.trainer`.

Its first line of input is the job: `{"start": {"model", "data", "fields", "paused", "out"}}`, or
`{"resume": "runs/digits-1"}`. What follows are messages to `Live`. It ends with its training, and
where nobody writes to it any more it stops the training at a checkpoint, as Ctrl-C does.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from cutaway.errors import CutawayError
from cutaway.studio.wire import Inbox, Message, Outbox, own_output


def main() -> None:
    outbox = Outbox(own_output())
    job: Message = json.loads(sys.stdin.readline())
    inbox = Inbox(sys.stdin, on_end=lambda: os.kill(os.getpid(), signal.SIGINT))
    try:
        outbox.say(_carried_out(job, inbox, outbox))
    except CutawayError as error:
        stopped = error.exit_code == 130
        state = "stopped" if stopped else "failed"
        outbox.say({"kind": "state", "state": state, "text": str(error)})
    except KeyboardInterrupt:
        outbox.say({"kind": "state", "state": "stopped", "text": "Stopped before it began."})
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the training has ended already
        outbox.close()


def _carried_out(job: Message, inbox: Inbox, outbox: Outbox) -> Message:
    """Train to the end; what is to be said of it."""
    from cutaway import api
    from cutaway.learn.job import figure
    from cutaway.learn.snapshots import Snapshots
    from cutaway.studio.live import Live

    told: dict[str, Any] = {"progress": False}
    if "resume" in job:
        live = Live(inbox, outbox, paused=bool(job.get("paused")))
        run = api.resume(Path(job["resume"]), callbacks=[Snapshots(), live], **told)
    else:
        start = job["start"]
        live = Live(inbox, outbox, paused=bool(start.get("paused")))
        model, data = start["model"] or start["data"], start["data"] if start["model"] else ""
        run = api.fit(
            model, data, out=start.get("out", ""), callbacks=[Snapshots(), live], **told,
            **start.get("fields", {}),
        )  # fmt: skip
    name, value = run.headline
    text = f"{figure(name, value)} on the test images." if value is not None else "It has ended."
    return {"kind": "ended", "run": str(run.path), "text": text[:1].upper() + text[1:]}


if __name__ == "__main__":
    main()
