"""skorch: a NeuralNetClassifier that is fitted, set as its page on performance advises."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from torch import nn
from torch.nn import functional as F
from torch.utils.data import Dataset, TensorDataset

from bench.peers import command, data
from bench.peers.torch_data import dataset, picture
from bench.peers.torch_nets import NETS, lenet5
from bench.peers.watch import Watch
from bench.peers.works import WORKS, Work


class Stopwatch(Callback):
    """Shows the training to the watch. Of networks in turn, an epoch is one of each."""

    def __init__(self, watch: Watch, nets: int = 1):
        self.watch, self.nets = watch, nets
        self.losses: list[float] = []

    def on_batch_end(self, net: NeuralNetClassifier, **_: object) -> None:
        self.watch.step()

    def on_epoch_end(self, net: NeuralNetClassifier, **_: object) -> None:
        self.losses.append(net.history[-1, "train_loss"])
        if len(self.losses) % self.nets == 0:
            self.watch.epoch()


def classifier(
    net: nn.Module, work: Work, callbacks: Sequence[Callback] = (), **more: object
) -> NeuralNetClassifier:
    """An estimator that learns from all examples."""
    return NeuralNetClassifier(
        net,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        optimizer__nesterov=True,
        lr=work.rate,
        batch_size=work.batch,
        max_epochs=work.epochs,
        train_split=None,
        verbose=0,
        callbacks=[*callbacks],
        **more,
    )


def examples(name: str, work: Work) -> Dataset:
    """Of MNIST and CIFAR-10 all pixels as one tensor, as in skorch's notebooks."""
    if name == "resnet20":
        images, targets = data.cifar10(work.images)
        images, mean, std = images.transpose(0, 3, 1, 2), data.CIFAR_MEAN, data.CIFAR_STD
        return tensors(images, targets, mean, std)
    if name in ("mlp", "lenet5", "fleet"):
        images, targets = (part[: work.images] for part in data.mnist())
        return tensors(images[:, None], targets, (data.MNIST_MEAN,), (data.MNIST_STD,))
    return dataset(name, work)


def tensors(
    images: np.ndarray, targets: np.ndarray, mean: Sequence[float], std: Sequence[float]
) -> TensorDataset:
    """Images of (n, c, h, w) at mean 0 and deviation 1."""
    each = np.array([mean, std], np.float32)[:, None, :, None, None]
    pixels = (images.astype(np.float32) / 255 - each[0]) / each[1]
    return TensorDataset(torch.from_numpy(pixels), torch.from_numpy(targets))


def train(name: str, work: Work, watch: Watch) -> dict[str, object]:
    """Fit the networks of a work, one after another; the mean loss of each epoch."""
    stopwatch = Stopwatch(watch, work.nets)
    more: dict[str, object] = {"iterator_train__shuffle": name != "xor"}
    if name == "rocks":
        more |= {"iterator_train__num_workers": 2, "iterator_train__persistent_workers": True}
    ready = examples(name, work)
    for _ in range(work.nets):
        classifier(NETS[name](), work, [stopwatch], **more).fit(ready, None)
    return {"losses": stopwatch.losses}


class Cnn(nn.Module):
    """The network of skorch's MNIST notebook, from its description."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        self.conv2_drop, self.fc1_drop = nn.Dropout2d(0.5), nn.Dropout(0.5)
        self.fc1, self.fc2 = nn.Linear(1600, 100), nn.Linear(100, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))
        x = F.relu(self.fc1_drop(self.fc1(x.flatten(1))))
        return F.softmax(self.fc2(x), dim=-1)


class Judge(Callback):
    """Looks at the test set after an epoch, off the clock."""

    def __init__(self, watch: Watch):
        self.watch = watch
        self.x, self.t = scaled("test")

    def on_batch_end(self, net: NeuralNetClassifier, **_: object) -> None:
        self.watch.step()

    def on_epoch_end(self, net: NeuralNetClassifier, **_: object) -> None:
        with self.watch.off_the_clock():
            share = float((net.predict(self.x) == self.t).mean())
        if command.enough(self.watch, share):
            raise KeyboardInterrupt  # how skorch's own callbacks end a training early


def scaled(part: str) -> data.Arrays:
    """Pixels from 0 to 1, as (n, 1, 28, 28)."""
    images, targets = data.mnist(part)
    return images[:, None].astype(np.float32) / 255, targets


def example(watch: Watch) -> None:
    """skorch's MNIST notebook: a fifth of the training set is kept for validation, its default."""
    judge = Judge(watch)
    NeuralNetClassifier(
        Cnn, max_epochs=10, lr=0.002, optimizer=torch.optim.Adam, callbacks=[judge]
    ).fit(*scaled("train"))


def save(path: Path) -> None:
    """A LeNet-5 that saw 6,400 images, as its parameters."""
    work = replace(WORKS["lenet5"], images=6_400, epochs=1)
    net = classifier(lenet5(), work, iterator_train__shuffle=True)
    net.fit(examples("lenet5", work), None).save_params(f_params=path)


def predict(path: Path, image: Path) -> tuple[int, float]:
    """What a user writes to ask a saved network."""
    net = classifier(lenet5(), WORKS["lenet5"]).initialize()
    net.load_params(f_params=path)
    probabilities = net.predict_proba(picture(image))[0]
    return int(probabilities.argmax()), float(probabilities.max())


TRAIN: dict[str, command.Train | str] = {name: partial(train, name) for name in NETS}
TRAIN["dcgan"] = "skorch has no training of two players"

if __name__ == "__main__":
    torch.manual_seed(0)
    command.run(TRAIN, example, save, predict)
