"""The middle of the studio: one training or run, and those who look at it.

A process trains or reads; what it says goes to every page that looks. One page owns the training:
what it asks for is done, and the others watch.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cutaway.data.frame import Frame
from cutaway.errors import CutawayError, UsageError
from cutaway.learn.card import DataCard
from cutaway.learn.kinds import open_job
from cutaway.learn.run import Run
from cutaway.studio.earlier import goes_on, named
from cutaway.studio.offers import checked_start
from cutaway.studio.pictures import framed
from cutaway.studio.wire import Message

LINE = 1 << 27
"""Bytes of a message of the process, at most."""
WAITING = 4
"""Frames that wait for a slow page; older ones are left out."""
GRACE = 20.0
"""Seconds that a training has to write its checkpoint."""
ENDED = ("choosing", "ended", "failed", "stopped", "reading")


class Viewer:
    """A page that looks.

    Attributes:
        look: the views on its screen, with their options.
        sent, drawn: the number of the last frame that it was sent, and that it has drawn; those
            that only tell how far a training is have none.
    """

    def __init__(self) -> None:
        self.look: Mapping[str, Any] = {}
        self.sent = self.drawn = 0
        self._queue: asyncio.Queue[Message] = asyncio.Queue()
        self._frames = 0

    def send(self, message: Message) -> None:
        """Send a message; a frame is left out where too many wait."""
        if message["kind"] == "frame":
            if self._frames >= WAITING:
                return
            self._frames += 1
            self.sent = message.get("number", self.sent)
            figures = {k: v for k, v in message["figures"].items() if k in self.look}
            message = message | {"figures": figures}
        self._queue.put_nowait(message)

    async def next(self) -> Message:
        message = await self._queue.get()
        self._frames -= message["kind"] == "frame"
        return message


class Hub:
    """What the studio is doing.

    Args:
        data: names of data that pages may choose beside those of the catalogue.

    Attributes:
        owner: the page whose words count.
        state: what it last told of itself.
        process: that trains or reads; None where none does.
    """

    def __init__(self, data: tuple[str, ...] = ()):
        self.data = data
        self.viewers: list[Viewer] = []
        self.owner: Viewer | None = None
        self.state: Message = {"kind": "state", "state": "choosing", "run": "", "text": ""}
        self._kept: dict[str, Message] = {}
        self._figures: dict[str, Any] = {}
        self.process: asyncio.subprocess.Process | None = None
        self._hearing: asyncio.Task[None] | None = None

    # Those who look

    def enter(self) -> Viewer:
        """A page comes, and is told how things stand."""
        viewer = Viewer()
        self.viewers.append(viewer)
        self.owner = self.owner or viewer
        for kind in ("begun", "changed", "ended"):
            if kind in self._kept:
                viewer.send(self._kept[kind])
        self._tell_states()
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """A page has gone; another one takes over what it owned."""
        self.viewers.remove(viewer)
        if self.owner is viewer:
            self.owner = self.viewers[0] if self.viewers else None
        self._tell_looks()
        self._tell_states()

    async def take(self, viewer: Viewer, message: Mapping[str, Any]) -> None:
        """Do what a page says, or tell it why not."""
        try:
            await self._take(viewer, message)
        except CutawayError as error:
            viewer.send({"kind": "said", "text": str(error), "tone": "error"})

    async def _take(self, viewer: Viewer, message: Mapping[str, Any]) -> None:
        if "look" in message:
            before, viewer.look = viewer.look, message["look"]
            if not isinstance(viewer.look, Mapping):
                viewer.look = {}
            self._tell_looks()
            new = {k: v for k, v in self._figures.items() if k in viewer.look.keys() - before}
            if new and (last := self._kept.get("frame")):
                viewer.send(last | {"figures": new})
        elif "drawn" in message:
            viewer.drawn = message["drawn"]
            if all(one.drawn == one.sent for one in self.viewers):
                self._tell({"drawn": max(one.sent for one in self.viewers)})
        elif message.get("own"):
            self.owner = viewer
            self._tell_states()
        elif viewer is not self.owner:
            raise UsageError("Someone else controls this training: take control first.")
        elif "start" in message:
            await self.start({"start": checked_start(message["start"], self.data)})
        elif message.get("close"):
            await self.close()
        elif "open" in message:
            self._expect_rest()
            await self.open(await asyncio.to_thread(named, message["open"]))
        elif message.get("resume") and self.state["state"] in ("stopped", "failed"):
            await self.start({"resume": self.state["run"]})
        elif "picture" in message:
            picture = message["picture"]
            found = None if picture is None else await asyncio.to_thread(self._framed, picture)
            self._tell({"picture": found})
        elif message.keys() & {"do", "change", "undo", "ask", "show", "inside", "pace", "member"}:
            self._tell(dict(message))

    def _framed(self, content: Any) -> dict[str, Any]:
        if not self.state["run"]:
            raise UsageError("A picture is looked at once the training has begun.")
        run = self._kept.get("begun", self.state)["run"]  # of a fleet the member that is shown
        frame: Frame = DataCard.read(Path(run) / "data.json").frame
        return framed(str(content), frame)

    def _tell_states(self) -> None:
        for viewer in self.viewers:
            owns = {"owner": viewer is self.owner, "viewers": len(self.viewers)}
            viewer.send(self.state | owns)

    def _tell_looks(self) -> None:
        """Tell the process what is on any screen; of options the owner's count."""
        looks: dict[str, Any] = {}
        for viewer in sorted(self.viewers, key=lambda one: one is self.owner):
            looks |= viewer.look
        self._tell({"look": looks})

    # The process

    async def open(self, path: Path, beside: Path | None = None) -> None:
        """Look at a run or a fleet: go on with it where it has not ended and nobody trains it.

        Args:
            beside: another run; both are read from their files.
        """
        going_on = beside is None and goes_on(open_job(path))
        others = [] if beside is None else [Run(beside).path]
        await (self.start({"resume": str(path)}) if going_on else self.read(path, *others))

    async def read(self, *paths: Path) -> None:
        """Look at a run or a fleet from its files, or at two runs."""
        await self._begin(["cutaway.studio.reader", *map(str, paths)], {})
        self._set_state("reading", str(paths[0]))

    async def start(self, job: Message) -> None:
        """Train; raises UsageError while another training is at work."""
        self._expect_rest()
        await self._begin(["cutaway.studio.trainer"], job)
        self._set_state("starting", job.get("resume", ""))

    def _expect_rest(self) -> None:
        if self.state["state"] not in ENDED:
            raise UsageError("A training is at work: stop it first.")

    async def close(self) -> None:
        """End what is going on, a training with a checkpoint, and be ready for another."""
        await self._stop()
        self._kept, self._figures = {}, {}
        self._set_state("choosing", "")

    async def _begin(self, words: list[str], job: Message, keep: bool = False) -> None:
        """Let a process train, or read.

        Args:
            keep: whether it goes on with what pages have seen.
        """
        await self._stop()
        if not keep:
            self._kept, self._figures = {}, {}
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *words, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, limit=LINE, start_new_session=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
        if job:
            self._tell(job)
        self._hearing = asyncio.create_task(self._hear(self.process))
        self._tell_looks()

    async def _stop(self) -> None:
        """Let the process end by itself, and see that it does."""
        process, self.process = self.process, None
        if process is None:
            return
        with suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), GRACE)
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if self._hearing is not None:
            await self._hearing

    def _tell(self, message: Message) -> None:
        """Send the process a message, where there is one."""
        if self.process is not None and self.process.stdin is not None:
            with suppress(OSError, RuntimeError):
                self.process.stdin.write(json.dumps(message).encode() + b"\n")

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        """Hand on what the process says, until it ends."""
        assert process.stdout is not None
        async for line in process.stdout:
            self._hand_on(json.loads(line))
        code = await process.wait()
        if self.process is process:
            self.process = None
            if self.state["state"] == "ended":
                await self._begin(["cutaway.studio.reader", self.state["run"]], {}, keep=True)
            elif self.state["state"] not in ENDED:
                text = f"The training has ended before its time (code {code}). Go on from its last "
                text += "checkpoint, or begin another."
                self._set_state("failed", self.state["run"], text)

    def _hand_on(self, message: Message) -> None:
        kind = message["kind"]
        if kind == "state" and (self.state["state"], message["state"]) == ("ended", "reading"):
            return  # what has ended is read from here on
        if kind == "state":
            run, text = str(message.get("run", self.state["run"])), str(message.get("text", ""))
            self._set_state(message["state"], run, text)
            return
        if kind == "frame":
            self._figures |= message["figures"]
        if kind not in ("said", "inside"):
            self._kept[kind] = message
        for viewer in self.viewers:
            viewer.send(message)
        if kind == "ended":
            self._set_state("ended", message["run"], message["text"])

    def _set_state(self, state: str, run: str, text: str = "") -> None:
        self.state = {"kind": "state", "state": state, "run": run, "text": text}
        self._tell_states()
