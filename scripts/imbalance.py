"""Compare ways to learn classes of unequal frequency.

    CUTAWAY_DATA=... python scripts/imbalance.py               # every training that is lacking
    CUTAWAY_DATA=... python scripts/imbalance.py tail          # of this set
    python scripts/imbalance.py table                          # writes the table of docs/trust.md

`rare` has two classes, 95 : 5: the 8 among the other digits of scikit-learn. `tail` has the ten
classes of MNIST, with 500 images of the first, 5 of the last and a constant ratio between; it is
tested on 2,000 test images, in which all are alike. Every way trains LeNet-5 with the same seeds.
Kept in docs/imbalance.json as it is found: minutes on two idle cores.
"""

import json
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from cutaway import recipes
from cutaway.data.imageset import ImageSet
from cutaway.data.sources import load
from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.stats import student
from cutaway.randomness import generator

DOCS = Path(__file__).parents[1] / "docs"
KEPT, PAGE = DOCS / "imbalance.json", DOCS / "trust.md"
BEGIN, END = "<!-- imbalance: scripts/imbalance.py -->", "<!-- end of imbalance -->"
SEEDS, EIGHT, SHARE, MOST, LEAST, TESTED = 5, 8, 0.05, 500, 5, 2000
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "`--class-weights balanced`": {"class_weights": "balanced"},
    "`--sampling balanced`": {"sampling": "balanced"},
    "`--focal 2`": {"focal": 2.0},
    "`--logit-adjust 1`": {"logit_adjust": 1.0},
}
MEASURES = {
    "balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1",
    "lowest_recall": "lowest recall", "accuracy": "accuracy",
    "calibration_error": "calibration error",
}  # fmt: skip


@dataclass(frozen=True)
class Unequal:
    """A set, and how LeNet-5 learns it.

    Attributes:
        redrawn: whether each seed divides the same images anew.
    """

    title: str
    images: Callable[[int], ImageSet]
    recipe: Callable[[], Recipe]
    redrawn: bool


def rare(seed: int) -> ImageSet:
    """All digits but the 8, and so many of these that they are one in 20."""
    images = load("digits")
    order = torch.randperm(len(images), generator=generator(seed, "rare"))
    eight = images.targets[order] == EIGHT
    count = round(SHARE / (1 - SHARE) * int((~eight).sum()))
    kept = torch.cat([order[~eight], order[eight][:count]]).sort().values
    some = images.subset(kept)
    return replace(some, targets=(some.targets == EIGHT).long(), classes=("other", "8"))


def tail(seed: int) -> ImageSet:
    """MNIST with fewer and fewer images of each class."""
    images = load("mnist")
    assert images.parts is not None
    order = torch.randperm(len(images), generator=generator(seed, "tail"))
    counts = [round(MOST * (LEAST / MOST) ** (k / 9)) for k in range(10)]
    train = [
        order[(images.targets[order] == k) & (images.parts[order] == 0)][:n]
        for k, n in enumerate(counts)
    ]
    test = (images.parts == 2).nonzero().flatten()[:TESTED]
    return images.subset(torch.cat([*train, test]).sort().values)


SETS = {
    "rare": Unequal(
        "digits, 95 : 5", rare, lambda: recipes.digits().override(epochs=10), redrawn=True
    ),
    "tail": Unequal(
        "MNIST, 500 to 5 a class", tail,
        lambda: recipes.pair("lenet5", "mnist").override(epochs=15), redrawn=False,
    ),
}  # fmt: skip


def cell(name: str, way: str, seed: int) -> dict[str, Any]:
    images = SETS[name].images(seed)
    recipe = SETS[name].recipe().override(seed=seed, data=f"own:{name}", **WAYS[way])
    with tempfile.TemporaryDirectory() as folder:
        run = fit(recipe, images, out=Path(folder) / "run")
        sizes = {part: len(getattr(run.split, part)) for part in ("train", "test")}
        return {one: run.results[one] for one in MEASURES} | sizes


def kept() -> dict[str, Any]:
    return json.loads(KEPT.read_text()) if KEPT.exists() else {}


def table(rows: dict[str, Any]) -> str:
    lines = [f"| data | way | {' | '.join(MEASURES.values())} |"]
    lines.append(f"| --- | --- |{' ---: |' * len(MEASURES)}")
    for name, one in SETS.items():
        for way in WAYS:
            found = [rows[key] for s in range(SEEDS) if (key := f"{name} {way} {s}") in rows]
            if found:
                cells = " | ".join(_cell(found, measure, one.redrawn) for measure in MEASURES)
                lines.append(f"| {one.title} | {way} | {cells} |")
    return "\n".join(lines)


def _cell(found: list[dict[str, Any]], measure: str, redrawn: bool) -> str:
    values = [100 * row[measure] for row in found]
    if len(values) < 2:
        return f"{values[0]:.1f} (one seed)"
    mean = student(values, found[0]["test"] / found[0]["train"] if redrawn else 0.0)
    return f"{mean.value:.1f} ({max(0.0, mean.low):.1f} to {min(100.0, mean.high):.1f})"


def main(asked: list[str]) -> None:
    if asked != ["table"]:
        for seed in range(SEEDS):
            for name in asked or SETS:
                for way in WAYS:
                    key = f"{name} {way} {seed}"
                    if key not in kept():
                        row = cell(name, way, seed)
                        KEPT.write_text(json.dumps(kept() | {key: row}, indent=1) + "\n")
                        print(key, row, flush=True)
    whole = f"{BEGIN}.*?{END}"
    text = re.sub(whole, f"{BEGIN}\n{table(kept())}\n{END}", PAGE.read_text(), flags=re.DOTALL)
    PAGE.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
