"""What runs on a node of Ray: a program, its folder, and the files that it reads.

Text, numbers and bytes come here and go home, and nothing else.
"""

import getpass
import os
import shutil
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, cast

from cutaway.files import locked, temporary_folder
from cutaway.processes import Gone, Program, processor
from cutaway.version import __version__
from cutaway.workplaces import transfer
from cutaway.workplaces.transfer import Changes, Files
from cutaway.workplaces.work import Work

Shipped = tuple[str, str, Sequence[Any]]
"""A file that workers read: a digest of its content, its name, references to its pieces."""


def about_here() -> dict[str, str]:
    """What results may depend on: the versions of what computes, and the processor."""
    return {
        "cutaway": __version__,
        "torch": version("torch"),
        "python": ".".join(python_version().split(".")[:2]),
        "processor": processor(),
    }


class Node:
    """A program on a node, in a folder of its own; made by Ray as an actor.

    Args:
        work: the fields of a `Work` as plain values, without its folder and its files.
        begun: what lies in the folder first; None where it has none.
        shipped: the files that it reads.
        archives: those that are unpacked, by the variable that names the folder.
    """

    def __init__(
        self,
        work: Mapping[str, Any],
        begun: Files | None,
        shipped: Sequence[Shipped],
        archives: Mapping[str, Shipped],
    ) -> None:
        self._stack = ExitStack()
        base = Path(tempfile.gettempdir()) / f"cutaway-{getpass.getuser()}"
        self._own = self._stack.enter_context(temporary_folder(base))
        self._folder = self._own / "folder"
        self._changes, self._about = Changes(self._folder), ""
        self._folder.mkdir()
        transfer.write(self._folder, begun or [])
        files = [_received(self._own, one) for one in shipped]
        order = Work(module=work["module"], words=tuple(work["words"]))
        command = order.command(None if begun is None else self._folder, files)
        folders = {name: _unpacked(self._own, one) for name, one in archives.items()}
        environment = {**os.environ, **folders, **work["environment"]}
        self._program = Program(*command, environment=environment, start_new_session=True)
        self._said: SimpleQueue[Any] = SimpleQueue()
        Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        try:
            while True:
                self._said.put({"answer": self._program.heard()})
        except Gone as gone:
            self._said.put({"gone": str(gone)})

    def ready(self) -> dict[str, str]:
        """What it is; called to know that it has been made."""
        return about_here()

    def ask(self, question: Any, about: str, files: Files) -> None:
        """Begin with a question, to whose part of the folder these files belong."""
        if self._about:
            shutil.rmtree(self._folder / self._about, ignore_errors=True)
        transfer.write(self._folder, files, about)
        self._changes.known(name for name, _ in files)
        self._about = about
        with suppress(Gone):  # which `news` tells
            self._program.tell(question)

    def news(self, seconds: float) -> tuple[dict[str, Any], Files]:
        """What it says, waited for so long, and what it has written by then."""
        said: dict[str, Any] = {}
        with suppress(Empty):
            said = self._said.get(timeout=seconds)
        return said, self._changes.news(self._about) if self._about else []

    def stop(self) -> None:
        """Ask the program to end at a good moment."""
        self._program.stop()

    def kill(self) -> None:
        """End the program at once."""
        self._program.kill()

    def close(self) -> None:
        """End the program, and leave nothing here."""
        self._program.finish()
        self._stack.close()


def _unpacked(own: Path, shipped: Shipped) -> str:
    """The folder of what an archive from home holds."""
    folder = own / "unpacked" / shipped[0]
    with tarfile.open(_received(own, shipped)) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(folder)
    return str(folder)


def _received(own: Path, shipped: Shipped) -> Path:
    """A file from home; that of another worker on this node where one has it."""
    key, name, pieces = shipped
    path = own / "files" / key / name
    path.parent.mkdir(parents=True)
    with locked(own.parent):
        for other in own.parent.glob(f".*/files/{key}/{name}"):
            with suppress(OSError):  # its worker has just ended
                os.link(other, path)
                return path
        import ray

        partial = path.with_suffix(".part")
        with open(partial, "wb") as file:
            for piece in pieces:
                file.write(cast(bytes, ray.get(piece)))
        os.rename(partial, path)
    return path
