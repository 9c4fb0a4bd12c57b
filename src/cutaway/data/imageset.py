"""The image set, which all else works on: uint8 images, targets, names, groups."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int, Shaped, UInt8
from torch import Tensor

from cutaway.data import resampling
from cutaway.data.elsewhere import Elsewhere
from cutaway.data.frame import Fit, Frame, Levels, fit_of, middle_square
from cutaway.data.target import Classes, Labels, Masks, Target, Values, rarest, strata
from cutaway.errors import UsageError

if TYPE_CHECKING:
    from cutaway.data.endless import Tail

PARTS = ("train", "val", "test")
NOUNS = {1: "signal", 2: "image", 3: "video"}  # by the rank of the grid


@dataclass(frozen=True)
class Finding:
    """One finding of an audit.

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
        targets: class of each image, an index into `classes`. Where there are masks, labels or
            values it serves stratification alone: the largest class of the image that is not the
            first, background; its rarest label (see `target.rarest`); the range that its values lie
            in (see `target.strata`).
        classes: names of the classes, or of the labels; none where there are values.
        names: a name for each image (its path below the root, or `digits/17`).
        parts: the source's own division, an index into `PARTS`; None where it has none.
        groups: images of one group (one stone, one patient) never part; None where none are known.
        name: what the set is called in a recipe.
        licence: what its makers allow.
        findings: what was noticed, and left out, while it was decoded.
        masks: class of each pixel, an index into `classes`; None where there are no masks.
        labels: 1 where an image has a label, else 0; None where images have one class each.
        values: numbers to be told of each image; None where classes are.
        quantities: what each of these numbers is called.
        fit: how pictures of another shape were brought to this one (see `frame`).
        levels: values that became 0 and 255 where the pictures had more than 8 bits.
        sources: the file (or its content, or its cell of a table) of each picture; None where they
            were in memory.
        tail: how to read on, where these are the first items of a stream.
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
    fit: Fit = "cut"
    levels: Levels | None = None
    sources: Sequence[Any] | None = field(default=None, repr=False)
    values: Float[Tensor, "n m"] | None = field(default=None, repr=False)
    quantities: tuple[str, ...] = ()
    labels: UInt8[Tensor, "n k"] | None = field(default=None, repr=False)
    tail: "Tail | None" = field(default=None, repr=False)

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
    def frame(self) -> Frame:
        """The frame that another picture has to be brought to, to be one of these."""
        return Frame(self.channels, self.size, fit_of(self.size, self.fit), self.levels)

    @property
    def target(self) -> Target:
        """The kind of target of each image."""
        if self.values is not None:
            return Values(self.quantities)
        if self.labels is not None:
            return Labels(self.classes)
        return Classes(self.classes) if self.masks is None else Masks(self.classes)

    @property
    def truth(self) -> Shaped[Tensor, "n *any"]:
        """The true target of each image: its class, its mask, its labels or its values."""
        told = [one for one in (self.values, self.labels, self.masks) if one is not None]
        return told[0] if told else self.targets

    @property
    def strata(self) -> Shaped[Tensor, "n *any"]:
        """What a split keeps the shares of: a number for each image, or its labels."""
        return self.targets if self.labels is None else self.labels

    @property
    def noun(self) -> str:
        """The noun for one example."""
        rank = len(self.size)
        return "sample" if self.whole and rank == 1 else NOUNS.get(rank, "example")

    def counts(self) -> list[int]:
        """Number of images of each class, or with each label; empty where there are no classes."""
        if self.values is not None:
            return []
        if self.labels is not None:
            return self.labels.sum(0, dtype=torch.long).tolist()
        return torch.bincount(self.targets, minlength=len(self.classes)).tolist()

    @cached_property
    def fingerprint(self) -> str:
        """A digest of pixels, targets and their names: two sets with the same are equal."""
        digest = blake2b(repr((tuple(self.images.shape), self.classes)).encode(), digest_size=16)
        digest.update(self.targets.contiguous().numpy().data)
        if self.values is not None:
            digest.update(repr(self.quantities).encode())
            digest.update(self.values.contiguous().numpy().data)
        if self.labels is not None:
            digest.update(self.labels.contiguous().numpy().data)
        for values in (self.images,) if self.masks is None else (self.images, self.masks):
            if isinstance(values, Elsewhere) and len(values) == values.rows.count:
                digest.update(values.rows.digest)
                continue
            for chunk in values.split(4096):
                digest.update(chunk.contiguous().numpy().data)
        return digest.hexdigest()

    def with_values(self, values: Float[Tensor, "n m"], names: Sequence[str]) -> "ImageSet":
        """The same images with numbers to be predicted, instead of classes."""
        return replace(
            self, targets=strata(values), classes=(), masks=None, labels=None, values=values,
            quantities=tuple(names),
        )  # fmt: skip

    def with_labels(self, labels: UInt8[Tensor, "n k"], names: Sequence[str]) -> "ImageSet":
        """The same images with several labels each, instead of classes."""
        return replace(
            self, targets=rarest(labels), classes=tuple(names), masks=None, values=None,
            labels=labels,
        )  # fmt: skip

    def label_matrix(self, names: Sequence[str]) -> UInt8[Tensor, "n k"]:
        """1 where an image has the label of a name; a class is the only label of its image."""
        matrix = torch.zeros(len(self), len(names), dtype=torch.uint8)
        at = torch.tensor([names.index(name) for name in self.classes])
        if self.labels is None:
            matrix[torch.arange(len(self)), at[self.targets]] = 1
        else:
            matrix[:, at] = self.labels
        return matrix

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
            values=None if self.values is None else self.values[index],
            labels=None if self.labels is None else self.labels[index],
            sources=None if self.sources is None else [self.sources[i] for i in index.tolist()],
        )

    def resized(self, size: int) -> "ImageSet":
        """Every picture at `size` x `size` pixels: its middle square, or what is padded to one (see
        `frame`); itself if it is so. One picture that is all there is keeps its proportions, and
        `size` is its longer side. Raises UsageError for signals and videos."""
        longest = max(self.size)
        square = not self.whole or len(self.size) != 2
        grid = (size, size) if square else tuple(max(1, n * size // longest) for n in self.size)
        return self.framed(Frame(self.channels, grid, fit_of(grid, self.fit)))

    def framed(self, frame: Frame) -> "ImageSet":
        """Every picture as `frame` asks for it, masks by the nearest pixel; itself if it is so.
        Raises UsageError for signals, videos and channels that are neither grey nor colour."""
        if frame.channels != self.channels and {frame.channels, self.channels} != {1, 3}:
            raise UsageError(
                f"Examples of {self.channels} channels cannot be brought to {frame.channels}."
            )
        size = frame.size or self.size
        images, masks = resampling.coloured(self.images, frame.channels), self.masks
        if size != self.size:
            images = scaled(images, size, frame.fit)
            masks = None if masks is None else scaled_masks(masks, size, frame.fit)
        elif images is self.images:
            return self
        return replace(self, images=images, masks=masks, fit=frame.fit)


def scaled(
    images: UInt8[Tensor, "n *grid c"], size: tuple[int, ...], fit: Fit = "stretch"
) -> UInt8[Tensor, "n *grid2 c"]:
    """Pictures at another height and width (see `frame`); themselves if they have it.

    Raises UsageError where they are no pictures.
    """
    if images.shape[1:-1] == size:
        return images
    if images.dim() != 4 or len(size) != 2:
        actual, requested = (" x ".join(map(str, grid)) for grid in (images.shape[1:-1], size))
        raise UsageError(
            f"Only pictures can be resized, not examples of {actual} values to {requested}: "
            "leave the image size out."
        )
    return resampling.framed(images, size, fit)


def scaled_masks(
    masks: Shaped[Tensor, "n h w"], size: tuple[int, ...], fit: Fit = "stretch"
) -> Shaped[Tensor, "n h2 w2"]:
    """Masks at another height and width, as their pictures, each pixel that of the nearest."""
    if fit == "cut":
        top, left, side = middle_square(*masks.shape[1:])
        masks = masks[:, top : top + side, left : left + side]
    elif fit == "pad":
        masks = resampling.padded(masks)
    rows, columns = (
        ((torch.arange(new) + 0.5) * (old / new)).long()
        for new, old in zip(size, masks.shape[1:], strict=True)
    )
    return masks[:, rows][:, :, columns]
