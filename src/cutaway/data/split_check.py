"""Checks of a division: images that its parts share, and classes that they lack.

The advice depends on who divided: parts that were drawn here lack a class because its images are
too few or too much alike; those of the user's own, because of what was put into them.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from cutaway.data.catalog import SOURCES
from cutaway.data.imageset import PARTS, Finding, ImageSet
from cutaway.data.stratify import TEST, TRAIN, VAL
from cutaway.data.target import Classes, Labels

MAX_NAMES = 20  # a finding names no more images than this, and says how many there are
SHOWN = 3  # names within a sentence


def leaks(images: ImageSet, copies: np.ndarray, side: np.ndarray) -> Iterator[Finding]:
    """Findings for images that validation and test parts of the source's own share with its
    training part.

    Args:
        copies: a cluster number for each image.
    """
    groups = None if images.groups is None else images.groups.numpy()
    for part in (TEST, VAL):
        here = side == part
        shared = here & np.isin(copies, copies[side == TRAIN])
        if shared.any():
            detail = (
                f"{_of(images, shared, here, part)} equal or nearly equal to a training "
                f"{images.noun} ({_some(images, shared)}): the accuracy comes out too high. "
                f"{_advice(images)}"
            )
            yield Finding("leak", _names(images, shared), detail)
        torn = here & np.isin(groups, groups[side == TRAIN]) if groups is not None else ~here & here
        if torn.any():
            detail = (
                f"{_of(images, torn, here, part)} of a group that is also trained on, since the "
                "division of the data tears groups apart: the accuracy comes out too high. Put "
                "each group into one part, or give the data undivided."
            )
            yield Finding("torn-group", _names(images, torn), detail)


def source_parts(side: np.ndarray) -> list[int]:
    """The parts of a division of the source's own; none where there is but one part."""
    parts = [part for part in (TRAIN, TEST, VAL) if (side == part).any()]
    return parts if len(parts) > 1 else []


def lacking(images: ImageSet, side: np.ndarray, parts: Sequence[int], own: bool) -> list[Finding]:
    """Classes or labels that some parts lack, though others have them; nothing for masks and
    numbers.

    Args:
        own: whether these parts are the source's own, and were not drawn from its training part.
    """
    lacking_of = {Classes: _lacking, Labels: _lacking_labels}.get(type(images.target))
    return [*lacking_of(images, side, parts, own)] if lacking_of else []


def _lacking(
    images: ImageSet, side: np.ndarray, parts: Sequence[int], own: bool
) -> Iterator[Finding]:
    target = images.targets.numpy()
    every = np.unique(target[np.isin(side, [TRAIN, *parts])])
    for part in parts:
        classes = np.setdiff1d(every, target[side == part])
        if len(classes):
            names = tuple(images.classes[c] for c in classes)
            describe = _own_lack if own else _drawn_lack
            kind = ("untrained-class" if part == TRAIN else "untested-class") if own else (
                "undivided-class")  # fmt: skip
            yield Finding(kind, names[:MAX_NAMES], describe(images, part, classes, names))


def _lacking_labels(
    images: ImageSet, side: np.ndarray, parts: Sequence[int], own: bool
) -> Iterator[Finding]:
    """Labels that no image of a part has."""
    assert images.labels is not None
    has = np.stack([images.labels.numpy()[side == part].any(0) for part in range(len(PARTS))])
    for part in parts:
        names = tuple(
            images.classes[k] for k in np.flatnonzero(has[[TRAIN, *parts]].any(0) & ~has[part])
        )
        if names:
            kind = "untrained-label" if part == TRAIN else "untested-label"
            follows = (
                "the network cannot learn it"
                if part == TRAIN
                else "the results say nothing about it"
            )
            detail = (
                f"No {_word(part)} {images.noun} has the label {_quoted(names)}: {follows}. Add "
                f"{images.noun}s with it, or leave the label out."
            )
            yield Finding(kind, names[:MAX_NAMES], detail)


def unused_division(images: ImageSet) -> Iterator[Finding]:
    """The finding that folds replace a division of the source's own."""
    if images.parts is not None and len(images.parts.unique()) > 1:
        detail = (
            "The folds take the place of the division that the data bring, so that its test "
            "images are also trained on. Leave the folds out to keep it."
        )
        yield Finding("division-unused", (), detail)


def drawn_findings(
    images: ImageSet, side: np.ndarray, own: Sequence[int], requested: Mapping[int, float]
) -> Iterator[Finding]:
    """Findings for parts that a division of the source's own lacks, and that were drawn from its
    training.

    Of a part that it has no share is drawn, which is told where somebody asked for one.

    Args:
        own: the parts that it has.
        requested: the shares that somebody asked for.
    """
    for part, word in ((VAL, "validation"), (TEST, "test")) if own else ():
        if part in own and part in requested:
            detail = (
                f"The data bring a {word} part of their own, which is used as it is: "
                f"{PARTS[part]}={requested[part]:g} counts only where they bring none."
            )
            yield Finding("share-unused", (), detail)
        elif part not in own and (count := int((side == part).sum())):
            detail = (
                f"The data bring no {word} part: {count:,} of their training {images.noun}s were "
                "drawn for it."
            )
            yield Finding(f"drawn-{PARTS[part]}", (), detail)


def _own_lack(images: ImageSet, part: int, classes: np.ndarray, names: tuple[str, ...]) -> str:
    if part == TRAIN:
        count = int(np.isin(images.targets.numpy(), classes).sum())
        return (
            f"The training part of the data has no {images.noun} of {_quoted(names)}, though the "
            f"others have {count}: each of them will be wrong. Put some into the training part, "
            "or take the class out of the others."
        )
    return (
        f"The {_word(part)} part of the data has no {images.noun} of {_quoted(names)}: the "
        f"results say nothing about it. Put some into the {_word(part)} part."
    )


def _drawn_lack(images: ImageSet, part: int, classes: np.ndarray, names: tuple[str, ...]) -> str:
    """The reason why a class could not be dealt to all parts: too few images, or too few groups of
    them."""
    counts = np.array(images.counts())[classes]
    noun = images.noun
    lead = f"No {PARTS[part]} {noun} of class {_quoted(names)}: "
    if counts.max() < len(PARTS):
        are = "there is only one" if counts.max() == 1 else "there are too few"
        return f"{lead}{are}. Add {noun}s, or leave the class out."
    finer = "" if images.groups is None else ", or group more finely"
    few = f"its {noun}s are in too few groups"
    if images.groups is None:
        few = f"too few of its {noun}s are not copies of each other"
    return f"{lead}{few}, and what belongs together is never divided. Add {noun}s{finer}."


def _advice(images: ImageSet) -> str:
    if images.name in SOURCES:
        return "Published figures on this division have the same flaw."
    return "Delete them from one of the parts, or give the data undivided."


def _of(images: ImageSet, some: np.ndarray, every: np.ndarray, part: int) -> str:
    verb = "is" if some.sum() == 1 else "are"
    return f"{some.sum():,} of {every.sum():,} {_word(part)} {images.noun}s {verb}"


def _word(part: int) -> str:
    return ("training", "validation", "test")[part]


def _names(images: ImageSet, some: np.ndarray) -> tuple[str, ...]:
    return tuple(images.names[i] for i in np.flatnonzero(some)[:MAX_NAMES].tolist())


def _some(images: ImageSet, some: np.ndarray) -> str:
    return ", ".join(_names(images, some)[:SHOWN]) + (", ..." if some.sum() > SHOWN else "")


def _quoted(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(map(repr, names[:MAX_NAMES])) + more
