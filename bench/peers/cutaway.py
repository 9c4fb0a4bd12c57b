"""Cutaway itself, as its own documentation has it."""

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

import cutaway as ca
from bench.peers.command import enough
from bench.peers.command import run as command
from bench.peers.data import evenly
from bench.peers.watch import Watch
from bench.peers.works import WORKS, Work
from cutaway.data.imageset import ImageSet
from cutaway.learn.callbacks import Callback
from cutaway.learn.fit import fit
from cutaway.learn.fleet import Fleet, launch
from cutaway.learn.history import Row
from cutaway.learn.options import TRANSFER
from cutaway.learn.recipe import Recipe
from cutaway.learn.training import Training
from cutaway.recipes import pair

Found = dict[str, object]
PLAIN: dict[str, Any] = {
    "optimizer": "nesterov", "optimizer_options": {}, "momentum": 0.9, "weight_decay": 0.0,
    "schedule": "constant", "warmup": 0.0, "augment": "none", "label_smoothing": 0.0, "val": 0.0,
    "patience": 0, "precision": "float32", "device": "cpu",
}  # fmt: skip
PAIRS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "xor": ("mlp", "xor", {"model_options": {"widths": "8"}, "repeat": 500}),
    "digits": ("mlp", "digits", {"model_options": {"widths": "32"}, "image_size": 0}),
    "mlp": ("mlp", "mnist", {"model_options": {"widths": "128"}}),
    "lenet5": ("lenet5", "mnist", {}),
    "resnet20": ("resnet20", "cifar10", {}),
    "rocks": ("efficientnet_lite0", "rocks", TRANSFER | {"pretrained": "auto", "image_size": 224}),
    "fleet": ("mlp", "mnist", {"model_options": {"widths": "128"}}),
}


class Ears(Callback):
    """Tells the watch of a run's first step and of each epoch."""

    def __init__(self, watch: Watch):
        self.watch = watch

    def on_step_end(self, training: Training) -> None:
        self.watch.step()

    def on_epoch_end(self, training: Training, row: Row) -> None:
        self.watch.epoch()


class FleetEars(Callback):
    """Tells the watch of each epoch of members that learn together; a step is not heard alone."""

    def __init__(self, watch: Watch):
        self.watch = watch

    def on_members_epoch_end(self, fleet: Fleet, rows: Sequence[Row]) -> None:
        self.watch.step()
        self.watch.epoch()


def recipe_of(name: str, work: Work) -> Recipe:
    """The work as a recipe."""
    if name == "dcgan":
        adam = {"optimizer": "adam", "momentum": 0.5, "optimizer_options": {}, "ema": 0.0}
        own = {"task_options": {"discriminator_rate": 1.0}, "schedule": "constant", "val": 0.0}
        recipe = pair("dcgan", "mnist").override(precision="float32", device="cpu", **adam, **own)
    else:
        model, data, own = PAIRS[name]
        recipe = pair(model, data).override(**(own | PLAIN), task="classify")
    return recipe.override(
        epochs=work.epochs, batch_size=work.batch, lr=work.rate, replicates=work.nets
    )


def images_of(name: str, recipe: Recipe, work: Work) -> ImageSet:
    """The data, the training images cut to what an epoch of the work has."""
    images: ImageSet = ca.load(recipe.data, image_size=recipe.image_size or None)
    if name in ("xor", "digits", "rocks"):
        return images
    assert images.parts is not None
    learned, test = ((images.parts == part).nonzero()[:, 0] for part in (0, 2))
    some = evenly(len(learned), work.images) if name == "resnet20" else slice(work.images)
    return images.subset(torch.cat([learned[some], test]))


def train(name: str, work: Work, watch: Watch) -> Found:
    recipe = recipe_of(name, work)
    images = images_of(name, recipe, work)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        if work.nets > 1:
            return {"way": launch(recipe, images, out=out, callbacks=[FleetEars(watch)]).way}
        run = fit(recipe, images, out=out, callbacks=[Ears(watch)])
        return {"train_accuracy": run.metrics[-1].get("train_accuracy")}


class Judge(Ears):
    """Looks at the test set after each epoch, off the clock; nothing is chosen by it."""

    def on_epoch_end(self, training: Training, row: Row) -> None:
        with self.watch.off_the_clock():
            feed = training.run.feed(training.images, training.run.split.test)
            network, target = training.stage.answering, training.run.data.target
            found = training.run.task.evaluate(network, feed, target, training.runtime)
        enough(self.watch, found.summary()["accuracy"])


def example(watch: Watch) -> None:
    """`cutaway train mnist-sprint`."""
    with tempfile.TemporaryDirectory() as folder:
        ca.fit("mnist-sprint", out=Path(folder) / "run", progress=False, callbacks=[Judge(watch)])


def save(path: Path) -> None:
    ca.fit("lenet5", "mnist", epochs=1, out=path, progress=False)


if __name__ == "__main__":
    command(
        {name: partial(train, name) for name in WORKS},
        example,
        save,
    )
