"""The specification of targets in a source: which columns, and whether as numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TargetSpec:
    """The columns of a table, or of rows with names, that hold the targets.

    Attributes:
        label: the column, where it is not the obvious one; of numbers several, by commas.
        numbers: whether they hold numbers to be predicted, and no classes.
    """

    label: str = ""
    numbers: bool = False

    @property
    def columns(self) -> list[str]:
        """The columns that are named."""
        names = self.label.split(",") if self.numbers else [self.label]
        return [name.strip() for name in names if name.strip()]
