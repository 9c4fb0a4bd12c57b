"""The process that reads for the studio: `python -m cutaway.studio.reader RUN [RUN]`, or FLEET.

It takes the messages that `Live` takes, as far as networks that stand still can: what to look at,
a picture of one's own, the step whose weights are shown, which member of a fleet, and what the
network would answer with other weights. Runs that learn elsewhere are read again as their files
change.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cutaway.errors import CutawayError, UsageError
from cutaway.learn.fleet import Fleet
from cutaway.learn.interventions import (
    Change,
    Intervention,
    Lasting,
    change_of,
    interventions_of,
)
from cutaway.learn.run import Run
from cutaway.learn.snapshots import snapshots
from cutaway.studio.beside import side_by_side
from cutaway.studio.company import Company
from cutaway.studio.effect import effect, quality
from cutaway.studio.inside import Insides
from cutaway.studio.looking import Looking
from cutaway.studio.read_scene import ReadScene
from cutaway.studio.requests import look, take_all
from cutaway.studio.telling import about_run, progress, told
from cutaway.studio.views import View, views_of
from cutaway.studio.wire import Inbox, Message, Outbox, own_output

EVERY = 1.0
"""Seconds from one look at the files of a run that learns to the next."""


class Reader:
    """Shows a run from its files.

    Args:
        runs: it, and those that are read along with it.
        company: that they are looked at together with.
    """

    def __init__(
        self, runs: Sequence[Run], inbox: Inbox, outbox: Outbox, company: Company | None = None
    ):  # fmt: skip
        self.inbox, self.outbox = inbox, outbox
        self.scenes = [ReadScene(run, run.images(), company) for run in runs]
        self.looking = Looking(self.scene, outbox, self._views())
        self.insides = Insides(self.scene, outbox)
        self.seen = self._changed()

    @property
    def scene(self) -> ReadScene:
        """The first, of which frames tell how far it is."""
        return self.scenes[0]

    def go(self) -> None:
        """Answer until nobody asks any more."""
        self._say_begun()
        while not self.inbox.ended:
            take_all(self.inbox, self.outbox, self._take, EVERY)
            if self.seen != (seen := self._changed()):
                self.seen = seen
                self._read_again()
            self.looking.show(about(self.scene), now=True)

    def _changed(self) -> object:
        """What differs once files have changed."""
        return [scene.changed() for scene in self.scenes]

    def _read_again(self) -> None:
        for scene in self.scenes:
            scene.read()
        self._look_again()

    def _look_again(self) -> None:
        self.looking.turn(self.scene, self._views())
        self._say_begun()

    def _views(self) -> Mapping[str, View]:
        return views_of(self.scene)

    def _take(self, message: Message) -> None:
        if "show" in message:
            for scene in self.scenes:
                scene.show(message["show"])
            self.looking.renew()
            self._say_changes()
        elif "change" in message:
            self._suppose(change_of(message["change"]))
        elif message.get("undo"):
            if not self.scene.what_if.undo():
                raise UsageError("There is nothing to undo.")
            self._show_anew()
            self._say_changes()
        elif not look(message, self.looking, self.insides, self._begun):
            raise UsageError("This run is looked at from its files: it takes no steps.")

    def _suppose(self, change: Change) -> None:
        """Change the network that is shown; its run stays as it is."""
        before, what_if = quality(self.scene), self.scene.what_if
        what_if.add(self.scene.model, change, reached(self.scene)[1])
        self._show_anew()
        what_if.note(change, effect(before, quality(self.scene)))
        self._say_changes()

    def _show_anew(self) -> None:
        self.scene.show(self.scene.step)
        self.looking.renew()

    def _begun(self) -> Message:
        return begun(self.scene, self.looking.views)

    def _say_begun(self) -> None:
        self.outbox.say(self._begun())
        self._say_changes()

    def _say_changes(self) -> None:
        self.outbox.say(changed(self.scene))


class PairReader(Reader):
    """Shows two runs beside each other."""

    def __init__(self, runs: Sequence[Run], inbox: Inbox, outbox: Outbox):
        self.company = Company.of_runs([run.path for run in runs])
        super().__init__(runs, inbox, outbox, self.company)

    def _changed(self) -> object:
        return super()._changed(), self.company.changed()

    def _views(self) -> Mapping[str, View]:
        views = [views_of(scene) for scene in self.scenes]
        return side_by_side(views, self.scenes, self.company.names)

    def _take(self, message: Message) -> None:
        if "change" in message:
            raise UsageError("To change a network open its run alone, and not beside another.")
        super()._take(message)
        if "picture" in message:
            for scene in self.scenes[1:]:  # the first has it
                alike = scene.run.data.frame == self.scene.run.data.frame
                scene.own = self.scene.own if alike else None

    def _begun(self) -> Message:
        steps = {step for scene in self.scenes for step in snapshots(scene.run.path)}
        return super()._begun() | {
            "title": " beside ".join(self.company.names), "beside": True,
            "snapshots": sorted(steps), "steps": max(scene.last_step for scene in self.scenes),
        }  # fmt: skip

    def _say_changes(self) -> None:
        found = told([], Lasting())  # which units are held is told in words, of both
        for scene, name in zip(self.scenes, self.company.names, strict=True):
            own = changed(scene)["interventions"]
            found["interventions"] += [one | {"text": f"{name}: {one['text']}"} for one in own]
        found["interventions"].sort(key=lambda one: one["step"])
        self.outbox.say(found)


class FleetReader(Reader):
    """Shows a fleet: the curves of all, and one of its members.

    Args:
        company: the members, of which one at least has begun.
    """

    def __init__(self, fleet: Fleet, company: Company, inbox: Inbox, outbox: Outbox):
        self.fleet, self.company, self.member = fleet, company, company.begun()[0]
        super().__init__([Run(fleet.place(self.member))], inbox, outbox, company)

    def _changed(self) -> object:
        return super()._changed(), self.company.changed(), self.company.begun()

    def _take(self, message: Message) -> None:
        if "member" not in message:
            super()._take(message)
        elif message["member"] in self.company.begun():
            self.member = message["member"]
            run, own = Run(self.fleet.place(self.member)), self.scene.own
            self.scenes = [ReadScene(run, self.scene.images, self.company)]
            self.scene.own = own
            self.insides = Insides(self.scene, self.outbox)
            self._look_again()

    def _begun(self) -> Message:
        members = [[k, self.company.names[k]] for k in self.company.begun()]
        title = f"{self.fleet.title}, {len(self.fleet)} networks"
        return super()._begun() | {"title": title, "members": members, "member": self.member}


def reader(paths: Sequence[Path], inbox: Inbox, outbox: Outbox) -> Reader:
    """A reader of what is at these paths: a run, two of them, or a fleet."""
    if not Fleet.is_at(paths[0]):
        runs = [Run(path) for path in paths]
        return (PairReader if len(runs) > 1 else Reader)(runs, inbox, outbox)
    fleet = Fleet(paths[0])
    company = Company.of_fleet(fleet)
    if not company.begun():
        raise UsageError(
            f"No member of {fleet.path} has begun yet: go on with it, cutaway resume {fleet.path}"
        )
    return FleetReader(fleet, company, inbox, outbox)


def about(scene: ReadScene) -> dict[str, Any]:
    """What a frame says beside its figures."""
    rows = scene.rows
    return progress(scene.step, rows, scene.run.done[1]) | {
        "lr": rows[-1].get("lr", 0.0) if rows else 0.0, "rate": 0.0,
    }  # fmt: skip


def reached(scene: ReadScene) -> tuple[Sequence[Intervention], Lasting]:
    """What somebody changed while a run learned, up to the step that is shown, and what lasts."""
    made = [one for one in interventions_of(scene.run.path) if one.step <= scene.step]
    lasting = Lasting()
    for one in made:
        one.change.remember(lasting)
    return made, lasting


def changed(scene: ReadScene) -> Message:
    """The same as pages are told, and what is supposed."""
    made, lasting = reached(scene)
    supposed = scene.what_if
    found = told(made, supposed.lasting(lasting), bool(supposed.changes))
    found["interventions"] += supposed.told(scene.step)
    return found


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
        reader([Path(one) for one in sys.argv[1:]], inbox, outbox).go()
    except CutawayError as error:
        outbox.say({"kind": "state", "state": "failed", "text": str(error)})
    finally:
        outbox.close()


if __name__ == "__main__":
    main()
