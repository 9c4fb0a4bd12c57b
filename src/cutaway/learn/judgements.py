"""People's judgements of a run's images, real or drawn: kept answer by answer, and counted.

`judgements.jsonl` in a run's folder has one JSON object a line: a sitting begins, answers, ends.
Lines are only ever added, each of them synced before it is acknowledged.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from cutaway.errors import RunError, UsageError
from cutaway.files import locked, writing
from cutaway.learn.stats import Estimate, share

Kind = Literal["real", "drawn", "scrambled"]
"""What an image is; the scrambled ones are checks, and no answer to them counts."""
FILE = "judgements.jsonl"
FIGURES = {"mnist": 52.4, "cifar10": 78.7}
"""Share of right answers (%) in Salimans et al. 2016, as the textbook's 4.5.2 has it, by data."""
GUESSING = 50.0
FEWEST = 20
"""Answers after which a sitting may end before its last image."""
CHECKED, MINORITY = 5 / 6, 0.05
"""The share of checks that has to be seen through, and that the rarer of both answers has to have:
whoever presses one key, or any key, has not looked."""


@dataclass(frozen=True)
class Answer:
    """One answer of a visitor.

    Attributes:
        position: of the image in the sitting, from 0.
        image: its name among the real images, or its number among the drawn.
        real: whether the visitor took it for a real one.
        ms: milliseconds that it took, where the page said so.
    """

    position: int
    kind: Kind
    image: str
    real: bool
    ms: int | None = None

    @property
    def right(self) -> bool:
        return self.real == (self.kind == "real")


@dataclass
class Sitting:
    """The answers of one visitor, to images of their own.

    Attributes:
        data: the name of the data that the real images are of.
        seed, images, checks: which images, how many, and how many scrambled ones besides.
        feedback: whether the visitor was told after each answer whether it was right.
        ended: whether the result was shown, after which no answer is taken.
    """

    session: str
    data: str
    seed: int
    images: int
    checks: int
    feedback: bool = False
    answers: list[Answer] = field(default_factory=list)
    ended: bool = False

    @property
    def total(self) -> int:
        return self.images + self.checks

    @property
    def judged(self) -> list[Answer]:
        """The answers that are counted: those to real and to drawn images."""
        return [one for one in self.answers if one.kind != "scrambled"]

    @property
    def seen_through(self) -> tuple[int, int]:
        """Of how many scrambled images the visitor saw that they are not real, of how many."""
        checks = [one for one in self.answers if one.kind == "scrambled"]
        return sum(one.right for one in checks), len(checks)

    @property
    def looked(self) -> bool:
        """Whether somebody looked: the checks are seen through, and both answers were given."""
        seen, shown = self.seen_through
        real, n = sum(one.real for one in self.judged), len(self.judged)
        return shown > 0 and seen >= CHECKED * shown and min(real, n - real) >= max(1, MINORITY * n)

    @property
    def right(self) -> Estimate:
        """The share of right answers (0 to 1), with an interval for this visitor's answers."""
        return share(np.array([one.right for one in self.judged], np.float64))


def counted(sittings: Iterable[Sitting]) -> list[Sitting]:
    """Sittings that say something of how images look: somebody looked, and was not taught."""
    return [one for one in sittings if one.judged and one.looked and not one.feedback]


def pooled(sittings: Sequence[Sitting]) -> Estimate | None:
    """The share of right answers of all (0 to 1); None where there are none.

    The interval counts that answers of one visitor are alike, so it says nothing of people before
    there are several.
    """
    right = np.array([one.right for s in sittings for one in s.judged], np.float64)
    visitor = np.repeat(np.arange(len(sittings)), [len(s.judged) for s in sittings])
    return share(right, visitor) if len(right) else None


class Judgements:
    """The sittings of a run, on disk.

    Raises:
        RunError: the file holds what this version did not write.
    """

    def __init__(self, path: Path):
        self.path = path
        self.sittings = read(path)

    def find(self, session: str) -> Sitting | None:
        """A sitting by its session, also one that another process has begun meanwhile."""
        if session not in self.sittings:
            self.sittings |= {k: s for k, s in read(self.path).items() if k not in self.sittings}
        return self.sittings.get(session)

    def begin(self, sitting: Sitting) -> None:
        """Enter a new sitting. Raises RunError where it cannot be written."""
        names = ("data", "seed", "images", "checks", "feedback")
        self._add(sitting.session, {"begins": {name: getattr(sitting, name) for name in names}})
        self.sittings[sitting.session] = sitting

    def answer(self, sitting: Sitting, answer: Answer) -> None:
        """Enter an answer, on disk before it counts. Raises RunError."""
        said: dict[str, Any] = {"position": answer.position, "kind": answer.kind}
        said |= {"image": answer.image, "answer": "real" if answer.real else "drawn"}
        said |= {"ms": answer.ms}
        self._add(sitting.session, said)
        sitting.answers.append(answer)

    def end(self, sitting: Sitting) -> None:
        """Take no more answers, since the result is about to be shown. Raises RunError."""
        if not sitting.ended:
            self._add(sitting.session, {"ends": len(sitting.answers)})
            sitting.ended = True

    def _add(self, session: str, row: Mapping[str, Any]) -> None:
        when = datetime.now(UTC).isoformat(timespec="seconds")
        line = json.dumps({"when": when, "session": session, **row}, ensure_ascii=False)
        with writing(self.path), locked(self.path.parent), open(self.path, "ab+") as file:
            if file.tell() and not _ends_a_line(file):  # torn by whoever was killed there
                line = f"\n{line}"
            file.write(f"{line}\n".encode())
            file.flush()
            os.fsync(file.fileno())


def _ends_a_line(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    last: bool = file.read(1) == b"\n"
    return last


def read(path: Path) -> dict[str, Sitting]:
    """The sittings of a file by session; none where there is no file.

    A line that was torn when its writer was killed had not been acknowledged, and is left out.

    Raises:
        RunError: a whole line is none of ours.
    """
    sittings: dict[str, Sitting] = {}
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        try:
            _enter(sittings, row)
        except (KeyError, TypeError, AttributeError, ValueError):
            raise RunError(
                f"{path} is damaged: this line of it is no judgement: {line[:80]}"
            ) from None
    return sittings


def _enter(sittings: dict[str, Sitting], row: dict[str, Any]) -> None:
    session = row["session"]
    if "begins" in row:
        sittings[session] = Sitting(session, **row["begins"])
        return
    sitting = sittings[session]
    if "ends" in row:
        sitting.ended = True
        return
    if row["kind"] not in get_args(Kind) or row["answer"] not in ("real", "drawn"):
        raise ValueError
    real = row["answer"] == "real"
    if row["position"] == len(sitting.answers):  # twice, where two servers were told the same
        one = Answer(row["position"], row["kind"], row["image"], real, row["ms"])
        sitting.answers.append(one)


def judgements_at(path: Path) -> list[Sitting]:
    """The sittings of a run, or of its file, that are asked for by name.

    Raises:
        UsageError: there are none.
        RunError: the file is damaged.
    """
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise UsageError(f"{path} holds no answers of people: `cutaway judge RUN` asks for them.")
    return list(read(file).values())
