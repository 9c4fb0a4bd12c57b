"""A division of the user's own, given as a mapping or a tuple: one set, with the part of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from cutaway.data.division import ACCEPTED, part_of
from cutaway.data.files import natural
from cutaway.data.frame import Frame, Size
from cutaway.data.imageset import PARTS, Finding, ImageSet
from cutaway.data.levels import union
from cutaway.data.plan import usual_side
from cutaway.data.target import Masks, Values
from cutaway.errors import DataError, UsageError

Read = Callable[[Any, Size], tuple[ImageSet, bool]]


def named_parts(what: Mapping[str, Any]) -> dict[int, Any]:
    """What a mapping such as `{"train": a, "test": b}` gives for each part.

    Raises UsageError where a key names no part, or two name the same.
    """
    found: dict[int, Any] = {}
    for key, value in what.items():
        part = part_of(key)
        if part < 0:
            raise UsageError(
                f"The data are given by parts ({', '.join(map(str, what))}), and '{key}' is not a "
                f"part: call each one of {ACCEPTED}, and leave others out."
            )
        if part in found:
            raise UsageError(f"Two of the parts {', '.join(map(str, what))} mean {PARTS[part]}.")
        if value is not None:
            found[part] = value
    return found


def joined(given: dict[int, Any], size: Size, read: Read, told: bool) -> ImageSet:
    """One set of several parts.

    Classes are joined by their names; grey images among colour ones get three channels; where the
    parts have several sizes or ranges of values, all are brought to one.

    Args:
        read: gives the images of one part, and whether a column has grouped them.
        told: whether the parts were named; those of a tuple are taken in order, which is noted.

    Raises:
        UsageError: a column groups the images of one part, which cannot tell groups across parts.
        DataError: the parts are of different kinds.
    """
    sets = {part: read(value, size) for part, value in given.items()}
    frames = [images.frame for images, _ in sets.values()]
    if len({frame[1:] for frame in frames}) > 1:  # of another size, or another range of values
        frame = _shared(frames)
        sets = {part: read(value, frame) for part, value in given.items()}
        sets = {part: (images.framed(frame), by) for part, (images, by) in sets.items()}
    if any(by_column for _, by_column in sets.values()):
        raise UsageError(
            "A column can group images of one table only: join the tables of the parts into one "
            "with a column 'split', or group by the names of the images."
        )
    found = {part: images for part, (images, _) in sets.items()}
    _check_alike(found)
    classes = _classes(found)
    together = ImageSet(
        images=_images(list(found.values())),
        targets=torch.cat([_renumbered(images, classes) for images in found.values()]),
        classes=classes,
        names=[f"{PARTS[part]}/{name}" for part, images in found.items() for name in images.names],
        parts=torch.cat([torch.full((len(images),), part) for part, images in found.items()]),
        findings=tuple(dict.fromkeys(one for item in found.items() for one in _findings(*item))),
        masks=_masks(list(found.values())),
        fit=next(iter(found.values())).fit,
        levels=next(iter(found.values())).levels,
        sources=_sources(list(found.values())),
    )
    if values := [images.values for images in found.values() if images.values is not None]:
        names = next(iter(found.values())).quantities
        together = together.with_values(torch.cat(values), names)
    return together if told else replace(together, findings=(*together.findings, _note(found)))


def _shared(frames: Sequence[Frame]) -> Frame:
    """What suits images of all these."""
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
    if len(kinds) > 1 or any(images.whole for images in sets.values()):
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
    if not classes:
        return images.targets
    number = torch.tensor([classes.index(name) for name in images.classes])
    return number[images.targets]


def _images(sets: list[ImageSet]) -> torch.Tensor:
    channels = max(images.channels for images in sets)
    shape = (-1, *sets[0].size, channels)
    return torch.cat([images.images.expand(shape) for images in sets])


def _masks(sets: list[ImageSet]) -> torch.Tensor | None:
    masks = [images.masks for images in sets if images.masks is not None]
    return torch.cat(masks) if masks else None


def _sources(sets: list[ImageSet]) -> list[Any] | None:
    known = [images.sources for images in sets if images.sources is not None]
    return [one for some in known for one in some] if len(known) == len(sets) else None


def _findings(part: int, images: ImageSet) -> list[Finding]:
    """The names of images with their part before them; those of classes and labels stay."""
    known = set(images.names)
    return [
        replace(one, where=tuple(_within(part, name, one, known) for name in one.where))
        for one in images.findings
    ]


def _within(part: int, name: str, finding: Finding, known: set[str]) -> str:
    return f"{PARTS[part]}/{name}" if finding.left_out or name in known else name


def _note(sets: dict[int, ImageSet]) -> Finding:
    said = " and ".join(f"{len(images):,} {PARTS[part]}" for part, images in sets.items())
    return Finding(
        "parts",
        (),
        f"The {len(sets)} data sets are taken, in their order, as {said} images. To say otherwise, "
        "name them: {'train': ..., 'test': ...}.",
    )
