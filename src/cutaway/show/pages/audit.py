"""The page of an audit: what was found, with pictures of it, and what a data set looks like."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cutaway.data.audit import Audit
from cutaway.data.augment import AUTO, Draw
from cutaway.data.exposure import Exposure, exposure, file_sizes
from cutaway.data.feed import to_float
from cutaway.data.imageset import ImageSet
from cutaway.data.target import Classes
from cutaway.figures import Axis, Curves, Series
from cutaway.files import write_whole
from cutaway.learn.augmentation import augmentation
from cutaway.learn.image_grid import in_bytes
from cutaway.show.origins import Noticed, noticed
from cutaway.show.pages.base import Section, about_set
from cutaway.show.pictures import Picture, flat, sheet
from cutaway.show.render import render
from cutaway.show.words import listed, plural

IN_A_ROW, CLUSTERS, CLASSES = 8, 20, 60
"""Pictures in a row; clusters of copies and classes that are shown, at most."""
ALTERED, VARIANTS, BINS = 10, 4, 25
"""Images that are shown augmented, how often, and columns of the histogram."""


@dataclass(frozen=True)
class Strip:
    """Some images in a row, with what is said of them."""

    title: str
    note: str
    picture: Picture
    alt: str


def write(images: ImageSet, audit: Audit, path: Path, augment: str = AUTO) -> None:
    """Write the page as one file that needs nothing beside it.

    Args:
        augment: as a recipe writes it, for what becomes of some images.

    Raises:
        UsageError: there is no such augmentation, or these images cannot be augmented so.
        RunError: it cannot be written.
    """
    write_whole(path, render("audit.html", content(images, audit, augment)))


def content(images: ImageSet, audit: Audit, augment: str = AUTO) -> dict[str, Any]:
    """The values of the template."""
    found = noticed([asdict(one) for one in audit.findings])
    copies, classes = _copies(images, audit), _classes(images)
    pictures = len(images.size) == 2
    sizes = file_sizes(images) if pictures else []
    parts = {
        "findings": ("Findings", True),
        "copies": ("Copies", bool(copies)),
        "classes": ("Classes", bool(classes)),
        "sizes": ("Sizes", bool(sizes)),
        "exposure": ("Exposure", pictures),
        "augmentation": ("Augmentation", pictures),
    }
    names = {name: i for i, name in enumerate(images.names)} if found else {}
    shown = [(one, _where(images, names, one)) for one in found]
    return {
        **about_set(
            images, *(Section(name, link) for name, (link, there) in parts.items() if there)
        ),
        "summary": audit.summary(),
        "findings": shown,
        "copies": copies,
        "more_copies": max(0, len(_clusters(audit)) - CLUSTERS),
        "classes": classes,
        "more_classes": max(0, len(images.classes) - CLASSES),
        "sizes": _sizes(images, sizes) if sizes else None,
        "exposure": _exposure(images) if pictures else None,
        "augmentation": _augmented(images, augment) if pictures else None,
    }


def _strip(images: ImageSet, index: Sequence[int], title: str, note: str = "") -> Strip:
    """The first images of an index in a row."""
    some = list(index)[:IN_A_ROW]
    row = sheet(flat(images.images[torch.tensor(some)]), len(some))
    return Strip(title, note, row, listed([images.names[i] for i in some]))


def _where(images: ImageSet, names: dict[str, int], one: Noticed) -> Strip | None:
    """The images that a finding names, as far as they are in the set."""
    places = [names[name] for finding in one.findings for name in finding.where if name in names]
    places = list(dict.fromkeys(places))
    return _strip(images, places, one.kind) if places else None


def _clusters(audit: Audit) -> list[list[int]]:
    """Clusters of copies, those of several classes first."""
    disputed = audit.two_labels
    return [
        *disputed,
        *(c for c in [*audit.exact_clusters, *audit.near_clusters] if c not in disputed),
    ]


def _copies(images: ImageSet, audit: Audit) -> list[Strip]:
    """A strip for each cluster of copies, the names below."""
    strips = []
    for cluster in _clusters(audit)[:CLUSTERS]:
        kind = "equal" if cluster in audit.exact_clusters else "nearly equal"
        title = f"{plural(len(cluster), images.noun)}, {kind}"
        if cluster in audit.two_labels:
            labels = dict.fromkeys(images.classes[images.targets[i]] for i in cluster)
            title += f", of several classes: {listed(list(labels)[:IN_A_ROW])}"
        names = " · ".join(images.names[i] for i in cluster[:IN_A_ROW])
        strips.append(_strip(images, cluster, title, names))
    return strips


def _classes(images: ImageSet) -> list[Strip]:
    """A strip for each class: images evenly chosen from it."""
    if not isinstance(images.target, Classes):
        return []
    strips = []
    for k, name in enumerate(images.classes[:CLASSES]):
        members = (images.targets == k).nonzero().flatten()
        if len(members):
            some = members[torch.linspace(0, len(members) - 1, min(IN_A_ROW, len(members))).long()]
            strips.append(_strip(images, some.tolist(), name, plural(len(members), images.noun)))
    return strips


def _sizes(images: ImageSet, sizes: list[tuple[int, int]]) -> Curves | str:
    """The width and height of the files, larger dots for more of them; one size in words."""
    counts = Counter(sizes)
    if len(counts) == 1:
        (h, w), to = sizes[0], f"{images.size[1]} x {images.size[0]}"
        brought = f", brought to {to}" if (h, w) != images.size else ""
        return f"All {plural(len(sizes), 'file')} are {w} x {h} pixels{brought}."
    most = max(counts.values())
    commonest, times = counts.most_common(1)[0]
    said = (
        f"{plural(len(counts), 'size')} in {plural(len(sizes), 'file')}, most often "
        f"{commonest[1]} x {commonest[0]} pixels ({times:,}). All were brought to "
        f"{images.size[1]} x {images.size[0]}."
    )
    dots = Series(
        "files",
        tuple(float(width) for _, width in counts),
        tuple(float(height) for height, _ in counts),
        style="dots",
        labels=tuple(f"{w} x {h}: {count:,}" for (h, w), count in counts.items()),
        weights=tuple(count / most for count in counts.values()),
    )
    width, height = (Axis(f"{side} (pixels)", zero=True) for side in ("width", "height"))
    return Curves("Sizes of the files", width, height, (dots,), caption=said)


def _exposure(images: ImageSet) -> tuple[Curves, list[Strip]]:
    """A histogram of brightness, and the images at its ends."""
    measured: Exposure = exposure(images)
    counts = torch.histc(measured.brightness, BINS, 0.0, 1.0)
    middles = [(i + 0.5) / BINS for i in range(BINS)]
    columns = Series("images", tuple(middles), tuple(counts.tolist()), style="columns")
    figure = Curves(
        "Brightness",
        Axis("mean brightness (0 black, 1 white)", low=0.0, high=1.0),
        Axis(f"{images.noun}s", zero=True, whole=True),
        (columns,),
    )
    ends = {
        "The darkest": (measured.darkest(IN_A_ROW), measured.brightness),
        "The brightest": (measured.brightest(IN_A_ROW), measured.brightness),
        "Those with the least contrast": (measured.flattest(IN_A_ROW), measured.contrast),
    }
    return figure, [_end(images, title, *end) for title, end in ends.items()]


def _end(images: ImageSet, title: str, index: Tensor, values: Tensor) -> Strip:
    first, last = values[index[0]].item(), values[index[-1]].item()
    return _strip(images, index.tolist(), title, f"{first:.2f} to {last:.2f}")


def _augmented(images: ImageSet, text: str) -> tuple[str, Picture, int]:
    """Some images and below each what an augmentation makes of it, and how that is written."""
    augment = augmentation(text, images.size)
    augment.check(images)
    index = torch.linspace(0, len(images) - 1, min(ALTERED, len(images))).long()
    pixels = images.images[index]
    masks = None if images.masks is None else images.masks[index]
    x, draws = to_float(pixels), [Draw(0, k, index) for k in range(VARIANTS)]
    rows = [pixels, *(in_bytes(augment.of_step(x, masks, draw)[0]) for draw in draws)]
    return str(augment) if text == AUTO else text, sheet(torch.cat(rows), len(index)), len(index)
