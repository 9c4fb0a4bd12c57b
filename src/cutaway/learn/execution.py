"""What a recipe does not hold: settings that do not decide a result, objects of the user's own."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from cutaway.data.augment import OwnAugment
from cutaway.learn.callbacks import Callback, Callbacks, resolve
from cutaway.together.team import ALONE, Team
from cutaway.workplaces import HERE, Workplace


@dataclass(frozen=True)
class Execution:
    """The same for a run, a fleet or a search.

    Attributes:
        out: the directory to make; by default the first free one, `runs/MODEL-DATA-N`. What goes
            on has one already.
        callbacks: told how it goes; a class may be named, `package.module:Class`.
        checkpoint_every: seconds between checkpoints.
        augment: the augmentation, where it is of the user's own; the recipe says what it is.
        team: the processes that train together.
        shard: whether each of them keeps a part of the weights: auto, yes or no.
        interventions: a run, or a file of one, whose changes by hand are made again (see
            `learn.interventions`).
        place: where members of a fleet and trials of a search are trained.

    Raises:
        UsageError: a callback that cannot be imported or made, or is none.
    """

    out: str | Path = ""
    callbacks: Iterable[Callback | str] = ()
    checkpoint_every: float = 15.0
    augment: OwnAugment | None = None
    team: Team = ALONE
    shard: str = "auto"
    interventions: str | Path = ""
    place: Workplace = HERE

    def __post_init__(self) -> None:
        object.__setattr__(self, "callbacks", tuple(self.callbacks))  # read once, kept
        self.callback  # noqa: B018  # says at once which cannot be made

    @cached_property
    def callback(self) -> Callbacks:
        """All callbacks as one."""
        return resolve(self.callbacks)

    def with_first(self, first: Callback) -> "Execution":
        """Add a callback that is told before the others."""
        return replace(self, callbacks=Callbacks([first, self.callback]))
