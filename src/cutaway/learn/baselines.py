"""Simple baselines beside a classifier, so that a network that has learned nothing is seen."""

from typing import TYPE_CHECKING, TypedDict

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.data.feed import to_float
from cutaway.data.imageset import ImageSet
from cutaway.data.labels import labelled
from cutaway.data.target import Classes
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
    """A run's `baselines.json`; `accuracy` is that of the `network` and of each in `NAMES`."""

    training_images: int
    test_images: int
    accuracy: dict[str, float]


NAMES = {
    "linear": "linear on pixels",
    "nearest": "nearest neighbour on patch features",
    "commonest": "commonest training class",
}


def keep_baselines(run: "Run", images: ImageSet) -> None:
    """Measure the baselines of a run that has ended, keep them, and note what outdoes it.

    Does nothing where no pictures are told apart by their class, or nothing is held out.
    """
    if not run.task.classifies or torch.equal(run.split.train, run.split.test):
        return
    train = _known(run, images)
    if not _fits(images, train):
        return
    tensors, _ = load_tensors(run.path / "predictions.safetensors")
    rows = _evenly(torch.arange(len(tensors["index"])), TESTED_ON)
    truth = tensors["targets"][rows].numpy()
    answers = {"network": tensors["probabilities"][rows].argmax(1).numpy()}
    answers |= baseline_answers(images, train, tensors["index"][rows])
    found = {name: float((one == truth).mean()) for name, one in answers.items()}
    kept: Baselines = {
        "training_images": len(train), "test_images": len(rows), "accuracy": found,
    }  # fmt: skip
    write_json(run.path / FILE, kept)
    if sentence := _outdone(found, len(train), len(rows)):
        add_note(run, "outdone", sentence)


def baseline_answers(
    images: ImageSet, train: Int[Tensor, " n"], test: Int[Tensor, " m"]
) -> dict[str, Int[np.ndarray, " m"]]:
    """The classes that each baseline gives the test images, by its name in `NAMES`."""
    t = images.targets[train].numpy()
    pixels, asked = (_pictures(images, index, SIDE).flatten(1) for index in (train, test))
    like = _pictures(images, train)
    features = patch_features(like, like), patch_features(like, _pictures(images, test))
    return {
        "linear": _linear(pixels.numpy(), t, asked.numpy()),
        "nearest": _nearest(features[0].numpy(), t, features[1].numpy()),
        "commonest": np.full(len(test), np.bincount(t).argmax()),
    }


def _known(run: "Run", images: ImageSet) -> Int[Tensor, " n"]:
    """Some of the training images whose class the network was told."""
    labels = run.recipe.in_stages()[-1].labels
    train = run.split.train
    if labels and len(images.classes):
        train = labelled(run.split, images, labels, run.recipe.seed)
    return _evenly(train[images.targets[train] >= 0], TRAINED_ON)


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
    classifier: object,
    x: Float[np.ndarray, "n d"],
    t: Int[np.ndarray, " n"],
    asked: Float[np.ndarray, "m d"],
) -> Int[np.ndarray, " m"]:
    """What a classifier answers once each feature has mean 0 and spread 1."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fitted = make_pipeline(StandardScaler(), classifier).fit(x, t)
    answers: np.ndarray = fitted.predict(asked)
    return answers


def _outdone(found: dict[str, float], training: int, tests: int) -> str:
    """The doubt where a baseline is as good as the network; empty where none is, or all is right.

    That the commonest class is as good is said by the evaluation itself (`Evaluation.doubts`).
    """
    best = max("linear", "nearest", key=lambda name: found[name])
    if found["network"] > found[best] or found["network"] == 1:
        return ""
    what = {
        "linear": "A linear classifier of the pixels",
        "nearest": "The nearest neighbour by plain features",
    }[best]
    return (
        f"{what} of {training:,} training images is right on {found[best]:.1%} of {tests:,} test "
        f"images, and the network on {found['network']:.1%}: it has not shown that it learned "
        "more than that. Train longer, at another --lr, or take a pre-trained network."
    )
