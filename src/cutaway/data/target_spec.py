"""The specification of targets in a source: which columns, and of which kind."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class TargetSpec:
    """The columns of a table, or of rows with names, that hold the targets.

    Attributes:
        label: the column, where it is not the obvious one; of numbers, and of labels with a column
            each, several by commas.
        numbers: whether they hold numbers to be predicted, and no classes.
        several: whether each image has several labels, also where the data do not show it.
    """

    label: str = ""
    numbers: bool = False
    several: bool = False

    def columns(self, known: Iterable[str]) -> list[str]:
        """The columns that are named; a name with commas is one column where there is such."""
        names = [self.label] if self.label in known else self.label.split(",")
        return [name.strip() for name in names if name.strip()]
