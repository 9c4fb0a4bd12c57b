"""Join the parts of a user's own division, given as a mapping or a tuple, into one set."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from cutaway.data.division import ACCEPTED, part_of
from cutaway.data.frame import Frame, Size
from cutaway.data.imageset import PARTS, Finding, ImageSet
from cutaway.data.levels import union
from cutaway.data.plan import usual_side
from cutaway.data.target import Classes, Labels, Masks, Values
from cutaway.data.walk import natural
from cutaway.errors import DataError, UsageError

Read = Callable[[Any, Size], tuple[ImageSet, bool]]


def parts_by_name(data: Mapping[str, Any]) -> dict[int, Any]:
    """The data of each part of a mapping such as `{"train": a, "test": b}`.

    Raises UsageError where a key names no part, or two name the same.
    """
    parts: dict[int, Any] = {}
    for key, value in data.items():
        part = part_of(key)
        if part < 0:
            raise UsageError(
                f"The data are given by parts ({', '.join(map(str, data))}), and '{key}' is not a "
                f"part: call each one of {ACCEPTED}, and leave others out."
            )
        if part in parts:
            raise UsageError(f"Two of the parts {', '.join(map(str, data))} mean {PARTS[part]}.")
        if value is not None:
            parts[part] = value
    return parts


def join_parts(parts: dict[int, Any], size: Size, read: Read, named: bool) -> ImageSet:
    """Join the sets of several parts into one.

    Classes are joined by their names; grey images among colour ones get three channels; where the
    parts have several sizes or ranges of values, all are brought to one.

    Args:
        read: gives the images of one part, and whether a column has grouped them.
        named: whether the parts have names; those of a tuple are taken in order, which is noted.

    Raises:
        UsageError: a column groups the images of one part, which cannot tell groups across parts.
        DataError: the parts are of different kinds.
    """
    sets = {part: read(value, size) for part, value in parts.items()}
    frames = [images.frame for images, _ in sets.values()]
    if len({frame[1:] for frame in frames}) > 1:  # of another size, or another range of values
        frame = _common_frame(frames)
        sets = {part: read(value, frame) for part, value in parts.items()}
        sets = {part: (images.framed(frame), by) for part, (images, by) in sets.items()}
    if any(by_column for _, by_column in sets.values()):
        raise UsageError(
            "A column can group images of one table only: join the tables of the parts into one "
            "with a column 'split', or group by the names of the images."
        )
    by_part = {part: images for part, (images, _) in sets.items()}
    if any(images.tail is not None for images in by_part.values()):
        raise UsageError(
            "A part cannot be a stream: give the training stream alone, of whose first images the "
            "validation and test images are, and evaluate the run on the others afterwards."
        )
    _check_alike(by_part)
    classes = _classes(by_part)
    joined = ImageSet(
        images=_images(list(by_part.values())),
        targets=torch.cat([_renumbered(images, classes) for images in by_part.values()]),
        classes=classes,
        names=[
            f"{PARTS[part]}/{name}" for part, images in by_part.items() for name in images.names
        ],
        parts=torch.cat([torch.full((len(images),), part) for part, images in by_part.items()]),
        findings=tuple(dict.fromkeys(one for item in by_part.items() for one in _findings(*item))),
        masks=_masks(list(by_part.values())),
        fit=next(iter(by_part.values())).fit,
        levels=next(iter(by_part.values())).levels,
        sources=_sources(list(by_part.values())),
        name=_common_name(by_part),
    )
    if values := [images.values for images in by_part.values() if images.values is not None]:
        names = next(iter(by_part.values())).quantities
        joined = joined.with_values(torch.cat(values), names)
    if any(images.labels is not None for images in by_part.values()):
        labels = torch.cat([images.label_matrix(classes) for images in by_part.values()])
        joined = joined.with_labels(labels, classes)
    return joined if named else replace(joined, findings=(*joined.findings, _note(by_part)))


def _common_frame(frames: Sequence[Frame]) -> Frame:
    """The frame that suits images of all these."""
    sizes = {frame.size for frame in frames if frame.size}
    if any(len(size) != 2 for size in sizes):
        raise DataError("The parts hold examples of several lengths, and are not joined.")
    side = usual_side([min(size) for size in sizes])
    size, fit = ((side, side), "cut") if len(sizes) > 1 else (frames[0].size, frames[0].fit)
    known = [frame.levels for frame in frames if frame.levels]
    levels = union(known) if known else None
    return Frame(max(frame.channels for frame in frames), size, fit, levels)


def _check_alike(sets: dict[int, ImageSet]) -> None:
    kinds = {type(images.target) for images in sets.values()}
    alike = len(kinds) == 1 or kinds == {Classes, Labels}  # of which one part shows one each
    if not alike or any(images.whole for images in sets.values()):
        raise DataError("The parts are of different kinds, and are not joined.")
    if Values in kinds and len({images.quantities for images in sets.values()}) > 1:
        raise DataError("The parts hold different numbers: name the same columns in all of them.")
    if Masks in kinds and len({images.classes for images in sets.values()}) > 1:
        raise DataError(
            "The masks of the parts hold different classes: hand over data sets with a field "
            "'classes' that names all of them."
        )


def _classes(sets: dict[int, ImageSet]) -> tuple[str, ...]:
    """The classes of all parts, in the order of the first where the others have no more."""
    first, *others = (images.classes for images in sets.values())
    every = set(first).union(*others)
    return first if every == set(first) else tuple(sorted(every, key=natural))


def _renumbered(images: ImageSet, classes: tuple[str, ...]) -> torch.Tensor:
    if not classes or images.labels is not None:
        return images.targets
    number = torch.tensor([classes.index(name) for name in images.classes])
    return number[images.targets]


def _images(sets: list[ImageSet]) -> torch.Tensor:
    channels = max(images.channels for images in sets)
    shape = (-1, *sets[0].size, channels)
    return torch.cat([images.images.expand(shape) for images in sets])


def _common_name(sets: dict[int, ImageSet]) -> str:
    """What all parts are called, as those of one data set are; nothing where they differ."""
    names = {images.name for images in sets.values()}
    return names.pop() if len(names) == 1 else ""


def _masks(sets: list[ImageSet]) -> torch.Tensor | None:
    masks = [images.masks for images in sets if images.masks is not None]
    return torch.cat(masks) if masks else None


def _sources(sets: list[ImageSet]) -> list[Any] | None:
    known = [images.sources for images in sets if images.sources is not None]
    return [one for some in known for one in some] if len(known) == len(sets) else None


def _findings(part: int, images: ImageSet) -> list[Finding]:
    """The findings with the part before the names of images; names of classes and labels stay."""
    known = set(images.names)
    return [
        replace(one, where=tuple(_within(part, name, one, known) for name in one.where))
        for one in images.findings
    ]


def _within(part: int, name: str, finding: Finding, known: set[str]) -> str:
    return f"{PARTS[part]}/{name}" if finding.left_out or name in known else name


def _note(sets: dict[int, ImageSet]) -> Finding:
    counts = " and ".join(f"{len(images):,} {PARTS[part]}" for part, images in sets.items())
    return Finding(
        "parts",
        (),
        f"The {len(sets)} data sets are taken, in their order, as {counts} images. To say "
        "otherwise, name them: {'train': ..., 'test': ...}.",
    )
