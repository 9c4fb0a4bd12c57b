"""A trial: what was tried, and what it came to."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from cutaway.settings import Scalar


@dataclass(frozen=True)
class Trial:
    """One setting of a search.

    Attributes:
        number: from 0.
        drawn: a point of the search's space; `changes`: the same as fields of the recipe.
        state: `pruned` where it was stopped early because others did better by then, `failed`
            where it could not be trained.
        values: (epoch, objective) for each epoch that was judged.
        value: the objective of the weights that a run would keep; None unless it `ended`.
        loss: their validation loss, where there is one.
        why: what it failed of.
    """

    number: int
    drawn: dict[str, Scalar]
    changes: dict[str, Scalar]
    state: Literal["running", "ended", "pruned", "failed"] = "running"
    values: tuple[tuple[int, float], ...] = ()
    value: float | None = None
    loss: float | None = None
    why: str = ""

    @property
    def epochs(self) -> int:
        """The epochs that it trained for."""
        return self.values[-1][0] if self.values else 0

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return asdict(self) | {"values": [list(pair) for pair in self.values]}


def from_dict(values: Mapping[str, Any]) -> Trial:
    """Read what `to_dict` gave."""
    pairs = tuple((epoch, value) for epoch, value in values["values"])
    return Trial(**{**values, "values": pairs})
