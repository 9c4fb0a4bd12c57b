"""Measure on held-out images whether a classifier's probabilities and sets can be believed.

    CUTAWAY_DATA=... python scripts/probabilities.py          # every set that is lacking
    CUTAWAY_DATA=... python scripts/probabilities.py mnist    # of these
    python scripts/probabilities.py RUN ...                   # rows of runs of your own, not kept
    python scripts/probabilities.py table                     # writes the tables of docs/trust.md

A network is trained once. What it never saw (its validation and test parts) is divided anew 20
times: on as many images as it had for validation the temperature and the sets are fitted, and the
rest is tested on. Three kinds of sets are compared on the same divisions. Kept in
docs/probabilities.json: minutes on two idle cores.
"""

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway import recipes
from cutaway.data.imageset import ImageSet
from cutaway.data.sources import load
from cutaway.learn.calibration import Calibrated
from cutaway.learn.classification import Classification
from cutaway.learn.conformal import COVERAGES
from cutaway.learn.fit import fit
from cutaway.learn.photographs import Facts, plan_for
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.learn.tasks import make_task
from cutaway.randomness import generator

DOCS = Path(__file__).parents[1] / "docs"
KEPT, PAGE = DOCS / "probabilities.json", DOCS / "trust.md"
SPLITS = 20
PENALTY, FREE = 0.1, 2
"""Of RAPS: what each class in a set costs, after so many."""
Scores = Callable[[Float[Tensor, "n k"], Float[Tensor, "n 1"]], Float[Tensor, "n k"]]


@dataclass(frozen=True)
class Learned:
    title: str
    images: Callable[[], ImageSet]
    recipe: Callable[[ImageSet], Recipe]


def some(data: str, count: int) -> ImageSet:
    """So many images of a set, to be divided anew."""
    images = load(data)
    order = torch.randperm(len(images), generator=generator(0, "probabilities"))
    return replace(images.subset(order[:count].sort().values), parts=None)


def fast(images: ImageSet) -> Recipe:
    return plan_for(Facts.of(images), recipes.pair("resnet20", "photographs"), "fast").recipe


SETS = {
    "digits": Learned(
        "LeNet-5, digits", lambda: load("digits"),
        lambda _: recipes.digits().override(val=0.25, test=0.35),
    ),
    "mnist": Learned(
        "LeNet-5, 6,000 of MNIST", lambda: some("mnist", 6000),
        lambda _: recipes.pair("lenet5", "mnist").override(epochs=3, val=0.25, test=0.35),
    ),
    "cifar10": Learned(
        "EfficientNet-Lite0 (`fast`), 2,500 of CIFAR-10", lambda: some("cifar10", 2500),
        lambda images: fast(images).override(val=0.25, test=0.35),
    ),
    "leaves": Learned(
        "EfficientNet-Lite0 (`fast`), leaves",
        lambda: load(str(Path(os.environ.get("CUTAWAY_DATA", ""), "leaves"))),
        lambda images: fast(images).override(val=0.25, test=0.35),
    ),
}  # fmt: skip


def likeliest(p: Tensor, u: Tensor) -> Tensor:
    """Those that are probable enough (Sadinle et al. 2019), as Cutaway does."""
    return 1 - p


def adaptive(p: Tensor, u: Tensor, penalty: float = 0.0) -> Tensor:
    """The likeliest until they add up to enough (Romano et al. 2020, APS), of which each class but
    a few may cost (Angelopoulos et al. 2021, RAPS); u decides by chance about the last one."""
    ordered, at = p.sort(dim=1, descending=True, stable=True)
    place = torch.arange(1, p.shape[1] + 1)
    told = ordered.cumsum(1) - u * ordered + penalty * (place - FREE).clamp(min=0)
    return torch.empty_like(p).scatter_(1, at, told)


WAYS: dict[str, Scores] = {
    "probable enough (in use)": likeliest,
    "APS": adaptive,
    "RAPS": lambda p, u: adaptive(p, u, PENALTY),
}


def measured(run: Run) -> list[dict[str, Any]]:
    """What each division of the held-out images gives."""
    held, sizes = answers(run), [len(run.split.val), len(run.split.test)]
    return [divided(run, held, sizes, k) for k in range(SPLITS)]


def answers(run: Run) -> Classification:
    """The network's answers to all held-out images, at temperature 1."""
    index = torch.cat([run.split.val, run.split.test])
    untuned = make_task(run.recipe.in_stages()[-1])
    with run.runtime.session():
        feed = run.feed(run.images(), index)
        held = untuned.evaluate(run.model, feed, run.data.target, run.runtime)
    assert isinstance(held, Classification)
    return held


def divided(run: Run, held: Classification, sizes: list[int], k: int) -> dict[str, Any]:
    order = torch.randperm(len(held), generator=generator(k, "divided"))
    val, test = (rows(held, part) for part in order.split_with_sizes(sizes))
    untuned, target = make_task(run.recipe.in_stages()[-1]), run.data.target
    assert isinstance(untuned, Calibrated)
    task = replace(untuned, **untuned.tune(val, target))
    p_val, p = (task.answer(one.probabilities.log(), target).double() for one in (val, test))
    after = test.with_answers(p.float())
    row: dict[str, Any] = {
        "temperature": task.temperature, "accuracy": test.accuracy, "images": sizes,
        "ece": [test.calibration_error, after.calibration_error],
        "loss": [test.loss, after.loss],
    }  # fmt: skip
    draw = generator(k, "sets")
    u_val, u = (torch.rand(len(one), 1, generator=draw).double() for one in (p_val, p))
    for way, score in WAYS.items():
        known = score(p_val, u_val).gather(1, val.targets[:, None])[:, 0].sort().values
        row[way] = [of_sets(score(p, u), test.targets, known, asked) for asked in COVERAGES]
    return row


def rows(held: Classification, part: Int[Tensor, " m"]) -> Classification:
    """Some of the images."""
    columns = {k: getattr(held, k)[part] for k in ("index", "targets")}
    p = held.probabilities[part].clamp(min=torch.finfo(torch.float32).tiny)
    return replace(held, probabilities=p, **columns)


def of_sets(
    score: Float[Tensor, "n k"], t: Int[Tensor, " n"], known: Float[Tensor, " m"], asked: float
) -> list[float] | None:
    """The share of sets that hold the true class, the classes in a set, the share that is empty."""
    rank = ceil((len(known) + 1) * asked - 1e-9)
    if rank > len(known):
        return None
    among = score <= known[rank - 1] + 1e-12
    sizes = among.sum(1).double()
    covered = among.gather(1, t[:, None]).double().mean()
    return [covered.item(), sizes.mean().item(), (sizes == 0).double().mean().item()]


def trained(name: str) -> list[dict[str, Any]]:
    learned = SETS[name]
    images = learned.images()
    recipe = learned.recipe(images).override(data=f"own:{name}")
    if recipe.image_size and recipe.image_size != min(images.size):
        images = images.resized(recipe.image_size)
    with tempfile.TemporaryDirectory() as folder:
        return measured(fit(recipe, images, out=Path(folder) / "run"))


def kept() -> dict[str, Any]:
    return json.loads(KEPT.read_text()) if KEPT.exists() else {}


def probabilities_table(found: dict[str, Any]) -> str:
    heads = "network and data | temperature | accuracy | ECE before / after | loss before / after"
    lines = [f"| {heads} |", "| --- | --- | ---: | ---: | ---: |"]
    for title, splits in found.items():
        t = [one["temperature"] for one in splits]
        ece, loss = (np.mean([one[key] for one in splits], 0) for key in ("ece", "loss"))
        accuracy = 100 * np.mean([one["accuracy"] for one in splits])
        lines.append(
            f"| {title} | {min(t):.2f} to {max(t):.2f} | {accuracy:.1f} % | {100 * ece[0]:.1f} / "
            f"{100 * ece[1]:.1f} % | {loss[0]:.3f} / {loss[1]:.3f} |"
        )
    return "\n".join(lines)


def sets_table(found: dict[str, Any]) -> str:
    heads = "".join(f" {100 * one:.0f} % asked |" for one in COVERAGES)
    lines = [f"| network and data | sets |{heads}", "| --- | --- | ---: | ---: | ---: |"]
    for title, splits in found.items():
        for way in WAYS:
            cells = [_cell([one[way][i] for one in splits]) for i in range(len(COVERAGES))]
            lines.append(f"| {title} | {way} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: list[Any]) -> str:
    if None in values:
        return "too few images"
    covered, classes, empty = np.mean(values, 0)
    return f"{100 * covered:.1f} % ({classes:.2f}; {100 * empty:.1f} %)"


def write_page(found: dict[str, Any]) -> None:
    """Put the tables into the page."""
    titled = {SETS[name].title: found[name] for name in SETS if name in found}
    text = PAGE.read_text()
    for name, table in (("probabilities", probabilities_table), ("sets", sets_table)):
        begin, end = f"<!-- {name}: scripts/probabilities.py -->", f"<!-- end of {name} -->"
        whole = re.escape(begin) + ".*?" + re.escape(end)
        text = re.sub(whole, f"{begin}\n{table(titled)}\n{end}", text, flags=re.DOTALL)
    PAGE.write_text(text)


def main(asked: list[str]) -> None:
    own = {f"{run.recipe.model}, {run.data.name}": measured(run)
           for run in (Run(Path(one)) for one in asked if Path(one).is_dir())}  # fmt: skip
    if own:
        print(probabilities_table(own), sets_table(own), sep="\n\n")
        return
    for name in [one for one in asked if one in SETS] or ([] if asked else SETS):
        if name not in kept():
            KEPT.write_text(json.dumps(kept() | {name: trained(name)}, indent=1) + "\n")
            print(name, "measured", flush=True)
    write_page(kept())


if __name__ == "__main__":
    main(sys.argv[1:])
