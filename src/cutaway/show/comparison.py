"""A comparison on the terminal."""

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cutaway.learn.compare import Comparison
from cutaway.show import verdict


def parts(comparison: Comparison) -> list[RenderableType]:
    """In words first, then the figures, the settings that differ, and what to keep in mind."""
    shown: list[RenderableType] = [Text(sentence) for sentence in verdict.sentences(comparison)]
    shown += [Text(), _figures(comparison)]
    shown += (
        [Text(), _settings(comparison)]
        if comparison.settings
        else [Text("The recipes are the same.")]
    )
    return [*shown, Text(), *(Text(note, style="dim") for note in verdict.notes(comparison))]


def _figures(comparison: Comparison) -> Table:
    grid = Table(header_style="bold")
    grid.add_column("run" if not comparison.fleets else "fleet", overflow="fold")
    better = f"better than {comparison.first.name}"
    for heading in (verdict.name(comparison), "95 % interval", better, "95 % interval", "p"):
        grid.add_column(heading, justify="right", overflow="fold")
    for row in verdict.rows(comparison):
        grid.add_row(row.side.name, row.figure, row.interval, row.gain, row.span, row.p)
    return grid


def _settings(comparison: Comparison) -> Table:
    grid = Table(title="What differs in the recipes", title_justify="left", header_style="bold")
    for heading in ("field", *(side.name for side in comparison.sides)):
        grid.add_column(heading, overflow="fold")
    for name, values in verdict.settings(comparison):
        grid.add_row(name, *values)
    return grid
