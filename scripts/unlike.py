"""Compare scores by which images are told that are unlike all that a network learned from.

    CUTAWAY_DATA=... python scripts/unlike.py                 # every cell that is lacking
    CUTAWAY_DATA=... python scripts/unlike.py digits mnist    # of these
    python scripts/unlike.py table                            # writes it into docs/trust.md

A cell trains one network without some classes, and asks every score to tell its test images from
those of the classes that were left out (near) and from other pictures (far). Cells are kept in
docs/unlike.json as they are found, so that the script may be stopped at any time: about ten
minutes on two idle cores.
"""

import json
import os
import re
import string
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torch import Tensor

from cutaway import recipes
from cutaway.data.frame import Frame
from cutaway.data.imageset import ImageSet, Numbered
from cutaway.data.sources import load
from cutaway.learn import fit as learning
from cutaway.learn.image_features import image_features
from cutaway.learn.penultimate import inputs_of, last_layer
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.learn.task import at_rest
from cutaway.randomness import generator

DOCS = Path(__file__).parents[1] / "docs"
KEPT, PAGE = DOCS / "unlike.json", DOCS / "trust.md"
BEGIN, END = "<!-- unlike: scripts/unlike.py -->", "<!-- end of unlike -->"
LEAVES = str(Path(os.environ.get("CUTAWAY_DATA", ""), "leaves"))
SEEDS, BANK, MOST = 2, 2000, 200
USED = "5th neighbour"
FLAGGED = 0.05
Scores = dict[str, Callable[["Known"], Callable[["Seen"], np.ndarray]]]


@dataclass
class Seen:
    """What a network makes of images: features, scores."""

    z: np.ndarray
    s: np.ndarray


@dataclass
class Known(Seen):
    """The same with their classes, and the last layer."""

    t: np.ndarray
    weight: np.ndarray
    bias: np.ndarray


Looks = tuple[Known, dict[str, Known], dict[str, Known]]
"""Of training images, of the validation and the test part, and of each set that is unlike them."""


@cache
def read(data: str) -> ImageSet:
    return load(data)


def some(images: ImageSet, count: int, seed: int = 0) -> ImageSet:
    order = torch.randperm(len(images), generator=generator(seed, "unlike"))
    return images.subset(order[:count].sort().values)


def without(images: ImageSet, left: list[int]) -> tuple[ImageSet, ImageSet]:
    """The images of other classes, and those of the classes that are left out."""
    kept = [k for k in range(len(images.classes)) if k not in left]
    place = torch.full((len(images.classes),), -1)
    place[kept] = torch.arange(len(kept))
    out = place[images.targets] < 0
    rest = images.subset((~out).nonzero().flatten())
    names = tuple(images.classes[k] for k in kept)
    rest = replace(rest, targets=place[rest.targets], classes=names, parts=None)
    return rest, images.subset(out.nonzero().flatten())


def letters(inverted: bool = False) -> ImageSet:
    """Capitals in white on black, of several sizes and angles."""
    draw, pictures = np.random.default_rng(0), []
    for k in range(MOST):
        picture = Image.new("L", (28, 28))
        font = ImageFont.load_default(int(draw.integers(16, 26)))
        letter = string.ascii_uppercase[k % 26]
        ImageDraw.Draw(picture).text((14, 14), letter, 255, font, anchor="mm")
        pictures.append(
            np.asarray(picture.rotate(draw.uniform(-15, 15), Image.Resampling.BILINEAR))
        )
    return pixels(np.stack(pictures)[..., None])


def pixels(values: np.ndarray) -> ImageSet:
    t = torch.zeros(len(values), dtype=torch.long)
    return ImageSet(torch.from_numpy(values), t, ("other",), Numbered("other", len(values)))


def noise(size: int, channels: int) -> ImageSet:
    shape = (MOST, size, size, channels)
    return pixels(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


def inverted(images: ImageSet) -> ImageSet:
    return replace(images, images=255 - images.images)


@dataclass(frozen=True)
class Setting:
    """What is learned, how, which classes are left out for a seed, and what is unlike.

    Attributes:
        recipe: None for a linear classifier on frozen features of EfficientNet-Lite0.
        left: how many classes are left out.
    """

    title: str
    images: Callable[[], ImageSet]
    recipe: Callable[[], Recipe] | None
    left: int
    others: Callable[[ImageSet], dict[str, ImageSet]]


def drawn(images: ImageSet) -> dict[str, ImageSet]:
    """What is unlike digits."""
    mnist = images.name == "mnist"
    other = read("digits") if mnist else some(read("mnist"), MOST)
    return {
        "letters": letters(),
        "inverted": inverted(some(images, MOST)),
        "digits of scikit-learn" if mnist else "MNIST": some(other, MOST),
        "CIFAR-10 in grey": some(read("cifar10"), MOST),
        "noise": noise(images.size[0], 1),
    }


def photographs(images: ImageSet) -> dict[str, ImageSet]:
    """What is unlike photographs of things."""
    found = {
        "leaves": read(LEAVES), "CIFAR-10": some(read("cifar10"), MOST), "rocks": read("rocks"),
        "MNIST": some(read("mnist"), MOST), "noise": noise(images.size[0], 3),
    }  # fmt: skip
    own = "CIFAR-10" if images.name == "cifar10" else "leaves"
    return {name: one for name, one in found.items() if name != own}


SETTINGS = {
    "digits": Setting(
        "LeNet-5, digits, 2 of 10 classes left out", lambda: read("digits"),
        recipes.digits, 2, drawn,
    ),
    "mnist": Setting(
        "LeNet-5, 5,000 of MNIST, 2 of 10 classes left out", lambda: some(read("mnist"), 5000),
        lambda: recipes.pair("lenet5", "mnist").override(epochs=5), 2, drawn,
    ),
    "leaves": Setting(
        "linear on EfficientNet-Lite0, leaves, 1 of 6 classes left out", lambda: read(LEAVES),
        None, 1, photographs,
    ),
    "transfer": Setting(
        "linear on EfficientNet-Lite0, 1,000 of CIFAR-10, 2 of 10 classes left out",
        lambda: some(read("cifar10"), 1000), None, 2, photographs,
    ),
    "cifar10": Setting(
        "ResNet-20 from scratch, 3,000 of CIFAR-10, 2 of 10 classes left out",
        lambda: some(read("cifar10"), 3000),
        lambda: recipes.pair("resnet20", "cifar10").override(epochs=8), 2, photographs,
    ),
}  # fmt: skip


def cell(name: str, seed: int) -> dict[str, Any]:
    """Train once, and try every score."""
    setting = SETTINGS[name]
    images = setting.images()
    k = len(images.classes)
    kept, near = without(images, [(setting.left * seed + i) % k for i in range(setting.left)])
    others = {"left-out classes": near, **setting.others(images)}
    known, parts, unlike = (
        linear(kept, others, seed)
        if setting.recipe is None
        else trained(setting.recipe().override(seed=seed, data=f"own:{name}"), kept, others)
    )
    found = {n: tried(make(known), parts, unlike) for n, make in SCORES.items()}
    right = float((parts["test"].s.argmax(1) == parts["test"].t).mean())
    return {"accuracy": right, "learned from": len(known.t), "scores": found}


def trained(recipe: Recipe, kept: ImageSet, others: dict[str, ImageSet]) -> Looks:
    """A network of its own."""
    with tempfile.TemporaryDirectory() as folder:
        run = learning.fit(recipe, kept, out=Path(folder, "run"))
        known = looked(run, run.images(), run.split.train[:BANK])
        parts = {part: looked(run, kept, getattr(run.split, part)) for part in ("val", "test")}
        unlike = {n: looked(run, one.framed(run.data.frame)) for n, one in others.items()}
    return known, parts, unlike


def linear(kept: ImageSet, others: dict[str, ImageSet], seed: int) -> Looks:
    """Logistic regression on what a pre-trained network makes of the pictures."""
    z, t = frozen(kept), kept.targets.numpy()
    order = np.random.default_rng(seed).permutation(len(z))
    train, val, test = np.split(order, [int(0.6 * len(z)), int(0.8 * len(z))])
    model = LogisticRegression(max_iter=300).fit(z[train], t[train])
    weight, bias = model.coef_, model.intercept_

    def seen(z: np.ndarray, t: np.ndarray) -> Known:
        return Known(z, z @ weight.T + bias, t, weight, bias)

    parts = {"val": seen(z[val], t[val]), "test": seen(z[test], t[test])}
    unlike = {name: seen(frozen(one), one.targets.numpy()) for name, one in others.items()}
    return seen(z[train], t[train]), parts, unlike


FROZEN: dict[str, np.ndarray] = {}


def frozen(images: ImageSet) -> np.ndarray:
    """Features of each picture at 96 pixels; asked for once."""
    pictures = images.framed(Frame(3, (96, 96), "stretch"))
    keys = [blake2b(one.numpy().tobytes(), digest_size=16).hexdigest() for one in pictures.images]
    new = [i for i, key in enumerate(keys) if key not in FROZEN]
    if new:
        values = image_features(pictures.subset(torch.tensor(new))).values.numpy()
        FROZEN.update({keys[i]: row for i, row in zip(new, values, strict=True)})
    return np.stack([FROZEN[key] for key in keys]).astype(np.float64)


def looked(run: Run, images: ImageSet, index: Tensor | None = None) -> Known:
    """Features and scores of some images."""
    index = torch.arange(len(images)) if index is None else index
    z, s = [], []
    with run.runtime.session(), at_rest(run.model, run.runtime):
        batches = run.feed(images, index).in_order()
        layer = None
        for batch in batches:
            layer = layer or last_layer(run.model, batch.x[:2])
            assert layer is not None
            with inputs_of(run.model, layer) as inputs:
                s.append(run.model(batch.x).float())
            z.append(inputs[-1].float())
    values = [torch.cat(one).cpu().numpy().astype(np.float64) for one in (z, s)]
    last: Any = run.model.get_submodule(layer or "")
    weight = last.weight.detach().cpu().numpy().reshape(values[1].shape[1], -1)
    bias = np.zeros(len(weight)) if last.bias is None else last.bias.detach().cpu().numpy()
    return Known(*values, images.targets[index].numpy(), weight, bias)


def tried(score: Callable[[Seen], np.ndarray], parts: dict[str, Seen], unlike: dict[str, Seen]):
    """Of each set the area under the ROC curve, and the share that passes."""
    inside, limit = score(parts["test"]), np.quantile(score(parts["val"]), 1 - FLAGGED)
    found = {"flagged": float((inside > limit).mean())}
    for name, seen in unlike.items():
        outside = score(seen)
        truth = np.r_[np.zeros(len(inside)), np.ones(len(outside))]
        area = float(roc_auc_score(truth, np.r_[inside, outside]))
        passes = float((outside <= np.quantile(inside, 1 - FLAGGED)).mean())
        found[name] = [round(area, 4), round(passes, 4)]
    return found


def softmax(s: np.ndarray) -> np.ndarray:
    e = np.exp(s - s.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def logsumexp(s: np.ndarray) -> np.ndarray:
    top = s.max(1, keepdims=True)
    return (top + np.log(np.exp(s - top).sum(1, keepdims=True)))[:, 0]


def entropy(known: Known) -> Callable[[Seen], np.ndarray]:
    def score(seen: Seen) -> np.ndarray:
        p = softmax(seen.s).clip(1e-30)
        return -(p * np.log(p)).sum(1)

    return score


def mahalanobis(known: Known, relative: bool = False) -> Callable[[Seen], np.ndarray]:
    """Lee et al. 2018; Ren et al. 2021 where the distance from all images is taken off."""
    means = np.stack([known.z[known.t == k].mean(0) for k in np.unique(known.t)])
    off = known.z - means[np.searchsorted(np.unique(known.t), known.t)]
    inverse = precision(off)
    centre = known.z.mean(0)
    whole = precision(known.z - centre)

    def far(z: np.ndarray, mean: np.ndarray, inverse: np.ndarray) -> np.ndarray:
        return np.einsum("nd,de,ne->n", z - mean, inverse, z - mean)

    def score(seen: Seen) -> np.ndarray:
        found = np.stack([far(seen.z, mean, inverse) for mean in means]).min(0)
        return found - far(seen.z, centre, whole) if relative else found

    return score


def precision(off: np.ndarray) -> np.ndarray:
    """The inverse covariance, shrunk by Ledoit and Wolf's share."""
    from sklearn.covariance import ledoit_wolf

    return np.linalg.pinv(ledoit_wolf(off, assume_centered=True)[0])


def vim(known: Known) -> Callable[[Seen], np.ndarray]:
    """Wang et al. 2022, 'ViM: out-of-distribution with virtual-logit matching'."""
    d = known.z.shape[1]
    weight, bias = known.weight, known.bias
    origin = -np.linalg.pinv(weight) @ bias if weight.shape[1] == d else known.z.mean(0)
    kept = 1000 if d >= 2048 else 512 if d >= 768 else d // 2
    u = known.z - origin
    rest = np.linalg.eigh(u.T @ u)[1][:, : d - kept]

    def residual(seen: Seen) -> np.ndarray:
        return np.linalg.norm((seen.z - origin) @ rest, axis=1)

    alpha = known.s.max(1).sum() / residual(known).sum()
    return lambda seen: alpha * residual(seen) - logsumexp(seen.s)


def neighbours(k: int, normal: bool, classes: bool = False):
    """Sun et al. 2022, 'Out-of-distribution detection with deep nearest neighbors'."""

    def unit(z: np.ndarray) -> np.ndarray:
        return z / np.linalg.norm(z, axis=1, keepdims=True).clip(1e-10) if normal else z

    def made(known: Known) -> Callable[[Seen], np.ndarray]:
        bank = unit(known.z)

        def score(seen: Seen) -> np.ndarray:
            z = unit(seen.z)
            square = (z**2).sum(1)[:, None] + (bank**2).sum(1) - 2 * z @ bank.T
            return np.sqrt(np.partition(square, k - 1, 1)[:, k - 1].clip(0))

        return score

    return made


SCORES: Scores = {
    "1 - largest probability": lambda _: lambda seen: -softmax(seen.s).max(1),
    "entropy": entropy,
    "largest score": lambda _: lambda seen: -seen.s.max(1),
    "energy": lambda _: lambda seen: -logsumexp(seen.s),
    "Mahalanobis": mahalanobis,
    "relative Mahalanobis": lambda known: mahalanobis(known, relative=True),
    "ViM": vim,
    "nearest neighbour": neighbours(1, True),
    "5th neighbour": neighbours(5, True),
    "10th neighbour": neighbours(10, True),
    "50th neighbour": neighbours(50, True),
    "nearest neighbour, lengths kept": neighbours(1, False),
    "5th neighbour, lengths kept": neighbours(5, False),
}


def kept() -> dict[str, Any]:
    return json.loads(KEPT.read_text()) if KEPT.exists() else {}


def table(cells: dict[str, Any]) -> str:
    """Means over seeds, and of the far sets over all of them."""
    found: Any = defaultdict(lambda: defaultdict(list))
    for key, row in cells.items():
        for score, values in row["scores"].items():
            for name, pair in values.items():
                if name != "flagged":
                    near = "near" if name == "left-out classes" else "far"
                    found[score][key.split()[0], near].append(pair)
    heads = [(n, w) for n in SETTINGS for w in ("near", "far") if f"{n} 0" in cells]
    seeds = {name: sum(key.split()[0] == name for key in cells) for name in SETTINGS}
    titles = [f"{name}, {near}" for name, near in heads]
    lines = [f"| score | {' | '.join(titles)} | mean |", f"| --- |{' ---: |' * (len(heads) + 1)}"]
    for score, row in found.items():
        means = [np.mean(row[head], 0) for head in heads]
        pairs = [
            f"{100 * area:.1f} / {100 * miss:.0f}" for area, miss in (*means, np.mean(means, 0))
        ]
        name = f"**{score}**" if score == USED else score
        lines.append(f"| {name} | {' | '.join(pairs)} |")
    known = [f"{n}: {one.title} (seeds: {seeds[n]})" for n, one in SETTINGS.items() if seeds[n]]
    return "\n".join([*lines, "", f"Columns: {'; '.join(known)}."])


def main(asked: list[str]) -> None:
    if asked != ["table"]:
        for seed in range(SEEDS):
            for name in asked or SETTINGS:
                if f"{name} {seed}" not in kept():
                    row = cell(name, seed)
                    KEPT.write_text(json.dumps(kept() | {f"{name} {seed}": row}, indent=1) + "\n")
                    print(name, seed, row["accuracy"], flush=True)
    text = re.sub(
        f"{BEGIN}.*?{END}", f"{BEGIN}\n{table(kept())}\n{END}", PAGE.read_text(), flags=re.S
    )
    PAGE.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
