"""The process that reads a run for the studio: `python -m cutaway.studio.reader RUN`.

It takes the messages that `Live` takes, as far as a network that stands still can: what to look at,
a picture of one's own, and the step whose weights are shown. A run that learns elsewhere is read
again as its files change.
"""

import sys
from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any

from cutaway.errors import CutawayError, UsageError
from cutaway.learn.interventions import Lasting, interventions_of
from cutaway.learn.run import Run
from cutaway.learn.snapshots import snapshots
from cutaway.studio.inside import Insides
from cutaway.studio.looking import Looking
from cutaway.studio.read_scene import ReadScene
from cutaway.studio.requests import look, take_all
from cutaway.studio.telling import about_run, progress, told
from cutaway.studio.views import View
from cutaway.studio.wire import Inbox, Message, Outbox, own_output

EVERY = 1.0
"""Seconds from one look at the files of a run that learns to the next."""


class Reader:
    """Shows a run from its files."""

    def __init__(self, path: Path, inbox: Inbox, outbox: Outbox):
        self.run, self.inbox, self.outbox = Run(path), inbox, outbox
        self.scene = ReadScene(self.run, self.run.images())
        self.looking = Looking(self.scene, outbox)
        self.insides = Insides(self.scene, outbox)
        self.seen: object = self.scene.changed()

    def go(self) -> None:
        """Answer until nobody asks any more."""
        self._say_begun()
        self._say_changes()
        while not self.inbox.ended:
            take_all(self.inbox, self.outbox, self._take, EVERY)
            if not self.run.finished or self.seen != self.scene.changed():
                self._read_again()
            self.looking.show(about(self.scene), now=True)

    def _read_again(self) -> None:
        seen = self.scene.changed()
        if seen != self.seen:
            self.seen = seen
            self.scene.read()
            self.looking.renew()
            self._say_begun()
            self._say_changes()

    def _take(self, message: Message) -> None:
        if "show" in message:
            self.scene.show(message["show"])
            self._say_changes()
        elif not look(message, self.looking, self.insides, self._begun):
            raise UsageError("This run is looked at from its files, and takes no changes.")

    def _begun(self) -> Message:
        return begun(self.scene, self.looking.views)

    def _say_begun(self) -> None:
        self.outbox.say(self._begun())

    def _say_changes(self) -> None:
        self.outbox.say(changed(self.run.path, self.scene.step))


def about(scene: ReadScene) -> dict[str, Any]:
    """What a frame says beside its figures."""
    rows = scene.rows
    return progress(scene.step, rows, scene.run.done[1]) | {
        "lr": rows[-1].get("lr", 0.0) if rows else 0.0, "rate": 0.0,
    }  # fmt: skip


def changed(path: Path, step: float = inf) -> Message:
    """What somebody changed while the run at a path learned, up to a step."""
    made = [one for one in interventions_of(path) if one.step <= step]
    lasting = Lasting()
    for one in made:
        one.change.remember(lasting)
    return told(made, lasting)


def begun(scene: ReadScene, views: Mapping[str, View]) -> Message:
    """What a page needs to know of a run."""
    return about_run(scene, views) | {
        "epochs": scene.run.done[1], "steps": scene.last_step, "steps_per_epoch": 0,
        "batch": 0, "dropout": False, "snapshots": sorted(snapshots(scene.run.path)),
    }  # fmt: skip


def main() -> None:
    outbox = Outbox(own_output())
    inbox = Inbox(sys.stdin)
    try:
        outbox.say({"kind": "state", "state": "reading", "run": sys.argv[1]})
        Reader(Path(sys.argv[1]), inbox, outbox).go()
    except CutawayError as error:
        outbox.say({"kind": "state", "state": "failed", "text": str(error)})
    finally:
        outbox.close()


if __name__ == "__main__":
    main()
