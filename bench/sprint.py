"""How far a recipe comes in how many seconds of training: a mean of seeds, with its interval.

CUTAWAY_DATA=... python -m bench.sprint [mnist-sprint] [--seeds 10] [epochs=1 val=0.25]

Seconds are of training alone: no imports, no data, no evaluation. The test set is looked at once a
seed, when it has been trained. Prints a JSON row for each seed, and one for all.
"""

import argparse
import json
import tempfile
from pathlib import Path

from cutaway.data.sources import load
from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.stats import student
from cutaway.recipes import starting_point


def raced(asked: Recipe, seeds: int) -> list[dict[str, float]]:
    """A row for each seed."""
    images, rows = load(asked.data), []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            run = fit(asked.override(seed=seed), images, out=Path(folder) / "run")
            accuracy, seconds = run.results["accuracy"], run.timing["train_seconds"]
            rows.append({"seed": seed, "accuracy": accuracy, "seconds": seconds})
            print(json.dumps(rows[-1]), flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", nargs="?", default="mnist-sprint")
    parser.add_argument("changes", nargs="*", metavar="FIELD=VALUE", help="of the recipe")
    parser.add_argument("--seeds", type=int, default=10)
    asked = parser.parse_args()
    changes = dict(change.split("=", 1) for change in asked.changes)
    rows = raced(starting_point(asked.recipe).override(**changes), asked.seeds)
    whole: dict[str, object] = {"recipe": asked.recipe, **changes}
    for name in ("accuracy", "seconds"):
        values = [row[name] for row in rows]
        if len(values) > 1:
            found = student(values)
            whole[name] = {"mean": found.value, "from": found.low, "to": found.high}
    print(json.dumps(whole))


if __name__ == "__main__":
    main()
