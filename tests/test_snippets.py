"""Python that README.md and docs/*.md show runs as it stands there, block by block.

Each block is given the names that its page leaves to the reader: a network, images, classes. What
would train for many minutes trains for fewer epochs.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.digits import digits
from helpers.model_packages import package
from PIL import Image
from torch import nn
from torch.nn import functional as F

import cutaway as ca
from cutaway.data.catalog import SOURCES
from cutaway.models import build
from cutaway.see import probe

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
pytestmark = pytest.mark.slow


def blocks() -> dict[str, str]:
    """Every block of Python by its page and its first line that is no import."""
    found = {}
    for page in PAGES:
        for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
            lines = [line for line in block.splitlines() if line and "import" not in line]
            found[f"{page.name}: {lines[0].partition('  #')[0]}"] = block
    return found


class Named(nn.Module):
    """A network of one's own with a layer of the name that the pages use."""

    def __init__(self) -> None:
        super().__init__()
        self.layer4 = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
        self.head = nn.Linear(4, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer4(x).mean((2, 3)))


def names() -> dict[str, Any]:
    """What a reader of docs/microscope.md has: a network, its images and classes, and the rest."""
    torch.manual_seed(0)
    found = digits(32, size=32)
    images = found.images.permute(0, 3, 1, 2).float() / 255
    model = build("lenet5", 1, 10, (32, 32)).eval()

    def train(network: nn.Module) -> None:
        optimizer = torch.optim.SGD(network.parameters(), 0.01)
        for _ in range(100):
            optimizer.zero_grad()
            F.cross_entropy(network(images), found.targets).backward()
            optimizer.step()

    return {
        "ca": ca, "torch": torch, "model": model, "other": build("lenet5", 1, 10, (32, 32)),
        "network": build("lenet5", 1, 10, (28, 28)), "my_module": Named(),
        "images": images, "x": images[:8], "t": found.targets[:8], "train": train,
        "my_dataset": list(zip(images, found.targets.tolist(), strict=True)),
    }  # fmt: skip


def in_readme(names: dict[str, Any]) -> dict[str, Any]:
    if SOURCES["mnist"].local is None:
        pytest.skip("MNIST is not here: CUTAWAY_DATA names the folder that holds it.")
    Image.fromarray(digits(8, 32).images[7, ..., 0].numpy()).save("seven.png")
    Path("photographs").mkdir()
    shutil.copy("seven.png", "photographs")
    return names


def by_hand(names: dict[str, Any]) -> dict[str, Any]:
    x = names["images"][:2, :, 2:30, 2:30]
    return names | {"x": x, "g": torch.ones(2, 10)}


def receptive(names: dict[str, Any]) -> dict[str, Any]:
    images = names["images"]
    batches = images.split(8)
    return names | {"batches": batches, "training_batches": batches,
                    "vgg16": build("vgg16", 1, 10, (32, 32)).eval()}  # fmt: skip


def explained(names: dict[str, Any]) -> dict[str, Any]:
    return names | {"model": build("resnet20", 1, 10, (32, 32)).eval()}


def modified(names: dict[str, Any]) -> dict[str, Any]:
    def accuracy(model: nn.Module) -> float:
        return (model(names["x"]).argmax(1) == names["t"]).float().mean().item()

    return names | {"accuracy": accuracy, "measure": lambda: accuracy(names["model"]),
                    "others": names["images"][8:16],
                    "images": names["x"], "answers": probe.answers}  # fmt: skip


def landscape(names: dict[str, Any]) -> dict[str, Any]:
    def loss() -> torch.Tensor:
        return F.cross_entropy(names["model"](names["x"]), names["t"])

    a, b, c = names["images"][:3]
    snapshots = list(torch.randn(3, 50).cumsum(0))
    return names | {"measure": lambda: loss().item(), "loss": loss, "steps": [-1.0, 0.0, 1.0],
                    "a": a, "b": b, "c": c, "snapshots": snapshots,
                    "planar": nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 2))}  # fmt: skip


def attacked(names: dict[str, Any]) -> dict[str, Any]:
    answers = names["model"](names["x"]).detach()
    return names | {"answers": answers, "others": answers + torch.randn(8, 10),
                    "images": names["x"], "classify": lambda x: names["model"](x).argmax(1),
                    "image": names["x"][0], "another": names["x"][1]}  # fmt: skip


def exported(names: dict[str, Any]) -> dict[str, Any]:
    import onnxruntime

    run = ca.fit("lenet5", "digits", epochs=1, progress=False)
    ca.export(run, "onnx")
    next(run.path.rglob("*.onnx")).rename("lenet5-mnist-1.onnx")
    pixels = digits(2, 32).images.numpy()
    return names | {"onnxruntime": onnxruntime, "pixels": pixels}


def with_torchvision(names: dict[str, Any]) -> dict[str, Any]:
    package("torchvision")
    return names


def with_datasets(names: dict[str, Any]) -> dict[str, Any]:
    pytest.importorskip("datasets", reason="`datasets` is not installed")
    for i, image in enumerate(digits(60, 32).images):
        folder = Path("flowers", ("rose", "tulip")[i % 2])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0].numpy()).save(folder / f"{i}.png")
    return names


SHORTER = {
    "epochs=5": "epochs=1",
    "trials=20": "trials=2, epochs=1",
    "replicates=8": "replicates=2",
    "my_dataset, lr": "my_dataset, epochs=1, lr",
}
HAS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "README.md: run": in_readme,
    "byhand.md": by_hand,
    "microscope.md: fields": receptive,
    "microscope.md: attribution": explained,
    "microscope.md: with modified_outputs": modified,
    "microscope.md: first": landscape,
    "microscope.md: attack": attacked,
    "shipping.md": exported,
    "own-data.md: turned": with_torchvision,
    "own-data.md: flowers": with_datasets,
}


@pytest.mark.parametrize("block", blocks())
def test_a_block_of_the_pages_runs(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prepare = next((one for name, one in HAS.items() if block.startswith(name)), dict)
    source = blocks()[block]
    for shown, shorter in SHORTER.items():
        source = source.replace(shown, shorter)
    exec(source, prepare(names()))
