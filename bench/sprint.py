"""How far a recipe comes in how many seconds of training: a mean of seeds, with its interval.

CUTAWAY_DATA=... python -m bench.sprint [mnist-sprint] [--epochs 1] [--seeds 10]

Seconds are of training alone: no imports, no data, no evaluation. The test set is looked at once a
seed, when it has been trained. Prints a JSON row for each seed, and one for all.
"""

import argparse
import json
import tempfile
from pathlib import Path

from cutaway.data.sources import load
from cutaway.learn.fit import fit
from cutaway.learn.statistics import student
from cutaway.recipes import starting_point


def raced(recipe: str, epochs: int, seeds: int) -> list[dict[str, float]]:
    """A row for each seed."""
    asked = starting_point(recipe)
    asked = asked.override(epochs=epochs or asked.epochs)
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
    parser.add_argument("--epochs", type=int, default=0, help="0: as many as the recipe has")
    parser.add_argument("--seeds", type=int, default=10)
    asked = parser.parse_args()
    rows = raced(asked.recipe, asked.epochs, asked.seeds)
    whole: dict[str, object] = {"recipe": asked.recipe, "epochs": asked.epochs}
    for name in ("accuracy", "seconds"):
        values = [row[name] for row in rows]
        if len(values) > 1:
            found = student(values)
            whole[name] = {"mean": found.value, "from": found.low, "to": found.high}
    print(json.dumps(whole))


if __name__ == "__main__":
    main()
