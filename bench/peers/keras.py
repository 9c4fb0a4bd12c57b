"""Keras 3 as its guides have it: arrays in memory, `compile` and `fit`.

Its backend is `KERAS_BACKEND`, or else the one that measured fastest: JAX for dense networks, whose
step it fuses, PyTorch for convolutions, whose gradients are slow on JAX's CPU backend.
"""

import math
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

os.environ.setdefault(
    "KERAS_BACKEND", "jax" if {"xor", "digits", "mlp", "fleet"} & set(sys.argv) else "torch"
)

import keras
import numpy as np

from bench.peers import arrays, command, data, keras_nets
from bench.peers.watch import Watch
from bench.peers.works import WORKS, Work

Found = dict[str, object]
Logs = dict[str, float] | None
Build = Callable[[], keras.Model]
Read = Callable[[Work], data.Arrays]


class First(keras.callbacks.Callback):
    """Tells the watch of the first step.

    `fit` waits for a step's loss before it calls; `async_safe` lets it do so in a thread.
    """

    async_safe = True

    def __init__(self, watch: Watch):
        super().__init__()
        self.watch = watch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self.watch.step()


class Ears(First):
    """Tells the watch of each epoch, too."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.watch.epoch()


class Judge(First):
    """Looks at the test set after each epoch, off the clock."""

    def __init__(self, watch: Watch, test: data.Arrays):
        super().__init__(watch)
        self.test = test

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        with self.watch.off_the_clock():
            share = self.model.evaluate(*self.test, verbose=0)[1]
        self.model.stop_training = command.enough(self.watch, share)


def compiled(model: keras.Model, rate: float) -> keras.Model:
    sgd = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(sgd, loss, metrics=["accuracy"])
    return model


def classify(build: Build, read: Read, work: Work, watch: Watch, shuffle: bool = True) -> Found:
    """One network; `verbose=2` is what the guides advise where nobody watches."""
    x, t = read(work)
    model = compiled(build(), work.rate)
    history = model.fit(
        x, t, work.batch, work.epochs, verbose=2, callbacks=[Ears(watch)], shuffle=shuffle
    )
    return {"losses": history.history["loss"], "backend": keras.backend.backend()}


def fleet(work: Work, watch: Watch) -> Found:
    """One network after another, epoch by epoch, so that only the first epoch compiles."""
    x, t = arrays.vectors(work)
    models = [compiled(keras_nets.mlp(784, 128, 10), work.rate) for _ in range(work.nets)]
    losses = []
    for _ in range(work.epochs):
        found = [
            model.fit(x, t, work.batch, verbose=2, callbacks=[First(watch)]) for model in models
        ]
        losses.append(float(np.mean([one.history["loss"] for one in found])))
        watch.epoch()
    return {"losses": losses, "backend": keras.backend.backend()}


def dcgan(work: Work, watch: Watch) -> Found:
    """`fit` with the two players' `train_step`."""
    if keras.backend.backend() != "torch":
        raise SystemExit("The guide's GAN is written for each backend; here it is for torch.")
    from bench.peers.keras_gan import GAN

    gan = GAN(keras_nets.discriminator(), keras_nets.generator(), latent=100)
    gan.compile(*(keras.optimizers.Adam(work.rate, beta_1=0.5) for _ in "dg"))
    history = gan.fit(
        arrays.gan(work), None, work.batch, work.epochs, verbose=2, callbacks=[Ears(watch)]
    )
    losses = list(zip(history.history["d_loss"], history.history["g_loss"], strict=True))
    return {"losses": losses, "backend": "torch"}


def example(watch: Watch) -> None:
    """keras.io's "Simple MNIST convnet"."""
    (x, t), (x_test, t_test) = (
        (np.expand_dims(images.astype("float32") / 255, -1), keras.utils.to_categorical(t, 10))
        for images, t in (data.mnist(), data.mnist("test"))
    )
    model = keras_nets.example()
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    judge = Judge(watch, (x_test, t_test))
    model.fit(x, t, 128, 15, verbose=2, validation_split=0.1, callbacks=[judge])


def save(path: Path) -> None:
    """A LeNet-5 that saw 19,200 images, as a `.keras` file."""
    x, t = arrays.mnist(replace(WORKS["lenet5"], images=19_200))
    model = compiled(keras_nets.lenet5(), WORKS["lenet5"].rate)
    model.fit(x, t, 128, verbose=2)
    model.save(path.with_suffix(".keras"))  # the only name that Keras accepts


def predict(path: Path, image: Path) -> tuple[int, float]:
    """What a user writes to ask a saved network."""
    model = keras.saving.load_model(path.with_suffix(".keras"))
    picture = keras.utils.load_img(image, color_mode="grayscale")
    x = arrays.pixels(keras.utils.img_to_array(picture)[None, :, :, 0])
    return answers(model.predict(x, verbose=0))[0]


class Pictures(keras.utils.PyDataset):
    """Grey images from disk, 256 at a time."""

    def __init__(self, files: list[Path], **settings: object):
        super().__init__(**settings)
        self.files = files

    def __len__(self) -> int:
        return math.ceil(len(self.files) / 256)

    def __getitem__(self, i: int) -> np.ndarray:
        some = self.files[256 * i : 256 * (i + 1)]
        pictures = [keras.utils.load_img(one, color_mode="grayscale") for one in some]
        images = [keras.utils.img_to_array(one, dtype="uint8")[:, :, 0] for one in pictures]
        return arrays.pixels(np.stack(images))


def folder(path: Path, files: list[Path]) -> command.Answers:
    """The same for many, with two processes that decode; `image_dataset_from_directory`, which
    the guides take, needs TensorFlow."""
    model = keras.saving.load_model(path.with_suffix(".keras"))
    pictures = Pictures(files, workers=2, use_multiprocessing=True)
    return files, answers(model.predict(pictures, verbose=0))


def answers(logits: np.ndarray) -> list[tuple[int, float]]:
    """Class and probability of each example of a batch."""
    chances = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
    return list(zip(chances.argmax(1).tolist(), chances.max(1).tolist(), strict=True))


TRAIN = {
    "xor": partial(classify, partial(keras_nets.mlp, 2, 8, 2), arrays.xor, shuffle=False),
    "digits": partial(classify, partial(keras_nets.mlp, 64, 32, 10), arrays.digits),
    "mlp": partial(classify, partial(keras_nets.mlp, 784, 128, 10), arrays.vectors),
    "lenet5": partial(classify, keras_nets.lenet5, arrays.mnist),
    "resnet20": partial(classify, keras_nets.resnet20, arrays.cifar10),
    "dcgan": dcgan,
    "fleet": fleet,
    "rocks": "no weights of EfficientNet-Lite0 for Keras install from the package index",
}

if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    command.run(TRAIN, example, save, predict, folder)
