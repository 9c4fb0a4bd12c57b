"""Measure on held-out images whether a classifier's probabilities and sets can be believed.

    python scripts/probabilities.py             # 20 LeNet-5 on digits, each with a split of its own
    python scripts/probabilities.py RUN ...     # held-out images of a run, divided anew 20 times

Prints rows of the table in docs/photographs.md: means over 20 splits, with the standard error of
the mean where a share was asked for. Of a run, the images of its validation and test parts are put
together, and as many as it had are drawn for validation; the rest are tested on.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from cutaway import recipes
from cutaway.learn.calibration import LEAST, Calibrated
from cutaway.learn.classification import Classification
from cutaway.learn.conformal import COVERAGES
from cutaway.learn.fit import fit
from cutaway.learn.loading import load_for
from cutaway.learn.run import Run
from cutaway.learn.tasks import make_task
from cutaway.randomness import generator

SPLITS = 20
Split = tuple[float, Classification, Classification]
"""A temperature, and the test images at temperature 1 and at this one."""


def trained() -> Iterator[Split]:
    """A network a split, as `cutaway train lenet5 digits` trains it."""
    for k in range(SPLITS):
        recipe = recipes.digits().override(seed=k)
        with tempfile.TemporaryDirectory() as folder:
            run = fit(recipe, load_for(recipe, recipe.data), out=Path(folder) / "run")
            told = run.saved_test()
            assert isinstance(told, Classification)
            temperature = run.tuned["temperature"]
            scores = told.probabilities.clamp(min=LEAST).log() * temperature
            yield temperature, told.with_answers(scores.softmax(1)), told


def divided(run: Run) -> Iterator[Split]:
    """The held-out images of a run, divided in other ways."""
    index = torch.cat([run.split.val, run.split.test])
    untuned = make_task(run.recipe.in_stages()[-1])
    with run.runtime.session():
        feed, target = run.feed(run.images(), index), run.data.target
        held = untuned.evaluate(run.model, feed, target, run.runtime)
    assert isinstance(untuned, Calibrated)
    assert isinstance(held, Classification)
    for k in range(SPLITS):
        order = torch.randperm(len(index), generator=generator(k, "divided"))
        val, test = (rows(held, part) for part in order.split_with_sizes(sizes(run)))
        task = replace(untuned, **untuned.tune(val, target))
        scores = test.probabilities.clamp(min=LEAST).log()
        answers = task.answer(scores, target)
        yield (
            task.temperature,
            test,
            replace(test, probabilities=answers, conformity=task.conformity),
        )


def sizes(run: Run) -> list[int]:
    return [len(run.split.val), len(run.split.test)]


def rows(held: Classification, part: torch.Tensor) -> Classification:
    """Some of the images."""
    columns = {k: getattr(held, k)[part] for k in ("index", "targets", "probabilities")}
    return replace(held, **columns)


def told(name: str, splits: list[Split]) -> str:
    """A row of the table."""
    temperatures = [t for t, _, _ in splits]
    cells = [name, f"{min(temperatures):.2f} to {max(temperatures):.2f}"]
    cells.append(f"{100 * np.mean([after.accuracy for *_, after in splits]):.1f}")
    for measure in ("calibration_error", "loss"):
        scale = 100 if measure == "calibration_error" else 1
        pair = [np.mean([getattr(s[i], measure) for s in splits]) * scale for i in (1, 2)]
        cells.append(f"{pair[0]:.3g} / {pair[1]:.3g}")
    for asked in COVERAGES:
        found = [row for *_, one in splits for row in one.sets if row["asked"] == asked]
        cells.append(coverage([row["covered"] for row in found], [row["classes"] for row in found]))
    return f"| {' | '.join(cells)} |"


def coverage(covered: list[float], classes: list[float]) -> str:
    if not covered:
        return "too few images"
    error = np.std(covered, ddof=1) / len(covered) ** 0.5
    return f"{100 * np.mean(covered):.1f} ± {100 * error:.1f} ({np.mean(classes):.2f})"


def main(paths: list[str]) -> None:
    heads = ["network and data", "temperature", "accuracy (%)", "ECE (%) before / after"]
    heads.append("loss before / after")
    heads += [f"{100 * one:.0f} % asked: covered (classes)" for one in COVERAGES]
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}", flush=True)
    if not paths:
        print(told("LeNet-5, digits, trained 20 times", list(trained())), flush=True)
    for path in paths:
        run = Run(path)
        print(told(f"{run.recipe.model}, {run.data.name}", list(divided(run))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
