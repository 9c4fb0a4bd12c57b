"""A comparison on the terminal."""

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cutaway.learn.compare import Comparison
from cutaway.show import verdict


def parts(found: Comparison) -> list[RenderableType]:
    """In words first, then the figures, the settings that differ, and what to keep in mind."""
    shown: list[RenderableType] = [Text(sentence) for sentence in verdict.said(found)]
    shown += [Text(), _figures(found)]
    shown += [Text(), _settings(found)] if found.settings else [Text("The recipes are the same.")]
    return [*shown, Text(), *(Text(note, style="dim") for note in verdict.notes(found))]


def _figures(found: Comparison) -> Table:
    grid = Table(header_style="bold")
    grid.add_column("run" if not found.fleets else "fleet", overflow="fold")
    better = f"better than {found.first.name}"
    for heading in (verdict.name(found), "95 % interval", better, "95 % interval", "p"):
        grid.add_column(heading, justify="right", overflow="fold")
    for row in verdict.rows(found):
        grid.add_row(row.side.name, row.figure, row.interval, row.gain, row.span, row.p)
    return grid


def _settings(found: Comparison) -> Table:
    grid = Table(title="What differs in the recipes", title_justify="left", header_style="bold")
    for heading in ("field", *(side.name for side in found.sides)):
        grid.add_column(heading, overflow="fold")
    for name, values in verdict.settings(found):
        grid.add_row(name, *values)
    return grid
