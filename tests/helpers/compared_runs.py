"""Small runs and fleets to compare, and copies of them with figures of the test's own choice."""

import json
from collections.abc import Sequence
from pathlib import Path
from shutil import copytree
from typing import Any

import torch
from PIL import Image

from cutaway.data.imageset import ImageSet
from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from helpers.digits import digits

QUICK = {"model": "mlp", "data": "own:digits", "epochs": 2, "lr": 0.02, "batch_size": 16}
STEADY = {"device": "cpu", "compile": "no", "precision": "float32", "augment": "none"}


def single(path: Path, images: ImageSet | None = None, **changes: Any) -> Run:
    """A run that takes a moment."""
    recipe = Recipe().override(**(QUICK | STEADY | changes))
    return fit(recipe, digits() if images is None else images, out=path)


def fleet(path: Path, members: Sequence[dict[str, Any]], **changes: Any) -> Path:
    """A fleet as `cutaway train --replicates` lays it out."""
    (path / "members").mkdir(parents=True)
    (path / "fleet.json").write_text(json.dumps({"format": 1, "members": list(members)}))
    for k, own in enumerate(members):
        single(path / "members" / f"{k:03}", **(changes | own))
    return path


def altered(source: Path, path: Path, figures: Sequence[float] = (), **changes: Any) -> Path:
    """A copy of a run or fleet whose recipe says something else and whose results are `figures`."""
    copytree(source, path)
    places = sorted(path.glob("members/*")) or [path]
    for k, place in enumerate(places):
        recipe = Run(place).recipe.override(**changes)
        (place / "recipe.toml").write_text(recipe.to_toml())
        if "task" in changes:
            (place / "tuned.json").unlink(missing_ok=True)  # of another task's networks
        if figures:
            results = json.loads((place / "results.json").read_text()) | {"accuracy": figures[k]}
            (place / "results.json").write_text(json.dumps(results))
    return path


def grouped_folder(root: Path) -> Path:
    """Pictures of two classes in folders of four that show the same thing."""
    draw = torch.Generator().manual_seed(0)
    for k, name in enumerate("ab"):
        for group in range(12):
            (root / name / f"{name}{group}").mkdir(parents=True)
            base = torch.randint(0, 160, (8, 8), generator=draw)
            for i in range(4):
                pixels = base + 40 * k + torch.randint(0, 50, (8, 8), generator=draw)
                picture = Image.fromarray(pixels.to(torch.uint8).numpy())
                picture.save(root / name / f"{name}{group}" / f"{i}.png")
    return root
