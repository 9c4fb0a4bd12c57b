"""Worlds made to fool the rules of claims: a table of claim by counter-world, a chapter a file.

Each file has `WORLDS`, the counter-worlds of a claim by its number, and `EXEMPT`, the reason why a
claim has none (all that its rule decides on is exact, say).

    WORLDS = {
        "6.8": [
            World("constant answers", "Always Basalt.", measured_for_constant, Verdict.UNDECIDED),
            World("wide interval", "...", wide(PLANTED), Verdict.UNDECIDED),
        ],
    }
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Literal

from cutaway.lab.chapters import CHAPTERS
from cutaway.lab.evidence import Effect, Verdict

Kind = Literal[
    "constant answers", "readable code", "wide interval", "leaked truth", "winning baseline",
    "one replicate", "ceiling", "nothing there",
]  # fmt: skip
Effects = Mapping[str, Effect]


@dataclass(frozen=True)
class World:
    """A world in which a rule could be fooled.

    Attributes:
        what: the world, in a sentence.
        effects: as they would be there; or a function that measures them as the experiment does.
        verdicts: those that are right in it.
    """

    kind: Kind
    what: str
    effects: Effects | Callable[[], Effects]
    verdicts: Verdict | tuple[Verdict, ...]

    def measured(self) -> Effects:
        return self.effects() if callable(self.effects) else self.effects

    def right(self, verdict: Verdict) -> bool:
        allowed = self.verdicts if isinstance(self.verdicts, tuple) else (self.verdicts,)
        return verdict in allowed


def wide(effects: Effects) -> Effects:
    """The same values, each with an interval that holds everything; what is exact stays."""
    return {
        name: one if one.exact else replace(one, low=-math.inf, high=math.inf)
        for name, one in effects.items()
    }


FILES = {
    "depth": ("depth", "overparametrised"),
    "generation": ("generation", "judging", "sequences"),
}
"""Chapters whose table takes several files."""


def chapter(number: str) -> tuple[dict[str, list[World]], dict[str, str]]:
    """The counter-worlds of a chapter's claims, and those that need none."""
    name = CHAPTERS[number].module
    worlds: dict[str, list[World]] = {}
    exempt: dict[str, str] = {}
    for file in FILES.get(name, (name,)):
        module = import_module(f"helpers.counter_worlds.{file}")
        worlds |= module.WORLDS
        exempt |= module.EXEMPT
    return worlds, exempt
