"""Work for other processes, those who do it, and where they are."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Work:
    """A program that reads questions and writes answers, a line of JSON each.

    It is called as `python -m module [folder] words... files...`, with paths as they are where it
    runs. Nobody has to share a disk with it: what it needs is named here.

    Attributes:
        folder: what it works in. What it writes there, below the part that a question is about,
            comes home as it appears.
        begins_with: names in the folder that it reads first.
        files: what it reads beside, the same for all workers, such as images.
        unpacked: archives (tar) that are unpacked where there is another disk, each into a folder
            that a variable of the environment names.
        environment: variables that it has beside those of its place.
    """

    module: str
    words: tuple[str, ...] = ()
    folder: Path | None = None
    begins_with: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    unpacked: Mapping[str, Path] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, folder: Path | None, files: Sequence[Path]) -> list[str]:
        """The words after `python -m`, for a place that has folder and files by other names."""
        own = [] if folder is None else [str(folder)]
        return [self.module, *own, *self.words, *map(str, files)]


class Question(NamedTuple):
    """What a worker is asked.

    Attributes:
        asked: plain values, for JSON.
        about: the part of the work's folder that it reads and writes; none where it has none.
    """

    asked: Any
    about: str = ""


class Worker(ABC):
    """A process that works on one question at a time."""

    @abstractmethod
    def ready(self) -> None:
        """Wait until it has a place. Raises Gone where it never will."""

    @abstractmethod
    def ask(self, question: Question) -> Any:
        """The answer, once what was written on the way to it is in the work's folder.

        Raises:
            Gone: its process died.
            Lost: the computer did that it was on.
        """

    @abstractmethod
    def stop(self) -> None:
        """Ask it to end at a good moment, with an answer."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once, and release whoever waits for it."""

    @abstractmethod
    def close(self) -> None:
        """End it, and remove what it had to itself."""


class Workplace(ABC):
    """Where workers are.

    Attributes:
        apart: whether it has other disks and processors than this computer.
        cpus: of each worker; 0 where the work decides.
        notes: what is to be known of it.
    """

    apart: bool
    cpus: int
    notes: Sequence[str] = ()

    @abstractmethod
    def __str__(self) -> str:
        """Where it is, to follow 'on': `this computer`, `3 nodes of Ray`."""

    @abstractmethod
    def slots(self, threads: int) -> int:
        """Number of workers of so many threads that it holds at a time, at least one."""

    @abstractmethod
    def hire(self, work: Work) -> Worker:
        """A new worker."""
