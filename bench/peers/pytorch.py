"""What Cutaway is compared with, written as their own documentation writes it."""

import gzip
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

MEAN, STD = 0.1307, 0.3081


def to_tensor(image: Image.Image) -> torch.Tensor:
    """The steps of torchvision's `ToTensor` (which cannot be imported beside the CPU build)."""
    tensor = torch.from_numpy(np.array(image, np.uint8, copy=True))
    tensor = tensor.view(image.size[1], image.size[0], 1).permute(2, 0, 1).contiguous()
    return tensor.to(torch.float32).div(255)


def normalize(tensor: torch.Tensor) -> torch.Tensor:
    """The steps of torchvision's `Normalize`."""
    tensor = tensor.clone()
    mean = torch.as_tensor((MEAN,), dtype=tensor.dtype).view(-1, 1, 1)
    std = torch.as_tensor((STD,), dtype=tensor.dtype).view(-1, 1, 1)
    return tensor.sub_(mean).div_(std)


class MNIST(Dataset):
    """Like torchvision's: a PIL image a sample, then `ToTensor` and `Normalize`."""

    def __init__(self, part: str):
        root = Path(os.environ["CUTAWAY_DATA"]) / "mnist"
        stem = "train" if part == "train" else "t10k"
        self.images = read(root / f"{stem}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
        self.targets = read(root / f"{stem}-labels-idx1-ubyte.gz", 8)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        return normalize(to_tensor(Image.fromarray(self.images[i]))), int(self.targets[i])


def read(path: Path, header: int) -> np.ndarray:
    """The bytes of an IDX file behind its header."""
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def standard_loop(model: nn.Module, batch: int, workers: int, epochs: int) -> float:
    """Seconds of the usual loop: DataLoader with workers, SGD, cross-entropy.

    Like ours it adds up the loss and the right answers of the epoch.
    """
    loader = DataLoader(
        MNIST("train"), batch, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    model.train()
    iter(loader)  # the workers start off the clock
    started = time.perf_counter()
    for _ in range(epochs):
        running, correct = 0.0, 0
        for x, t in loader:
            optimizer.zero_grad()
            output = model(x)
            loss = F.cross_entropy(output, t)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(t)
            correct += (output.argmax(1) == t).sum().item()
    return time.perf_counter() - started


class ExampleNet(nn.Module):
    """The network of PyTorch's own MNIST example, from its description."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        self.dropout1, self.dropout2 = nn.Dropout(0.25), nn.Dropout(0.5)
        self.fc1, self.fc2 = nn.Linear(9216, 128), nn.Linear(128, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        x = self.dropout1(F.max_pool2d(x, 2)).flatten(1)
        x = self.dropout2(F.relu(self.fc1(x)))
        return F.log_softmax(self.fc2(x), dim=1)


def official_example(seed: int, epochs: int = 14) -> Iterator[tuple[float, float]]:
    """After each epoch: seconds of training so far, and accuracy on the test set."""
    torch.manual_seed(seed)
    train = DataLoader(MNIST("train"), batch_size=64, shuffle=True)
    test = DataLoader(MNIST("test"), batch_size=1000)
    model = ExampleNet()
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    seconds = 0.0
    for _ in range(epochs):
        started = time.perf_counter()
        model.train()
        for x, t in train:
            optimizer.zero_grad()
            F.nll_loss(model(x), t).backward()
            optimizer.step()
        scheduler.step()
        seconds += time.perf_counter() - started
        yield seconds, accuracy(model, test)


@torch.inference_mode()
def accuracy(model: Callable[[torch.Tensor], torch.Tensor], loader: DataLoader) -> float:
    """Share of right answers."""
    if isinstance(model, nn.Module):
        model.eval()
    right = [(model(x).argmax(1) == t).sum().item() for x, t in loader]
    return sum(right) / len(loader.dataset)  # type: ignore[arg-type]
