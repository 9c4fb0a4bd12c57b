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
from typing import TYPE_CHECKING, Any

from cutaway.errors import CutawayError
from cutaway.studio.wire import Inbox, Message, Outbox, own_output

if TYPE_CHECKING:
    from cutaway.learn.callbacks import Callback
    from cutaway.learn.job import Job


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

    told: dict[str, Any] = {"progress": False, "callbacks": _callbacks(job, inbox, outbox)}
    if "resume" in job:
        done = api.resume(Path(job["resume"]), **told)
    else:
        start = job["start"]
        model, data = start["model"] or start["data"], start["data"] if start["model"] else ""
        done = api.fit(model, data, out=start.get("out", ""), **told, **start.get("fields", {}))
    name, value = done.headline
    text = "it has ended."
    if value is not None:
        text = f"{done.summed_by} {figure(name, value)} on the test images.".strip()
    text += _range(done)
    return {"kind": "ended", "run": str(done.path), "text": text[:1].upper() + text[1:]}


def _range(done: "Job") -> str:
    """What the networks of a fleet came to, from the least to the greatest."""
    from cutaway.learn.fleet import Fleet
    from cutaway.learn.job import amount

    if not isinstance(done, Fleet):
        return ""
    name, _ = done.headline
    values = sorted(done.results["measures"][name]["values"])
    ends = [amount(name, value) for value in (values[0], values[-1])]
    return f" Each of the {len(values)} networks: {ends[0]} to {ends[1]}."


def _callbacks(job: Message, inbox: Inbox, outbox: Outbox) -> "list[Callback]":
    """Those that show the training that a job asks for: of one network, or of a fleet."""
    from cutaway.learn.fleet import Fleet
    from cutaway.learn.snapshots import Snapshots
    from cutaway.studio.following import Following
    from cutaway.studio.live import Live

    several = job.get("start", {}).get("fields", {}).get("replicates", 1) > 1
    if several or ("resume" in job and Fleet.is_at(job["resume"])):
        return [Following(inbox, outbox)]
    how = job.get("start", job)
    return [Snapshots(), Live(inbox, outbox, bool(how.get("paused")), how.get("pace", 0.0))]


if __name__ == "__main__":
    main()
