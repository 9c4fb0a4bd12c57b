"""Networks with pre- and postprocessing around them: from uint8 pixels to answers.

That whole is what every format holds, so that nobody who opens the file has to know what was done
to the images that the network learned from.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.data.frame import Frame
from cutaway.errors import UsageError
from cutaway.learn.task import Task
from cutaway.learn.tasks import TASKS
from cutaway.learn.tasks.reconstruct import reconstruction
from cutaway.ship.about import About


class Normalise(nn.Module):
    """x = (pixels / 255 - mean) / std, of pixels brought to the network's size."""

    mean: Tensor
    std: Tensor

    def __init__(self, about: About):
        super().__init__()
        self.frame = about.frame if about.resizes else None
        shape = (-1, *[1] * len(about.size))
        for name in ("mean", "std"):
            value = torch.tensor(getattr(about, name)).view(shape)
            self.register_buffer(name, value, persistent=False)

    def forward(self, pixels: UInt8[Tensor, "b *grid c"]) -> Float[Tensor, "b c *grid2"]:
        x = pixels.movedim(-1, 1)
        x = x if self.frame is None else fit_frame(x, self.frame)
        return (x.float() / 255 - self.mean) / self.std


def fit_frame(x: UInt8[Tensor, "b c h w"], frame: Frame) -> UInt8[Tensor, "b c h2 w2"]:
    """Resize images to the network's size, as `data.frame` describes."""
    assert frame.size is not None
    if frame.fit != "stretch":
        x = _crop_middle(x) if frame.fit == "cut" else _pad(x)
    return F.interpolate(x, frame.size, mode="bicubic", antialias=True)


def _crop_middle(x: UInt8[Tensor, "b c h w"]) -> UInt8[Tensor, "b c s s"]:
    """The middle square, copied: a slice's memory order would be a condition on its shape."""
    height, width = x.shape[2:]
    side = torch.sym_min(height, width)
    rows = torch.narrow_copy(x, 2, (height - side) // 2, side)
    return torch.narrow_copy(rows, 3, (width - side) // 2, side)


def _pad(x: UInt8[Tensor, "b c h w"]) -> UInt8[Tensor, "b c s s"]:
    """The whole image, its edge repeated until it is square."""
    side = torch.sym_max(*x.shape[2:])
    for axis in (2, 3):
        length = x.shape[axis]
        places = (torch.arange(side) - (side - length) // 2).clamp(0, length - 1)
        x = x.index_select(axis, places)
    return x


class Answer(nn.Module):
    """The answer to pixels: probabilities of classes, of each pixel's too, or values."""

    def __init__(self, network: nn.Module, about: About):
        super().__init__()
        self.task: Task = about.task_kind()
        self.target, self.normalise = about.target, Normalise(about)
        self.network = self.task.answering(network)

    def forward(self, pixels: UInt8[Tensor, "b *grid c"]) -> Float[Tensor, "b k *places"]:
        return self.task.answer(self.network(self.normalise(pixels)), self.target)


class Denormalise(nn.Module):
    """Pictures in 0..1 of a network's outputs: std x + mean, channels last."""

    mean: Tensor
    std: Tensor

    def __init__(self, about: About):
        super().__init__()
        self.register_buffer("mean", torch.tensor(about.mean), persistent=False)
        self.register_buffer("std", torch.tensor(about.std), persistent=False)

    def forward(self, x: Float[Tensor, "b c *grid"]) -> Float[Tensor, "b *grid c"]:
        return (x.movedim(1, -1) * self.std + self.mean).clamp(0, 1)


class Reconstruct(nn.Module):
    """The reconstruction of a picture; a variational network's is at the mean code."""

    def __init__(self, network: nn.Module, about: About):
        super().__init__()
        self.network = network
        self.normalise, self.denormalise = Normalise(about), Denormalise(about)

    def forward(self, pixels: UInt8[Tensor, "b *grid c"]) -> Float[Tensor, "b *grid2 c"]:
        return self.denormalise(without_sampling(self.network)(self.normalise(pixels)))


class Generate(nn.Module):
    """The pictures that a network generates from codes z ~ N(0, 1)."""

    def __init__(self, network: nn.Module, about: About):
        super().__init__()
        self.network, self.denormalise = network, Denormalise(about)

    def forward(self, z: Float[Tensor, "b latent"]) -> Float[Tensor, "b *grid c"]:
        return self.denormalise(self.network.generate(z))  # type: ignore[operator]


class Paint(nn.Module):
    """The values in 0..1 of a network that is a picture, at places (row, column) in -1..1."""

    def __init__(self, network: nn.Module, about: About):
        super().__init__()
        self.network, self.denormalise = network, Denormalise(about)

    def forward(self, places: Float[Tensor, "b 2"]) -> Float[Tensor, "b c"]:
        return self.denormalise(self.network(places))


PARTS: dict[str, type[nn.Module]] = {
    "answer": Answer, "reconstruct": Reconstruct, "generate": Generate, "paint": Paint,
}  # fmt: skip
"""Parts of a network that can be exported; a task says which of them it has."""


def without_sampling(network: Any) -> Callable[[Tensor], Tensor]:
    """The map from input to reconstruction, without any random draw."""
    if hasattr(network, "encode"):
        return lambda x: network.generate(network.encode(x)[0])
    return reconstruction(network)


def part_of(task: str, part: str = "") -> str:
    """The part of a network that is exported for a task.

    Raises:
        UsageError: it has no such part.
    """
    known = TASKS[task].exports
    if part and part not in known:
        raise UsageError(
            f"A network for the task '{task}' has no part '{part}' to export: "
            f"choose {' or '.join(known)}."
        )
    return part or known[0]


def portable(network: nn.Module, about: About) -> nn.Module:
    """A copy of the network in evaluation mode, in float32 on the CPU, with pre- and
    postprocessing."""
    network = deepcopy(network).cpu().float().eval()
    return PARTS[about.part](network, about).eval().requires_grad_(False)
