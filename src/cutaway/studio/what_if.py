"""What a network that stands still would answer with other weights: nothing of it is written."""

from collections.abc import Sequence

from torch import nn

from cutaway.errors import UsageError
from cutaway.learn.interventions import Change, Hold, Lasting, OfWeights, hold
from cutaway.studio.wire import Message


class WhatIf:
    """Changes of the weights of a run that is read. Weights that are read anew are changed again.

    Attributes:
        changes: in their order.
    """

    def __init__(self) -> None:
        self.changes: list[OfWeights] = []
        self._effects: dict[Change, str] = {}

    def add(self, model: nn.Module, change: Change, made: Lasting) -> None:
        """Suppose a change, too.

        Args:
            made: what lasted of the changes that were made while it learned.

        Raises:
            UsageError: it is none of weights, or there is nothing that it could change.
        """
        if not isinstance(change, OfWeights):
            raise UsageError("This network learns no more: only units and weights can be changed.")
        change.expect(model)
        if isinstance(change, Hold) and change.value is None:
            self._let_go(change, made)
        else:
            self.changes.append(change)

    def _let_go(self, change: Hold, made: Lasting) -> None:
        """Suppose no more that a unit is held."""
        unit = change.layer, change.unit
        kept = [
            one for one in self.changes
            if not isinstance(one, Hold) or (one.layer, one.unit) != unit
        ]  # fmt: skip
        if kept == self.changes and unit in made.held:
            raise UsageError("This unit was held while it learned, and has no other weights.")
        self.changes = kept

    def undo(self) -> bool:
        """Suppose the last one no more; False where there is none."""
        return bool(self.changes and self.changes.pop())

    def note(self, change: Change, effect: str) -> None:
        """Keep what a change did to the answers."""
        self._effects[change] = effect

    def make(self, model: nn.Module) -> None:
        """Change weights that were just read."""
        for change in self.changes:
            change.set_in(model)
        hold(model, self.lasting(Lasting()).held)

    def lasting(self, made: Lasting) -> Lasting:
        """What lasts of what was made and of what is supposed."""
        for change in self.changes:
            change.remember(made)
        return made

    def told(self, step: int) -> Sequence[Message]:
        """Each as pages are told, at the step that is shown."""
        return [
            {"step": step, "text": _supposed(one), "effect": self._effects.get(one, "")}
            for one in self.changes
        ]


def _supposed(change: Change) -> str:
    text = str(change)
    return f"What if: {text[:1].lower()}{text[1:]}"
