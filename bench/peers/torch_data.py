"""Loaders of the works' examples, as torchvision's data sets and transforms give them.

torchvision cannot be imported beside the CPU build of PyTorch 2.13, so that the steps of its
transforms are written out: a PIL image a sample, `ToTensor`, `Normalize`.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, TensorDataset

from bench.peers import data
from bench.peers.works import Work

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Channels = tuple[float, ...]


def to_tensor(image: Image.Image) -> torch.Tensor:
    """The steps of torchvision's `ToTensor`."""
    tensor = torch.from_numpy(np.array(image, np.uint8, copy=True))
    tensor = tensor.view(image.size[1], image.size[0], len(image.getbands()))
    return tensor.permute(2, 0, 1).contiguous().to(torch.float32).div(255)


def normalize(tensor: torch.Tensor, mean: Channels, std: Channels) -> torch.Tensor:
    """The steps of torchvision's `Normalize`."""
    tensor = tensor.clone()
    return tensor.sub_(torch.as_tensor(mean).view(-1, 1, 1)).div_(
        torch.as_tensor(std).view(-1, 1, 1)
    )


class Images(Dataset):
    """Arrays in memory, an image made of each, as torchvision's MNIST and CIFAR10 do."""

    def __init__(self, arrays: data.Arrays, mean: Channels, std: Channels):
        self.images, self.targets = arrays
        self.mean, self.std = mean, std

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        image = Image.fromarray(self.images[i])
        return normalize(to_tensor(image), self.mean, self.std), int(self.targets[i])


class Photographs(Dataset):
    """Files, decoded when asked for, as torchvision's ImageFolder; `Resize`, `CenterCrop`."""

    def __init__(self, files: list[Path], targets: np.ndarray):
        self.files, self.targets = files, targets

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        image = center_crop(resize(Image.open(self.files[i]).convert("RGB"), 256), 224)
        return normalize(to_tensor(image), IMAGENET_MEAN, IMAGENET_STD), int(self.targets[i])


def resize(image: Image.Image, side: int) -> Image.Image:
    """The shorter side becomes `side` pixels."""
    short = min(image.size)
    width, height = (side * length // short for length in image.size)
    return image.resize((width, height), Image.Resampling.BILINEAR)


def center_crop(image: Image.Image, side: int) -> Image.Image:
    """A square of the middle."""
    left, top = ((length - side) // 2 for length in image.size)
    return image.crop((left, top, left + side, top + side))


def mnist(part: str = "train", count: int | None = None) -> Images:
    """The first images of a part, at mean 0 and deviation 1."""
    images, targets = data.mnist(part)
    return Images((images[:count], targets[:count]), (data.MNIST_MEAN,), (data.MNIST_STD,))


def dataset(name: str, work: Work) -> Dataset:
    """The examples of a work."""
    if name == "xor":
        x, t = data.xor()
        again = work.images // len(x)
        return TensorDataset(torch.tensor(x).repeat(again, 1), torch.tensor(t).repeat(again))
    if name == "digits":
        x, t = data.digits()
        return TensorDataset(torch.tensor((x - x.mean()) / x.std()).float(), torch.tensor(t))
    if name == "resnet20":
        return Images(data.cifar10(work.images), data.CIFAR_MEAN, data.CIFAR_STD)
    if name == "rocks":
        return Photographs(*data.rocks())
    if name == "dcgan":
        images, targets = data.mnist()
        return Images((images[: work.images], targets[: work.images]), (0.5,), (0.5,))
    return mnist("train", work.images)


def loader(name: str, work: Work) -> DataLoader:
    """Batches of a work; two workers where an example has to be made, none where it is there."""
    examples = dataset(name, work)
    if isinstance(examples, TensorDataset):
        return DataLoader(examples, work.batch, shuffle=name != "xor")
    return DataLoader(examples, work.batch, shuffle=True, num_workers=2, persistent_workers=True)


@torch.inference_mode()
def accuracy(net: torch.nn.Module, batches: DataLoader) -> float:
    """Share of right answers; the network is left in training mode."""
    net.eval()
    right = sum((net(x).argmax(1) == t).sum().item() for x, t in batches)
    net.train()
    return right / len(batches.dataset)


class Pictures(Dataset):
    """Grey images from disk."""

    def __init__(self, files: list[Path]):
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> torch.Tensor:
        return picture(self.files[i])[0]


def picture(path: Path) -> torch.Tensor:
    """A grey image from disk as a batch of one."""
    tensor = to_tensor(Image.open(path).convert("L"))
    return normalize(tensor, (data.MNIST_MEAN,), (data.MNIST_STD,))[None]


def answers(logits: torch.Tensor) -> list[tuple[int, float]]:
    """Class and probability of each example of a batch."""
    probabilities, digits = logits.softmax(1).max(1)
    return list(zip(digits.tolist(), probabilities.tolist(), strict=True))
