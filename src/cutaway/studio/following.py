"""The callback that shows a fleet while its members learn, from the files that they write."""

import os
import signal
import threading
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from cutaway.errors import CutawayError, UsageError
from cutaway.learn.callbacks import Callback
from cutaway.learn.fleet import Fleet
from cutaway.learn.tasks import make_task
from cutaway.studio.company import Company
from cutaway.studio.requests import take_all
from cutaway.studio.telling import measures
from cutaway.studio.views.fan import Fan
from cutaway.studio.wire import Inbox, Message, Outbox

EVERY = 1.0
"""Seconds from one look at the files to the next."""


class Following(Callback):
    """Looks at a fleet in a thread of its own; its members may learn in other processes."""

    in_members = False

    def __init__(self, inbox: Inbox, outbox: Outbox):
        self.inbox, self.outbox = inbox, outbox
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._looked = False

    def on_fleet_begin(self, fleet: Fleet, why: str) -> None:
        self._thread = threading.Thread(target=self._follow, args=(fleet,), daemon=True)
        self._thread.start()

    def on_fleet_end(self, fleet: Fleet) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def on_note(self, text: str) -> None:
        self.outbox.say({"kind": "said", "text": text, "tone": "note"})

    def _follow(self, fleet: Fleet) -> None:
        company = Company.of_fleet(fleet)
        self.outbox.say(about_fleet(fleet))
        self.outbox.say({"kind": "state", "state": "training", "run": str(fleet.path)})
        seen: object = None
        while not self._over.is_set():
            take_all(self.inbox, self.outbox, self._take, EVERY)
            now = company.changed(), company.ended(), self._looked
            if now == seen:
                continue
            seen = now
            try:
                self.outbox.offer(frame(fleet, company, self._looked))
            except CutawayError as error:
                self.outbox.say({"kind": "said", "text": str(error), "tone": "note"})

    def _take(self, message: Message) -> None:
        if "look" in message:
            self._looked = Fan.name in message["look"]
        elif message.get("do") == "stop":
            os.kill(os.getpid(), signal.SIGINT)
        elif "drawn" not in message:
            raise UsageError(
                "The networks of a fleet learn together: it can be stopped, and each of its "
                "networks looked into once it has ended."
            )


def about_fleet(fleet: Fleet) -> Message:
    """What a page needs to know of a fleet that learns."""
    recipe = fleet.recipe
    return {
        "kind": "begun", "title": f"{fleet.title}, {len(fleet)} networks", "task": recipe.task,
        "model": recipe.model, "data": recipe.data, "lr": recipe.lr, "run": str(fleet.path),
        "classes": [], "images": 0, "shape": [], "pictures": False, "fleet": True,
        "measures": measures(make_task(recipe.in_stages()[-1])), "views": [Fan().told({}, {})],
        "epochs": recipe.epochs, "steps": recipe.epochs * len(fleet), "steps_per_epoch": 0,
        "batch": 0, "dropout": False, "snapshots": [],
    }  # fmt: skip


def frame(fleet: Fleet, company: Company, looked: bool) -> Message:
    """How far a fleet is, and its fan of curves where somebody looks at it."""
    rows = [company.rows(k) for k in range(len(fleet))]
    last = [one[-1] for one in rows if one]
    done = sum(map(len, rows))
    every = fleet.recipe.epochs * len(fleet)
    told = f"{done} of {every} epochs, {company.ended()} of {len(fleet)} networks have ended"
    figures = {Fan.name: [one.to_dict() for one in company.figures()]} if looked else {}
    return {
        "kind": "frame", "step": done, "epoch": done // len(fleet), "epochs": fleet.recipe.epochs,
        "metrics": means(last), "lr": fleet.recipe.lr, "rate": 0.0, "told": told,
        "figures": figures,
    }  # fmt: skip


def means(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The means of validation's figures over the last epoch of each network."""
    names = [name for name in rows[0] if name.startswith("val_")] if rows else []
    return {
        name: mean(row[name] for row in rows)
        for name in names if all(row.get(name) is not None for row in rows)
    }  # fmt: skip
