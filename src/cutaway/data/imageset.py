"""The one shape in which examples reach everything else: uint8, targets, names, groups."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b

import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from cutaway.errors import UsageError

PARTS = ("train", "val", "test")
NOUNS = {1: "signal", 2: "image", 3: "video"}  # by the rank of the grid


@dataclass(frozen=True)
class Finding:
    """One thing that an audit noticed.

    Attributes:
        kind: a short stable name, such as `truncated` or `near-duplicate`.
        where: names of the images concerned (files, or `mnist/train/17`).
        detail: one sentence for a reader.
        left_out: whether those images were left out of the set.
    """

    kind: str
    where: tuple[str, ...]
    detail: str
    left_out: bool = False


class Numbered(Sequence[str]):
    """The names `stem/0`, `stem/1`, ... without storing them."""

    def __init__(self, stem: str, count: int):
        self.stem, self.total = stem, count

    def __len__(self) -> int:
        return self.total

    def __getitem__(self, i):  # type: ignore[no-untyped-def]
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(self.total))]
        if not -self.total <= i < self.total:
            raise IndexError(i)
        return f"{self.stem}/{i % self.total}"


@dataclass(frozen=True)
class ImageSet:
    """Images with their targets, decoded once; or other examples on a grid of numbers.

    Attributes:
        images: values on a grid: pictures (h, w), signals (n,) or videos (frames, h, w), and their
            channels last; may be memory-mapped, so never write to it. A permute of pictures to
            (n, c, h, w) is already in channels-last memory order.
        targets: class of each image, an index into `classes`. Where there are masks it serves
            stratification alone: the largest class of the image that is not the first, background.
        classes: names of the classes.
        names: a name for each image (its path below the root, or `digits/17`).
        parts: the source's own division, an index into `PARTS`; None where it has none.
        groups: images of one group (one stone, one patient) never part; None where none are known.
        name: what the set is called in a recipe.
        licence: what its makers allow.
        findings: what was noticed, and left out, while it was decoded.
        masks: class of each pixel, an index into `classes`; None where images have one class each.
        whole: these are all the examples there are (a truth table, one picture to fit): they are
            not divided, and what was learned is judged on them.
    """

    images: UInt8[Tensor, "n *grid c"]
    targets: Int[Tensor, " n"]
    classes: tuple[str, ...]
    names: Sequence[str]
    parts: Int[Tensor, " n"] | None = None
    groups: Int[Tensor, " n"] | None = None
    name: str = ""
    licence: str = ""
    findings: tuple[Finding, ...] = field(default=(), repr=False)
    masks: UInt8[Tensor, "n h w"] | None = field(default=None, repr=False)
    whole: bool = False

    def __len__(self) -> int:
        return len(self.images)

    @property
    def channels(self) -> int:
        return self.images.shape[-1]

    @property
    def size(self) -> tuple[int, ...]:
        """The grid: (height, width) of pictures, (n,) of signals, (frames, height, width)."""
        return tuple(self.images.shape[1:-1])

    @property
    def noun(self) -> str:
        """What one example is called."""
        rank = len(self.size)
        return "sample" if self.whole and rank == 1 else NOUNS.get(rank, "example")

    def counts(self) -> list[int]:
        """How many images each class has."""
        return torch.bincount(self.targets, minlength=len(self.classes)).tolist()

    @cached_property
    def fingerprint(self) -> str:
        """A digest of pixels, masks, targets and class names: two sets with the same are equal."""
        digest = blake2b(repr((tuple(self.images.shape), self.classes)).encode(), digest_size=16)
        digest.update(self.targets.contiguous().numpy().data)
        for values in (self.images,) if self.masks is None else (self.images, self.masks):
            for chunk in values.split(4096):
                digest.update(chunk.contiguous().numpy().data)
        return digest.hexdigest()

    def subset(self, index: Int[Tensor, " m"]) -> "ImageSet":
        """The images at `index`, in that order (copied)."""
        return replace(
            self,
            images=self.images[index],
            targets=self.targets[index],
            names=[self.names[i] for i in index.tolist()],
            parts=None if self.parts is None else self.parts[index],
            groups=None if self.groups is None else self.groups[index],
            masks=None if self.masks is None else self.masks[index],
        )

    def resized(self, size: int) -> "ImageSet":
        """Every picture at `size` x `size` pixels (bilinear, antialiased; masks by the nearest
        pixel); itself if it is so. One picture that is all there is keeps its proportions, and
        `size` is its longer side. Raises UsageError for signals and videos."""
        longest = max(self.size)
        square = not self.whole or len(self.size) != 2
        grid = (size, size) if square else tuple(max(1, n * size // longest) for n in self.size)
        if self.size == grid:
            return self
        chunks = [scaled(chunk, grid) for chunk in self.images.split(4096)]
        masks = None if self.masks is None else scaled_masks(self.masks, grid)
        return replace(self, images=torch.cat(chunks), masks=masks)


def scaled(
    images: UInt8[Tensor, "n *grid c"], size: tuple[int, ...]
) -> UInt8[Tensor, "n *grid2 c"]:
    """Pictures at another height and width, bilinear and antialiased; themselves if they have it.

    Raises UsageError where they are no pictures.
    """
    if images.shape[1:-1] == size:
        return images
    if images.dim() != 4 or len(size) != 2:
        found, asked = (" x ".join(map(str, grid)) for grid in (images.shape[1:-1], size))
        raise UsageError(
            f"Only pictures can be resized, not examples of {found} values to {asked}: "
            "leave the image size out."
        )
    planes = images.permute(0, 3, 1, 2).float()
    planes = torch.nn.functional.interpolate(
        planes, size=size, mode="bilinear", antialias=True, align_corners=False
    )
    return planes.round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous()


def scaled_masks(masks: UInt8[Tensor, "n h w"], size: tuple[int, ...]) -> UInt8[Tensor, "n h2 w2"]:
    """Masks at another height and width, each pixel that of the nearest."""
    rows, columns = (
        ((torch.arange(new) + 0.5) * (old / new)).long()
        for new, old in zip(size, masks.shape[1:], strict=True)
    )
    return masks[:, rows][:, :, columns]
