"""Write docs/photographs.md: how few or many photographs are best learned, set by set.

    CUTAWAY_DATA=... python scripts/photographs.py                   # every cell that is lacking
    CUTAWAY_DATA=... python scripts/photographs.py leaves digits     # of these sets
    CUTAWAY_DATA=... python scripts/photographs.py leaves --ways head,gradual --seeds 0
    CUTAWAY_DATA=... python scripts/photographs.py --page            # the page alone

`leaves` is a folder of photographs of tomato leaves (PlantVillage), `$CUTAWAY_DATA/leaves`. A cell
is one training; each is kept in docs/photographs.json as it is found, so that the script may be
stopped at any time. All of them take a night on two cores.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from sklearn.linear_model import LogisticRegression

from cutaway import models
from cutaway.data.audit import audit
from cutaway.data.feed import Feed, Normalise
from cutaway.data.imageset import ImageSet
from cutaway.data.sources import load
from cutaway.learn import fit as learning
from cutaway.learn.photographs import BACKBONE, TINY, Facts, plan_for
from cutaway.learn.pretrained import load_pretrained
from cutaway.learn.recipe import Recipe
from cutaway.learn.stats import student
from cutaway.processes import processor
from cutaway.randomness import generator
from cutaway.recipes import pair
from cutaway.see.probe import answers

DOCS = Path(__file__).parents[1] / "docs"
KEPT, PAGE = DOCS / "photographs.json", DOCS / "photographs.md"
SEEDS = (0, 1, 2)
TESTED = 2000
"""Images that a large test part is cut down to."""
STRENGTHS = (0.01, 0.1, 1.0, 10.0)
"""C of the logistic regression, of which the validation images choose one."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Photographs:
    """A set of pictures.

    Attributes:
        read: gives them at a size (0: as they are, 128 pixels at most), for a seed.
        redrawn: whether each seed divides the same images anew.
    """

    title: str
    read: Callable[[int, int], ImageSet]
    redrawn: bool = True


def whole(data: str) -> Callable[[int, int], ImageSet]:
    return lambda size, seed: load(data, image_size=size or None)


def some(data: str, each: int) -> Callable[[int, int], ImageSet]:
    """So many training images of each class, others for each seed; always the same test images."""

    def read(size: int, seed: int) -> ImageSet:
        images = load(data)
        assert images.parts is not None
        order = torch.randperm(len(images), generator=generator(seed, "photographs"))
        train = [
            order[(images.targets[order] == k) & (images.parts[order] == 0)][:each]
            for k in range(len(images.classes))
        ]
        test = (images.parts == 2).nonzero().flatten()[:TESTED]
        found = images.subset(torch.cat([*train, test]).sort().values)
        return found.resized(size) if size else found

    return read


SETS = {
    "rocks": Photographs("Moon rocks, split by stone", whole("rocks")),
    "leaves": Photographs(
        "tomato leaves", whole(str(Path(os.environ.get("CUTAWAY_DATA", ""), "leaves")))
    ),
    "cifar10-50": Photographs("CIFAR-10, 50 a class", some("cifar10", 50), redrawn=False),
    "cifar10-500": Photographs("CIFAR-10, 500 a class", some("cifar10", 500), redrawn=False),
    "cifar10-5000": Photographs("CIFAR-10, 5,000 a class", some("cifar10", 5000), redrawn=False),
    "mnist-50": Photographs("MNIST as photographs, 50 a class", some("mnist", 50), redrawn=False),
    "mnist-5000": Photographs(
        "MNIST as photographs, 5,000 a class", some("mnist", 5000), redrawn=False
    ),
    "digits": Photographs("scikit-learn's digits as photographs", whole("digits")),
}


def scratch(facts: Facts, seed: int) -> Recipe:
    """What a folder without a plan is learned by."""
    return pair("resnet20", "photographs").override(seed=seed)


def planned(quality: str, **changes: Any) -> Callable[[Facts, int], Recipe]:
    """The plan of photographs, whatever the pictures are."""

    def recipe(facts: Facts, seed: int) -> Recipe:
        suited = replace(facts, smallest=1, side=max(facts.side, TINY))
        return plan_for(suited, scratch(facts, seed), quality).recipe.override(**changes)

    return recipe


WAYS: dict[str, Callable[[Facts, int], Recipe]] = {
    "scratch": scratch,
    "linear": planned("fast"),
    "head": planned("fast"),
    "gradual": planned("good"),
    "all": planned("good", stages=[], backbone_rate=1.0),
    "best": planned("best"),
}
TITLES = {
    "scratch": "from scratch",
    "linear": "linear on frozen features",
    "head": "head only (`fast`)",
    "gradual": "gradual (`good`)",
    "all": "all at once",
    "best": "gradual, larger (`best`)",
}


def cell(name: str, way: str, seed: int) -> Row:
    """Learn once."""
    pictures = SETS[name]
    images = pictures.read(0, seed)
    facts = Facts.of(images)
    recipe = WAYS[way](facts, seed).override(data=f"own:{name}")
    if recipe.image_size and recipe.image_size != min(images.size):
        images = pictures.read(recipe.image_size, seed)
    torch.set_num_threads(1)  # several would wait for each other, which counts as their time
    began = time.process_time()
    found = linear(recipe, images) if way == "linear" else trained(recipe, images)
    seconds = time.process_time() - began
    return found | {"seconds": round(seconds, 1), "size": min(images.size), "facts": vars(facts)}


def trained(recipe: Recipe, images: ImageSet) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        run = learning.fit(recipe, images, out=Path(folder, "run"))
        parts = {part: len(getattr(run.split, part)) for part in ("train", "test")}
        return {"accuracy": run.results["accuracy"], **parts}


def linear(recipe: Recipe, images: ImageSet) -> Row:
    """Logistic regression on what the backbone makes of each picture, by scikit-learn."""
    parts = learning.split_for(recipe, images, audit(images))
    net = models.build(BACKBONE, images.channels, len(images.classes), images.size)
    known = load_pretrained(net, models.find(BACKBONE), "auto")
    feed = Feed(
        images, torch.arange(len(images)), batch_size=32,
        normalise=Normalise(known.mean, known.std),
    )  # fmt: skip
    z = torch.cat([answers(net, b.x, ["flatten"])["flatten"] for b in feed.in_order()]).numpy()
    t = images.targets.numpy()
    tried = []
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=500)
        model.fit(z[parts.train], t[parts.train])
        tried.append((model.score(z[parts.val], t[parts.val]), -strength, model))
    best = max(tried, key=lambda one: one[:2])[2]
    accuracy = float(best.score(z[parts.test], t[parts.test]))
    return {"accuracy": accuracy, "train": len(parts.train), "test": len(parts.test)}


def kept() -> dict[str, Row]:
    """Cells by `set way seed`."""
    return json.loads(KEPT.read_text()) if KEPT.exists() else {}


def lacking(sets: list[str], ways: list[str], seeds: list[int]) -> Iterator[tuple[str, str, int]]:
    for seed in seeds:
        for name in sets:
            yield from ((name, way, seed) for way in ways if f"{name} {way} {seed}" not in kept())


def keep(key: str, row: Row) -> None:
    rows = kept() | {key: row, "on": processor()}
    KEPT.write_text(json.dumps(rows, indent=1) + "\n")


def page(rows: dict[str, Row]) -> str:
    """The page; cells that were not measured are empty."""
    heads = " | ".join(TITLES.values())
    lines = [f"| pictures | {heads} | chosen |", f"| --- |{' ---: |' * len(TITLES)} --- |"]
    lines += [line for name in SETS if (line := table_line(name, rows))]
    open_yet = any(lacking([*SETS], [*WAYS], [*SEEDS]))
    notes = NOTES + UNMEASURED * open_yet
    return INTRODUCTION.format(on=rows.get("on", "")) + "\n".join(lines) + "\n" + notes


def table_line(name: str, rows: dict[str, Row]) -> str:
    found = {
        way: [rows[key] for seed in SEEDS if (key := f"{name} {way} {seed}") in rows]
        for way in WAYS
    }
    known = [row for some in found.values() for row in some]
    if not known:
        return ""
    facts = Facts(**known[0]["facts"])
    chosen = plan_for(facts, scratch(facts, 0), "good").recipe.model != BACKBONE
    cells = " | ".join(summary(some, SETS[name].redrawn) for some in found.values())
    title = f"{SETS[name].title} ({known[0]['train']:,} to learn from)"
    return f"| {title} | {cells} | {'from scratch' if chosen else 'gradual'} |"


def summary(rows: list[Row], redrawn: bool) -> str:
    """`81.2 % (78 to 84), 35 s`."""
    if not rows:
        return ""
    accuracy = [100 * row["accuracy"] for row in rows]
    seconds = sum(row["seconds"] for row in rows) / len(rows)
    if len(rows) == 1:
        return f"{accuracy[0]:.1f} % (one seed), {seconds:.0f} s"
    overlap = rows[0]["test"] / rows[0]["train"] if redrawn else 0.0
    mean = student(accuracy, overlap)
    low, high = max(0.0, mean.low), min(100.0, mean.high)
    return f"{mean.value:.1f} % ({low:.0f} to {high:.0f}), {seconds:.0f} s"


INTRODUCTION = """\
# Photographs

`cutaway train photographs/`, with no network named, chooses how to learn by a fixed rule \
(`learn/photographs.py`), says what it chose, why and about how long it takes, and writes the \
choice into `recipe.toml`. `--quality fast|good|best` asks for less or more, `--time 10m` fits the \
number of epochs to a budget, and any option changes the recipe that was chosen. A network that is \
named is trained from scratch, as before. Photographs with several labels each, and those that \
numbers are predicted from, are learned by the same rule.

## From scratch, or from pre-trained weights?

Accuracy on test images with its 95 % interval over three seeds, and the seconds of a training, \
all included but decoding: of one core, whatever else the machine does. From scratch is ResNet-20 \
with the settings of a folder; the others begin with EfficientNet-Lite0's ImageNet weights. \
Made by `python scripts/photographs.py` on {on}.

"""

NOTES = """\

Small pictures are enlarged to 96 pixels for the pre-trained network. Where seeds divide the same \
images anew, the intervals are those of Nadeau and Bengio. CIFAR-10 and MNIST are tested on 2,000 \
images.
"""

UNMEASURED = """
Cells that are empty, and sets that are lacking, have not been measured yet: until they are, the \
numbers of the rule are not settled.
"""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help="by default all")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--page", action="store_true", help="write the page alone")
    asked = parser.parse_args()
    if not asked.page:
        seeds = [int(seed) for seed in asked.seeds.split(",")]
        for name, way, seed in lacking(asked.sets or [*SETS], asked.ways.split(","), seeds):
            row = cell(name, way, seed)
            keep(f"{name} {way} {seed}", row)
            print(name, way, seed, row, flush=True)
    PAGE.write_text(page(kept()))
