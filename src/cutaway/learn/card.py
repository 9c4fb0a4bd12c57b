"""The data card: what is needed of the data to use a network, kept in a run's `data.json`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypedDict

import torch
from jaxtyping import UInt8
from torch import Tensor

from cutaway.data.decode import decode_to
from cutaway.data.elsewhere import in_few_shards
from cutaway.data.feed import Normalise
from cutaway.data.frame import Fit, Frame, Levels, fit_of
from cutaway.data.imageset import ImageSet
from cutaway.data.ink import MAX_IMAGES, Ink, measure_ink
from cutaway.data.levels import levels_from_json
from cutaway.data.split import Split
from cutaway.data.target import Classes, Labels, Target, Values, read_target
from cutaway.data.unreadable import Unreadable
from cutaway.errors import DataError, RunError, UsageError
from cutaway.files import read_json
from cutaway.settings import Options


class CardFacts(TypedDict):
    """A card's `data.json`, as far as others read it."""

    size: list[int]
    mean: list[float]
    std: list[float]


class WeightFacts(TypedDict, total=False):
    """The facts of a run's weights, beside the tensors; files from elsewhere have none."""

    model: str
    options: Options
    data: CardFacts


@dataclass(frozen=True)
class DataCard:
    """Names, shape and statistics of the images that a network learned from.

    Attributes:
        target: what was to be told of each image.
        size: height and width in pixels; of signals and videos, their grid.
        mean, std: what is done to values in 0..1, a channel at a time; for most tasks those of
            the training images.
        counts: images in each part.
        fit, levels: what became of pictures of another shape, and of more than 8 bits; see `Frame`.
        ink: how drawings lie on their paper; None where the images are none.
    """

    name: str
    target: Target
    channels: int
    size: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fingerprint: str
    licence: str
    counts: dict[str, int]
    fit: Fit = "cut"
    levels: Levels | None = None
    ink: Ink | None = None

    @classmethod
    def of(cls, images: ImageSet, split: Split, normalise: Normalise) -> "DataCard":
        counts = {part: len(getattr(split, part)) for part in ("train", "val", "test")}
        target = images.target.fitted(images.truth, split.train)
        return cls(
            images.name, target, images.channels, images.size,
            normalise.mean, normalise.std, images.fingerprint, images.licence, counts,
            images.fit, images.levels, _ink(images, split),
        )  # fmt: skip

    @classmethod
    def read(cls, path: Path, kind: type[Target] = Classes) -> "DataCard":
        """Read a run's card; see `restored` for `kind`. Raises RunError."""
        try:
            return cls(**fields_from_json(read_json(path), kind))
        except (TypeError, KeyError):
            raise RunError(f"{path} is damaged: its fields are not those of a data card.") from None

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; none where the targets are no classes."""
        return self.target.classes

    @property
    def frame(self) -> Frame:
        """The frame that a picture is brought to."""
        return Frame(self.channels, self.size, fit_of(self.size, self.fit), self.levels)

    @property
    def normalise(self) -> Normalise:
        return Normalise(self.mean, self.std)

    def expect_pictures(self) -> None:
        """Refuse a network that takes no pictures. Raises UsageError."""
        if len(self.size) != 2:
            raise UsageError(
                "This network was trained on signals or videos, and takes no pictures."
            )

    def pixels(self, source: Any) -> UInt8[Tensor, "h w c"]:
        """A picture (a path or encoded bytes) as the network takes it.

        Raises:
            DataError: a file that is not there or not an image.
        """
        self.expect_pictures()
        try:
            return torch.from_numpy(decode_to(source, self.frame))
        except Unreadable as problem:
            name = f"{source}: " if isinstance(source, str | Path) else ""
            raise DataError(f"{name}{problem.sentence}") from None

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return asdict(self) | {"target": self.target.to_dict()}

    def check_classes(self, names: Sequence[str]) -> None:
        """Refuse data with a class that the network does not know. Raises UsageError."""
        strangers = [name for name in names if name not in self.classes]
        if not strangers:
            return
        alike = {name.casefold(): name for name in self.classes}
        variants = [(s, alike[s.casefold()]) for s in strangers if s.casefold() in alike]
        hint = (
            f" Call '{variants[0][0]}' '{variants[0][1]}', as the network does." if variants else ""
        )
        raise UsageError(
            f"These images have classes that the network did not learn: {listed(strangers)}. "
            f"Theirs are {listed(names)}; the network's are {listed(self.classes)}.{hint}"
        )

    def adopt(self, images: ImageSet) -> ImageSet:
        """Other images as this network takes them: its classes in its order, at its size, in its
        channels.

        Raises:
            UsageError: a class that the network does not know, or targets of another kind.
        """
        images = self._named(images)
        pictures = len(self.size) == 2 and len(images.size) == 2
        return images.framed(self.frame) if pictures else images

    def _named(self, images: ImageSet) -> ImageSet:
        """The images with the network's classes or labels in its order, or with its numbers."""
        if isinstance(self.target, Values) or images.values is not None:
            if images.target.names != self.target.names:
                raise UsageError(
                    f"The network predicts {listed(self.target.names)}, and these images have "
                    f"{listed(images.target.names)}."
                )
            return images
        self.check_classes(images.classes)
        if isinstance(self.target, Labels):
            return images.with_labels(images.label_matrix(self.classes), self.classes)
        if images.labels is not None:
            raise UsageError("The network tells one class of each image, and these have several.")
        place = torch.tensor([self.classes.index(name) for name in images.classes])
        return replace(images, targets=place[images.targets], classes=self.classes)


def fields_from_json(values: Mapping[str, Any], kind: type[Target] = Classes) -> dict[str, Any]:
    """A card's fields as JSON gave them back, in their own types.

    Args:
        kind: of the targets in older files, which hold the names of classes and no kind.

    Raises:
        KeyError, TypeError: they are not those of a card.
        DataError: what is kept of drawings is damaged.
    """
    fields = dict(values)
    target = fields.pop("target", None) or {"kind": kind.kind, "names": fields.pop("classes")}
    fields |= {name: tuple(values[name]) for name in ("size", "mean", "std")}
    fields["levels"] = levels_from_json(values.get("levels"))
    fields["ink"] = Ink.from_json(values.get("ink"))
    return fields | {"target": read_target(target)}


def listed(names: Sequence[str], most: int = 20) -> str:
    """`cat, dog`; of many the first ones."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _ink(images: ImageSet, split: Split) -> Ink | None:
    """The place of the training images on their paper, where they are drawings."""
    if len(images.size) != 2 or images.channels != 1 or images.whole:
        return None
    train = in_few_shards(images.images, split.train, MAX_IMAGES)
    return measure_ink(images.images[train[:: max(1, len(train) // MAX_IMAGES)]])
