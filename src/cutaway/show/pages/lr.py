"""The page of a learning-rate range test: its curve, its suggestion, and how sure that is."""

import shlex
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from cutaway.figures import Axis, Curves, Series
from cutaway.files import write_whole
from cutaway.learn.lr_range import DIVERGED, REACHED, TIMES, RangeTest
from cutaway.learn.recipe import OWN
from cutaway.show.pages.base import Section
from cutaway.show.render import render
from cutaway.show.words import percent, plural
from cutaway.version import __version__

SECTIONS = (Section("result", "Result"), Section("method", "How it was done"))


def write(test: RangeTest, path: Path) -> None:
    """Write the page as one file that needs nothing beside it.

    Raises:
        RunError: it cannot be written.
    """
    write_whole(path, render("lr.html", content(test)))


def content(test: RangeTest) -> dict[str, Any]:
    """The values of the template."""
    recipe = test.recipe
    model, data = (name.removeprefix(OWN) for name in (recipe.model, recipe.data))
    rate = f"{test.rate:g}"
    return {
        "title": f"{model} on {data}",
        "sections": SECTIONS,
        "headline": rate if test.suggestion else "No suggestion",
        "caption": "suggested learning rate" if test.suggestion else "from this range test",
        "sentences": _sentences(test),
        "suggested": test.suggestion is not None,
        "figure": figure(test),
        "found": _found(test),
        "commands": [f"cutaway train {shlex.quote(model)} {shlex.quote(data)} --lr {rate}"],
        "steps": max(len(one.rates) for one in test.sweeps),
        "sweeps": plural(len(test.sweeps), "sweep"),
        "recipe": recipe.in_stages()[0],
        "staged": bool(recipe.stages),
        "version": __version__,
    }


def _sentences(test: RangeTest) -> list[str]:
    if test.problem:
        return [
            f"The curve does not say which rate is best: {test.problem}. The recipe's rate, "
            f"{test.before:g}, is as good a choice as any other from this test."
        ]
    low, high = test.span
    return [
        f"The sweeps suggest {low:.2g} to {high:.2g}, each {TIMES:g} times the rate at which its "
        f"loss has done {percent(REACHED, 0)} of its fall. The suggestion is their geometric mean.",
        f"The recipe has {test.before:g}. A range test sees some steps of the beginning only: "
        "what it suggests is a good rate to begin a search with, not its end.",
    ]


def _found(test: RangeTest) -> dict[str, Any]:
    """What each sweep says, as a table."""
    rows = [
        (str(i + 1), _brief(one.suggestion), _brief(one.fall), _brief(one.noise))
        for i, one in enumerate(test.sweeps)
    ]
    columns = ("Sweep", "Suggests", "Fall of the loss", "Noise of a step")
    return {"title": "What each sweep says", "columns": columns, "rows": rows}


def _brief(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"


def figure(test: RangeTest) -> Curves:
    """The smoothed loss of each sweep by learning rate, their mean, and the losses themselves."""
    longest = max((one.rates for one in test.sweeps), key=len)
    columns = zip_longest(*(one.smoothed for one in test.sweeps), fillvalue=np.nan)
    mean = Series(
        "mean of the sweeps", longest, tuple(float(np.nanmean(one)) for one in columns),
        replicates=tuple(tuple(map(float, one.smoothed)) for one in test.sweeps),
    )  # fmt: skip
    rates = tuple(rate for one in test.sweeps for rate in one.rates)
    losses = tuple(loss for one in test.sweeps for loss in one.losses)
    start = float(np.mean([one.start for one in test.sweeps]))
    marks = ((test.suggestion, f"suggested {test.suggestion:g}"),) if test.suggestion else ()
    return Curves(
        title="Loss while the learning rate grows",
        x=Axis("learning rate", scale="log"),
        y=Axis("loss", high=start + DIVERGED * abs(start) / 2),
        series=(Series("a step", rates, losses, style="cloud", role="quiet"), mean),
        levels=((start, "before it learns"),),
        marks=(*marks, (test.before, f"recipe {test.before:g}")),
        caption="Thin: each sweep, smoothed. Too low a rate learns nothing, too high a one "
        "diverges; the loss is that of a training batch.",
        summary=f"Loss by learning rate in {len(test.sweeps)} sweeps, from {start:.3g} before "
        f"anything is learned to {min(mean.y):.3g} at the lowest.",
    )
