"""fastai: a Learner on its own loaders, with PyTorch's SGD, as its own has no Nesterov step."""

import tempfile
from functools import partial
from pathlib import Path

import torch
from fastai.callback.core import Callback
from fastai.callback.schedule import Learner  # with fit_one_cycle
from fastai.data.core import DataLoaders
from fastai.data.transforms import Normalize
from fastai.learner import CancelFitException, CancelValidException, load_learner
from fastai.losses import CrossEntropyLossFlat
from fastai.optimizer import OptimWrapper
from fastai.torch_core import set_seed
from fastai.vision.core import PILImageBW
from fastai.vision.data import ImageDataLoaders
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from bench.peers import command, data
from bench.peers.torch_data import Images, accuracy, answers, dataset, mnist, picture
from bench.peers.torch_nets import NETS, lenet5
from bench.peers.watch import Watch
from bench.peers.works import WORKS, Work

EXAMPLE_EPOCHS = 10


class Stopwatch(Callback):
    """Shows the training to the watch. Of networks in turn, an epoch is one of each."""

    def __init__(self, watch: Watch, nets: int = 1):
        self.watch, self.nets = watch, nets
        self.losses: list[float] = []

    def after_batch(self) -> None:
        self.watch.step()

    def before_validate(self) -> None:
        self.losses.append(self.learn.smooth_loss.item())
        if len(self.losses) % self.nets == 0:
            self.watch.epoch()
        raise CancelValidException


def learner(net: nn.Module, examples: Dataset, batch: int, shuffle: bool = True) -> Learner:
    """All examples are learned from; two workers where an example has to be made."""
    workers = 0 if isinstance(examples, TensorDataset) else 2
    loaders = DataLoaders.from_dsets(
        examples, examples, bs=batch, shuffle=(shuffle, False), drop_last=(False, False),
        num_workers=workers, device=torch.device("cpu"),
    )  # fmt: skip
    sgd = partial(OptimWrapper, opt=torch.optim.SGD, momentum=0.9, nesterov=True)
    return Learner(loaders, net, loss_func=CrossEntropyLossFlat(), opt_func=sgd)


def train(name: str, work: Work, watch: Watch) -> dict[str, object]:
    """Fit the networks of a work, one after another; the smoothed loss of each epoch."""
    stopwatch, examples = Stopwatch(watch, work.nets), dataset(name, work)
    for _ in range(work.nets):
        one = learner(NETS[name](), examples, work.batch, shuffle=name != "xor")
        with one.no_bar(), one.no_logging():
            one.fit(work.epochs, work.rate, cbs=[stopwatch])
    return {"losses": stopwatch.losses}


class Judge(Callback):
    """Looks at the test set after an epoch, off the clock."""

    def __init__(self, watch: Watch):
        self.watch, self.test = watch, DataLoader(plain("test"), 1000)

    def after_batch(self) -> None:
        self.watch.step()

    def before_validate(self) -> None:
        with self.watch.off_the_clock():
            share = accuracy(self.learn.model, self.test)
        if command.enough(self.watch, share):
            raise CancelFitException
        raise CancelValidException


def plain(part: str) -> Images:
    """MNIST as the example has it, pixels from 0 to 1, in three channels for a network of those."""
    images, targets = mnist(part).images, mnist(part).targets
    return Images((images[..., None].repeat(3, -1), targets), (0.0,), (1.0,))


def example(watch: Watch) -> None:
    """fastai's MNIST example, a ResNet-18 by one cycle at 0.01 in batches of 256, without weights
    learned elsewhere, which are not at hand; timm has the network."""
    import timm

    net = timm.create_model("resnet18", num_classes=10)
    loaders = DataLoaders.from_dsets(
        plain("train"), plain("test"), bs=256, num_workers=2, device=torch.device("cpu")
    )
    one = Learner(loaders, net, loss_func=CrossEntropyLossFlat())
    with one.no_bar(), one.no_logging():
        one.fit_one_cycle(EXAMPLE_EPOCHS, 1e-2, cbs=[Judge(watch)])


def save(path: Path) -> None:
    """A LeNet-5 that saw 6,400 images, learned from files and exported as a learner."""
    images, targets = data.mnist()
    with tempfile.TemporaryDirectory() as folder:
        for i, (image, digit) in enumerate(zip(images[:6_400], targets, strict=False)):
            file = Path(folder, str(digit), f"{i}.png")
            file.parent.mkdir(exist_ok=True)
            Image.fromarray(image).save(file)
        scaled = Normalize.from_stats([data.MNIST_MEAN], [data.MNIST_STD], cuda=False)
        loaders = ImageDataLoaders.from_folder(
            folder, valid_pct=0.01, seed=0, bs=128, num_workers=2, img_cls=PILImageBW,
            batch_tfms=scaled, device=torch.device("cpu"),
        )  # fmt: skip
        one = Learner(loaders, lenet5(), loss_func=CrossEntropyLossFlat())
        with one.no_bar(), one.no_logging():
            one.fit(1, WORKS["lenet5"].rate)
        one.export(path)


def predict(path: Path, image: Path) -> tuple[int, float]:
    """What a user writes to ask a saved network."""
    net = load_learner(path).model.eval()
    with torch.inference_mode():
        return answers(net(picture(image)))[0]


def folder(path: Path, files: list[Path]) -> command.Answers:
    """The same for many, as the page on inference has it."""
    one = load_learner(path)
    with one.no_bar():
        found, _ = one.get_preds(dl=one.dls.test_dl(files, bs=256, num_workers=2))
    probabilities, digits = found.max(1)
    return files, list(zip(digits.tolist(), probabilities.tolist(), strict=True))


TRAIN: dict[str, command.Train | str] = {name: partial(train, name) for name in NETS}
TRAIN["dcgan"] = "fastai's GANLearner moves one player a batch, which is another work"

if __name__ == "__main__":
    set_seed(0)
    command.run(TRAIN, example, save, predict, folder)
