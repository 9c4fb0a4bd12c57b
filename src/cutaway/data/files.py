"""Folders of pictures: `root/class/*`, or `root/train/class/*` beside `val` and `test`."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from cutaway.data.division import (
    ACCEPTED,
    ambiguous_parts,
    empty_parts,
    files_by_part,
    likely_part,
    part_of,
)
from cutaway.data.frame import Size
from cutaway.data.imageset import PARTS, Finding, ImageSet
from cutaway.data.pack import Progress, Sample, pack
from cutaway.data.shared_files import shared
from cutaway.data.walk import ENDINGS, list_folder, natural, walk
from cutaway.errors import DataError

TABLES = (".csv", ".tsv", ".parquet")
Read = tuple[list[Sample], list[str], list[Finding]]


def folder(root: Path, image_size: Size, progress: Progress | None) -> ImageSet:
    """The pictures below a folder, in classes named by its folders; with several labels, where many
    files are in several of them. Raises DataError."""
    found, classes, findings = folder_samples(root)
    samples, joined = shared(found, classes)
    return pack(
        samples,
        classes,
        image_size=image_size,
        name=str(root),
        findings=[*findings, *joined],
        progress=progress,
    )


def folder_samples(root: Path) -> Read:
    """Every file below the class folders of `root`, the classes, and the classes without files."""
    folders, files = list_folder(root)
    if not folders:
        raise DataError(_no_classes(root, files))
    tops = division(root) or {"": -1}
    unlabelled = _unlabelled(root, tops)
    labelled = [top for top in tops if top not in unlabelled]
    classes = sorted({c for top in labelled for c in list_folder(root / top)[0]}, key=natural)
    if len(classes) < 2:
        raise DataError(_one_class(root, folders, classes))
    samples = [one for top in labelled for one in _samples_below(root, top, tops[top], classes)]
    if not samples:
        raise DataError(
            f"The class folders of {root} are empty. Put each class's pictures in its own."
        )
    if "" in tops:
        samples = _inner(root, samples)
    elif not any(sample.part == 0 for sample in samples):
        raise DataError(f"{root} has no picture to train on: put class folders into a 'train'.")
    findings = [_to_predict(root, top, count) for top, count in unlabelled.items()]
    beside = [
        _loose(list_folder(root / top)[1], top) for top in {"": -1} | tops if top in ("", *labelled)
    ]
    missing = empty_parts([tops[top] for top in labelled], [sample.part for sample in samples])
    if all(sample.part < 0 for sample in samples) or "" not in tops:
        findings += _folders_inside(samples, max(len(Path(top).parts) for top in labelled))
    return samples, classes, [*findings, *missing, *(one for some in beside for one in some)]


def _samples_below(root: Path, top: str, part: int, classes: Sequence[str]) -> Iterator[Sample]:
    """Every file below the class folders of one part."""
    for target, name in enumerate(classes):
        below = f"{top}/{name}" if top else name
        for path in sorted(walk(root / below, below)):
            yield Sample(f"{root}{os.sep}{path}", target, path, part)


def division(root: Path) -> dict[str, int]:
    """The part of each folder (as a path below `root`), where `root` is divided; else empty.

    Raises DataError for a division that is only half understood.
    """
    folders, _ = list_folder(root)
    by_name = {name: likely_part(name) for name in folders if likely_part(name) >= 0}
    divided = {name: part for name, part in by_name.items() if list_folder(root / name)[0]}
    exact = [name for name in folders if part_of(name) >= 0]
    every = len(exact) == len(folders) > 1
    known = 0 in divided.values() and any(name in divided for name in exact)
    if not (every or known or len(set(divided.values())) > 1):
        return {}
    _refuse_other_folders(root, [name for name in folders if name not in by_name], sorted(by_name))
    tops = {_class_root(root, name, part): part for name, part in by_name.items()}
    for part in range(len(PARTS)):
        same = [name for name in by_name if by_name[name] == part]
        if len(same) > 1:
            raise ambiguous_parts(root, same, part)
    return dict(sorted(tops.items(), key=lambda item: item[1]))


def _class_root(root: Path, top: str, part: int) -> str:
    """The folder that holds the classes, where an archive has put it into one of its own name."""
    folders, files = list_folder(root / top)
    if len(folders) == 1 and not files and likely_part(folders[0]) == part:
        return _class_root(root, f"{top}/{folders[0]}", part)
    return top


def _refuse_other_folders(root: Path, others: Sequence[str], parts: Sequence[str]) -> None:
    """Refuse folders of pictures beside the parts whose names are no parts."""
    strangers = [name for name in others if _has_pictures(root / name)]
    if strangers:
        are = "is not the name of a part" if len(strangers) == 1 else "are not names of parts"
        raise DataError(
            f"{root} is divided into {', '.join(parts)}, and {', '.join(strangers[:5])} beside "
            f"them {are}. Call each folder one of {ACCEPTED}, or move it elsewhere; a class of "
            "such a name needs another one."
        )


def _has_pictures(path: Path) -> bool:
    return any(name.lower().endswith(ENDINGS) for name in walk(path, path.name))


def _unlabelled(root: Path, tops: dict[str, int]) -> dict[str, int]:
    """Parts whose pictures are in no class folder, and how many each holds.

    A single folder that is no class of the training part holds no class either.
    """
    inside = {top: set(list_folder(root / top)[0]) for top, part in tops.items() if part >= 0}
    trained = {name for top, names in inside.items() if tops[top] == 0 for name in names}
    counts = {}
    for top, names in inside.items():
        if tops[top] == 0 or names & trained or not trained:
            continue
        if len(names) > 1:
            raise DataError(
                f"The class folders of {root / top} ({', '.join(sorted(names)[:5])}) are not "
                f"those of the training part ({', '.join(sorted(trained)[:5])}): name them alike."
            )
        pictures = [p for p in walk(root / top, top) if p.lower().endswith(ENDINGS)]
        if pictures:
            counts[top] = len(pictures)
    return counts


def _to_predict(root: Path, top: str, count: int) -> Finding:
    detail = (
        f"{top} holds {count} picture{'s' * (count != 1)} without class folders: they are used "
        "neither for training nor for testing. Sort them into the classes' folders to test on "
        f"them, or let the network predict them: cutaway predict RUN {root / top}/*"
    )
    return Finding("unlabelled-part", (), detail)


def _inner(root: Path, samples: list[Sample]) -> list[Sample]:
    """The parts where each class is divided by itself: `root/class/train/*`."""
    parts = list(files_by_part(sample.name for sample in samples))
    if len(set(parts) - {-1}) < 2:
        return samples
    if -1 in parts:
        raise DataError(
            f"Classes in {root} are divided into parts, but {samples[parts.index(-1)].name} is in "
            f"none. Put each picture in a folder called one of {ACCEPTED}, or in none of them."
        )
    return [one._replace(part=part) for one, part in zip(samples, parts, strict=True)]


def _folders_inside(samples: Sequence[Sample], above: int) -> list[Finding]:
    """Folders within the classes: perhaps classes themselves, or images that belong together.

    Args:
        above: folders above those of the classes.
    """
    inside: dict[str, set[str]] = {}
    for folders in (sample.name.split("/")[above:-1] for sample in samples):
        inside.setdefault(folders[0], set()).update(folders[1:2])
    several = {name: sorted(inner, key=natural) for name, inner in inside.items() if len(inner) > 1}
    if not several:
        return []
    name, inner = next(iter(several.items()))
    more = f" and {len(inner) - 3:,} more" if len(inner) > 3 else ""
    detail = (
        f"The folders inside a class are part of it: {name}/ holds {', '.join(inner[:3])}{more}, "
        f"all of them taken as '{name}'. If they are classes, move them beside each other; if each "
        f"holds images that belong together, say --group-by level:{above + 2} (group_by=...)."
    )
    return [Finding("inner-folders", tuple(several), detail)]


def _loose(files: Sequence[str], top: str = "") -> list[Finding]:
    """Pictures beside the class folders, which have no label."""
    loose = tuple(f"{top}/{name}".lstrip("/") for name in files if name.lower().endswith(ENDINGS))
    if not loose:
        return []
    subject = "1 picture lies" if len(loose) == 1 else f"{len(loose)} pictures lie"
    detail = (
        f"{subject} beside the class folders and so without a label. Sort in what should be used."
    )
    return [Finding("unlabelled", loose, detail, True)]


def _no_classes(root: Path, files: Sequence[str]) -> str:
    tables = [name for name in files if name.lower().endswith(TABLES)]
    if tables:
        return f"{root} holds a table and no class folders. Name the table: {root / tables[0]}."
    if files:
        return (
            f"The {len(files)} files in {root} have no labels. Put the pictures of each class in a "
            f"folder of its own, as in {root / 'cat' / files[0]}, or name a CSV that labels them."
        )
    return f"{root} is empty. It should hold one folder of pictures for each class."


def _one_class(root: Path, folders: Sequence[str], classes: Sequence[str]) -> str:
    if not classes:
        return (
            f"{root} holds {', '.join(folders)} without class folders. Put one in for each class."
        )
    inner = root / classes[0]
    if len(list_folder(inner)[0]) > 1:
        return f"{root} holds one class only, '{classes[0]}'. Did you mean {inner}?"
    return f"{root} holds one class only, '{classes[0]}'. There must be at least two."
