"""Simple baselines beside a network, so that one that has learned nothing is seen."""

from typing import TYPE_CHECKING, NotRequired, TypedDict

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from cutaway.data.elsewhere import in_few_shards
from cutaway.data.feed import to_float
from cutaway.data.imageset import ImageSet
from cutaway.data.labels import labelled
from cutaway.data.target import Classes, Values
from cutaway.files import write_json
from cutaway.learn.checkpoint import load_tensors
from cutaway.learn.notes import add_note
from cutaway.learn.patch_features import SIDE as FEATURES_SIDE
from cutaway.learn.patch_features import patch_features, small

if TYPE_CHECKING:
    from cutaway.learn.run import Run

FILE = "baselines.json"
TRAINED_ON, TESTED_ON = 2000, 1000
"""Training and test images that are used at most, so that it takes a second or two."""
SIDE = 16
"""Longest side in pixels of the pictures whose pixels are added up."""
PULLS = tuple(10.0**power for power in range(-1, 6))
"""Strengths of the ridge penalty, of which leave-one-out chooses."""
CHUNK = 256


class Baselines(TypedDict):
    """A run's `baselines.json`: of the `network` and of each in `NAMES` the accuracy, or R squared
    where numbers are predicted."""

    training_images: int
    test_images: int
    accuracy: NotRequired[dict[str, float]]
    r2: NotRequired[dict[str, float]]


NAMES = {
    "linear": "linear on pixels",
    "nearest": "nearest neighbour on patch features",
    "commonest": "commonest training class",
    "mean": "mean of the training images",
}


def keep_baselines(run: "Run", images: ImageSet) -> None:
    """Measure the baselines of a run that has ended, keep them, and note what outdoes it.

    Does nothing where no classes of pictures, nor numbers of them, are told, or nothing is held
    out.
    """
    if torch.equal(run.split.train, run.split.test):
        return
    if run.task.classifies:
        train = _known(run, images)
        fits, measure, answers = _fits(images, train), _classified, "probabilities"
    elif run.task.needs is Values:
        train = _evenly(in_few_shards(images.images, run.split.train, TRAINED_ON), TRAINED_ON)
        fits, measure, answers = len(images.size) == 2, _valued, "values"
    else:
        return
    if not fits:
        return
    tensors, _ = load_tensors(run.path / "predictions.safetensors")
    tested = in_few_shards(images.images, torch.arange(len(tensors["index"])), TESTED_ON)
    rows = _evenly(tested, TESTED_ON)
    kept = measure(
        images, train, {name: tensors[name][rows] for name in ("index", "targets", answers)}
    )
    write_json(run.path / FILE, kept)
    if sentence := _outdone(kept):
        add_note(run, "outdone", f"{sentence} {_advice(run)}")


def _classified(images: ImageSet, train: Int[Tensor, " n"], test: dict[str, Tensor]) -> Baselines:
    """The accuracies."""
    answers = {"network": test["probabilities"].argmax(1).numpy()}
    answers |= baseline_answers(images, train, test["index"])
    truth = test["targets"].numpy()
    found = {name: float((one == truth).mean()) for name, one in answers.items()}
    return {"training_images": len(train), "test_images": len(truth), "accuracy": found}


def _valued(images: ImageSet, train: Int[Tensor, " n"], test: dict[str, Tensor]) -> Baselines:
    """R squared, a mean over the numbers."""
    answers = {"network": test["values"].double().numpy()}
    answers |= baseline_values(images, train, test["index"])
    truth = test["targets"].double().numpy()
    spread = np.maximum(truth.var(0), 1e-12)
    found = {
        name: float((1 - ((one - truth) ** 2).mean(0) / spread).mean())
        for name, one in answers.items()
    }
    return {"training_images": len(train), "test_images": len(truth), "r2": found}


def baseline_answers(
    images: ImageSet, train: Int[Tensor, " n"], test: Int[Tensor, " m"]
) -> dict[str, Int[np.ndarray, " m"]]:
    """The classes that each baseline gives the test images, by its name in `NAMES`."""
    t = images.targets[train].numpy()
    pixels, features = _described(images, train, test)
    return {
        "linear": _linear(pixels[0], t, pixels[1]),
        "nearest": _nearest(features[0], t, features[1]),
        "commonest": np.full(len(test), np.bincount(t).argmax()),
    }


def baseline_values(
    images: ImageSet, train: Int[Tensor, " n"], test: Int[Tensor, " m"]
) -> dict[str, Float[np.ndarray, "m numbers"]]:
    """The numbers that each baseline gives the test images, by its name in `NAMES`."""
    from sklearn.linear_model import RidgeCV
    from sklearn.neighbors import KNeighborsRegressor

    assert images.values is not None
    t = images.values[train].double().numpy()
    pixels, features = _described(images, train, test)
    return {
        "linear": _scaled(RidgeCV(PULLS), pixels[0], t, pixels[1]).reshape(len(test), -1),
        "nearest": _scaled(KNeighborsRegressor(1), features[0], t, features[1]),
        "mean": np.repeat(t.mean(0, keepdims=True), len(test), 0),
    }


def _described(
    images: ImageSet, train: Int[Tensor, " n"], test: Int[Tensor, " m"]
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Small pixels and patch features, each of the training and of the test images."""
    pixels = tuple(_pictures(images, index, SIDE).flatten(1).numpy() for index in (train, test))
    like = _pictures(images, train)
    asked = patch_features(like, _pictures(images, test))
    return (pixels[0], pixels[1]), (patch_features(like, like).numpy(), asked.numpy())


def _known(run: "Run", images: ImageSet) -> Int[Tensor, " n"]:
    """Some of the training images whose class the network was told."""
    labels = run.recipe.in_stages()[-1].labels
    train = run.split.train
    if labels and len(images.classes):
        train = labelled(run.split, images, labels, run.recipe.seed)
    known = in_few_shards(images.images, train[images.targets[train] >= 0], TRAINED_ON)
    return _evenly(known, TRAINED_ON)


def _fits(images: ImageSet, train: Int[Tensor, " n"]) -> bool:
    pictures = isinstance(images.target, Classes) and len(images.size) == 2
    return pictures and len(images.targets[train].unique()) > 1


def _evenly(index: Int[Tensor, " n"], most: int) -> Int[Tensor, " m"]:
    """At most so many of an index, in even steps."""
    if len(index) <= most:
        return index
    return index[torch.linspace(0, len(index) - 1, most).round().long()]


def _pictures(
    images: ImageSet, index: Int[Tensor, " n"], side: int = FEATURES_SIDE
) -> Float[Tensor, "n c h w"]:
    """Pictures in 0..1 at a small size, a few read at a time."""
    return torch.cat([small(to_float(images.images[some]), side) for some in index.split(CHUNK)])


def _linear(
    x: Float[np.ndarray, "n d"], t: Int[np.ndarray, " n"], asked: Float[np.ndarray, "m d"]
) -> Int[np.ndarray, " m"]:
    from sklearn.linear_model import RidgeClassifierCV

    return _scaled(RidgeClassifierCV(PULLS), x, t, asked)


def _nearest(
    x: Float[np.ndarray, "n d"], t: Int[np.ndarray, " n"], asked: Float[np.ndarray, "m d"]
) -> Int[np.ndarray, " m"]:
    from sklearn.neighbors import KNeighborsClassifier

    return _scaled(KNeighborsClassifier(1), x, t, asked)


def _scaled(
    method: object,
    x: Float[np.ndarray, "n d"],
    t: Shaped[np.ndarray, "n *k"],
    asked: Float[np.ndarray, "m d"],
) -> Shaped[np.ndarray, "m *any"]:
    """What a method of scikit-learn answers once each feature has mean 0 and spread 1."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fitted = make_pipeline(StandardScaler(), method).fit(x, t)
    answers: np.ndarray = fitted.predict(asked)
    return answers


def _outdone(kept: Baselines) -> str:
    """The doubt where a baseline is as good as the network; empty where none is, or all is right.

    That the commonest class, or the mean, is as good is said by the evaluation itself
    (`Evaluation.doubts`).
    """
    classes = "accuracy" in kept
    found = kept["accuracy"] if classes else kept["r2"]
    best = max("linear", "nearest", key=lambda name: found[name])
    if found["network"] > found[best] or found["network"] == 1:
        return ""
    what = {
        "linear": f"A linear {'classifier' if classes else 'regression'} of the pixels",
        "nearest": "The nearest neighbour by plain features",
    }[best]
    tests = f"{kept['test_images']:,} test images"
    share = (
        f"is right on {found[best]:.1%} of {tests}, and the network on {found['network']:.1%}"
        if classes
        else f"has an R squared of {found[best]:.2f} on {tests}, and the network of "
        f"{found['network']:.2f}"
    )
    return (
        f"{what} of {kept['training_images']:,} training images {share}: it has not shown that it "
        "learned more than that."
    )


def _advice(run: "Run") -> str:
    """What may help, of what the run has not done already."""
    stages = run.recipe.in_stages()
    begun = any(one.pretrained or one.freeze for one in stages)
    if all(one.freeze for one in stages):
        return "Let all layers learn (--quality good, or without --freeze), or add images."
    last = "on more images" if begun else "take a pre-trained network"
    return f"Train longer, at another --lr, or {last}."
