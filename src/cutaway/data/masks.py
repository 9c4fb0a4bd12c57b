"""Pictures with masks, which hold a class for each pixel: `root/images/*` beside `root/masks/*`.

A mask has the name of its picture and its size, and holds the number of each pixel's class: a grey
value or a palette index, or 0 and 255 where there are two classes. Beside the two folders
`classes.txt` may name the classes, one a line.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from cutaway.data import cache
from cutaway.data.files import division
from cutaway.data.frame import Fit, Frame, Size
from cutaway.data.imageset import Finding, ImageSet, scaled_masks
from cutaway.data.pack import Progress, Sample, pack, stamp
from cutaway.data.picture import Unreadable, open_picture, read_header, silenced
from cutaway.data.pixels import PixelsAndNote, stored
from cutaway.data.walk import ENDINGS, list_folder, walk
from cutaway.errors import DataError

FOLDERS = ("images", "masks")
LOSSY = (".jpg", ".jpeg", ".webp")  # what they keep of a class number is another number
MAX_NAMES = 20  # a finding names no more classes than this
FEWER_BITS = {"L;2": 85, "L;4": 17}  # Pillow spreads grey values of 2 and 4 bits over 0..255


def has_masks(root: Path) -> bool:
    """Whether a folder, or each of its parts, holds the folders `images` and `masks`."""
    tops = division(root) or {"": -1}
    return all(set(FOLDERS) <= set(list_folder(root / top)[0]) for top in tops)


def folder_with_masks(root: Path, image_size: Size, progress: Progress | None) -> ImageSet:
    """The pictures, packed as any others, and their masks resized alike, by the nearest pixel.

    A picture or mask that is damaged is left out and named. Raises DataError where one has no mask,
    where the sizes of both differ, or where a mask holds a number that is no class.
    """
    samples, mask_of, findings = _pairs(root)
    images = pack(samples, ["picture"], image_size=image_size, name=str(root), progress=progress)
    source = {sample.name: str(sample.source) for sample in samples}
    pairs = [(source[name], mask_of[name]) for name in images.names]
    names = _class_names(root / "classes.txt")
    stamps = [(stamp(picture), stamp(str(root / mask))) for picture, mask in pairs]
    key = cache.digest("masks", 2, images.fit, images.size, names, pairs, stamps)
    masks, note = stored(key, lambda: _make(root, pairs, images.size, images.fit, names))
    bad = [Finding(kind, (where,), detail, True) for kind, where, detail in note["bad"]]
    images = replace(
        images,
        targets=main_classes(masks, len(note["classes"])),
        classes=tuple(note["classes"]),
        findings=(*images.findings, *findings, *bad),
        masks=masks,
    )
    return images.subset(torch.tensor(note["good"])) if bad else images


def main_classes(masks: UInt8[Tensor, "n h w"], count: int) -> Int[Tensor, " n"]:
    """The class other than the first that most pixels have; the first where all have it."""
    main = [torch.empty(0, dtype=torch.int64)]
    for chunk in masks.split(256):
        rows = count * torch.arange(len(chunk))[:, None]
        places = (rows + chunk.flatten(1)).flatten()
        areas = 2 * torch.bincount(places, minlength=count * len(chunk)).view(-1, count)
        areas[:, 0] = 1  # more than none, and less than one pixel of another
        main.append(areas.argmax(1))
    return torch.cat(main)


def numbered_masks(
    masks: np.ndarray, known: Sequence[str] | None, names: Sequence[str]
) -> tuple[UInt8[Tensor, "n h w"], list[str]]:
    """Masks n h w of an array as class numbers, and the names of the classes.

    Raises DataError where they hold what is no class: fractions, or numbers with gaps.
    """
    numbers = masks.astype(np.int64)
    odd = ((numbers != masks) | (numbers < 0)).any((1, 2))
    wrong = [names[i] for i in np.flatnonzero(odd).tolist()]
    _refuse(wrong, "have masks with other values than the numbers of classes 0, 1, 2, ...")
    values = {
        name: set(np.unique(mask).tolist()) for name, mask in zip(names, numbers, strict=True)
    }
    classes, extremes = _classes(None if known is None else list(known), values)
    numbered = torch.from_numpy(numbers.astype(np.uint8))
    return numbered.clamp(max=1) if extremes else numbered, classes


def _pairs(root: Path) -> tuple[list[Sample], dict[str, str], list[Finding]]:
    """Every picture below the folders `images`, its mask by its name, and findings for those
    without a partner."""
    samples: list[Sample] = []
    mask_of, others, alone = {}, [], []
    for top, part in (division(root) or {"": -1}).items():
        pictures, theirs = (_files(root, f"{top}/{folder}".lstrip("/")) for folder in FOLDERS)
        masks = {stem: file for stem, file in theirs if not file.lower().endswith(LOSSY)}
        for stem, file in pictures:
            if file.lower().endswith(ENDINGS):
                samples.append(Sample(str(root / file), 0, file, part))
                mask_of[file] = masks.get(stem, "")
            else:
                others.append(file)
        alone += [masks[stem] for stem in sorted(masks.keys() - {stem for stem, _ in pictures})]
    if not samples:
        raise DataError(f"There is no picture in {root / FOLDERS[0]}: put some there.")
    bare = [name for name, mask in mask_of.items() if not mask]
    _refuse(bare, "have no mask: put a PNG of the same name in the folder 'masks'")
    reasons = {
        "not-an-image": (others, "Lies among the pictures, but is not named as one."),
        "unused-mask": (alone, "A mask without a picture of its name."),
    }
    return samples, mask_of, [
        Finding(kind, tuple(names), detail, True)
        for kind, (names, detail) in reasons.items() if names
    ]  # fmt: skip


def _files(root: Path, folder: str) -> list[tuple[str, str]]:
    """The files below a folder: path from there without ending, and path from the root."""
    paths = sorted(walk(root / folder, folder))
    return [(str(PurePosixPath(f).relative_to(folder).with_suffix("")), f) for f in paths]


def _refuse(names: Sequence[str], problem: str) -> None:
    """Raise DataError naming the first three files, where there are any."""
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise DataError(f"{', '.join(names[:3])}{more} {problem}.")


def _class_names(file: Path) -> list[str] | None:
    if not file.is_file():
        return None
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read as text ({error}).") from None
    names = [line.strip() for line in lines if line.strip()]
    if not 2 <= len(set(names)) == len(names) <= 256:
        raise DataError(f"{file} should name 2 to 256 classes, no two the same, one a line.")
    return names


def _make(
    root: Path,
    pairs: list[tuple[str, str]],
    size: tuple[int, ...],
    fit: Fit,
    names: list[str] | None,
) -> PixelsAndNote:
    """All masks at the size of their packed pictures, checked at their own."""
    masks, values, bad, wrong = [], {}, {}, []
    with silenced():
        for picture, file in pairs:
            try:
                mask = _read(root / file)
            except Unreadable as error:
                bad[file] = (error.kind, file, error.sentence)
                masks.append(np.zeros(size, np.uint8))
                continue
            if mask.shape != read_header(picture)[:2]:
                wrong.append(file)
                continue
            values[file] = set(np.unique(mask).tolist())
            masks.append(framed_mask(mask.clip(0, 255).astype(np.uint8), Frame(1, size, fit)))
    _refuse(wrong, "must be grey, or of a palette, and exactly as large as the picture")
    if not values:
        _, file, detail = next(iter(bad.values()))
        raise DataError(f"None of the {len(bad)} masks can be read. {file}: {detail}")
    classes, extremes = _classes(names, values)
    stacked = np.stack(masks)
    good = [i for i, (_, file) in enumerate(pairs) if file not in bad]
    note = {"classes": classes, "good": good, "bad": list(bad.values())}
    return np.minimum(stacked, 1) if extremes else stacked, note


def _read(file: Path) -> np.ndarray:
    """The numbers that a mask holds, of shape (h, w), or (h, w, c) where it is in colour."""
    with open_picture(str(file)) as image:
        tiles = getattr(image, "tile", None)  # how the file codes it, known until it is decoded
        raw = tiles[0][3] if tiles else ""
        numbers = np.asarray(image).astype(np.int64)
        if numbers.ndim == 3 and (numbers == numbers[..., :1]).all():
            numbers = numbers[..., 0]  # grey, saved as colour
        return numbers // FEWER_BITS.get(raw, 1) if isinstance(raw, str) else numbers
    raise AssertionError  # `open_picture` raises or ends


def _classes(names: list[str] | None, values: dict[str, set[int]]) -> tuple[list[str], bool]:
    """Names of the classes, and whether 255 stands for the second of two."""
    every = set.union(*values.values())
    extremes = 255 in every and every <= {0, 255} and (names is None or len(names) == 2)
    if extremes:
        return names or ["background", "object"], True
    top = max(every)
    if names is not None:
        beyond = [file for file, of in values.items() if max(of) >= len(names)]
        _refuse(beyond, f"hold numbers beyond the {len(names)} classes of classes.txt")
        return names, False
    if top > 255 or every != set(range(top + 1)):
        least = min(set(range(top + 1)) - every, default=256)
        raise DataError(
            f"The masks hold class {top} but no class {least}: number the classes 0, 1, 2, ..., or "
            "name all of them in classes.txt."
        )
    return ["background", *map(str, range(1, top + 1))], False


def framed_mask(mask: np.ndarray, frame: Frame) -> np.ndarray:
    """A mask h w at the size of its picture, each pixel that of the nearest."""
    assert frame.size is not None
    tensor = torch.from_numpy(np.array(mask))[None]
    return scaled_masks(tensor, frame.size, frame.fit)[0].numpy()


def unseen_classes(masks: UInt8[Tensor, "n h w"], classes: Sequence[str]) -> list[Finding]:
    """The finding that some classes have no pixel."""
    pixels = torch.zeros(256, dtype=torch.int64)
    for chunk in masks.split(4096):
        pixels += torch.bincount(chunk.flatten().long(), minlength=256)
    empty = tuple(name for c, name in enumerate(classes) if not pixels[c])
    if not empty:
        return []
    count = "1 class" if len(empty) == 1 else f"{len(empty):,} classes"
    return [Finding("empty-class", empty[:MAX_NAMES], f"{count} without a pixel.")]
