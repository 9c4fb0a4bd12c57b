"""Decode a list of pictures once, into a memory-mapped cache entry."""

import errno
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from cutaway.data import cache, pool
from cutaway.data.division import empty_parts
from cutaway.data.frame import Frame, Levels
from cutaway.data.groups import numbered_keys
from cutaway.data.imageset import Finding, ImageSet
from cutaway.data.levels import levels_from_json, scaling_note, union
from cutaway.data.pixels import PIXELS, is_complete, mapped
from cutaway.data.plan import Plan, make_plan, wider
from cutaway.data.sample import Cell, Sample, as_task, stamp
from cutaway.data.target import as_matrix
from cutaway.data.worker import Answer, Task
from cutaway.errors import DataError
from cutaway.processes import cpus

FORMAT = 2  # of the cache entry; to be raised whenever the same files would give other pixels
SECONDS_PER_PICTURE, SECONDS_PER_BYTE, STARTING = 1e-4, 5e-8, 0.3  # rough, to choose workers
NOTES = {
    "animated": "more than one frame: the first is used",
    "exif-rotated": "turned upright as their EXIF data say",
    "cmyk": "in CMYK: converted to RGB",
    "palette": "with a palette: converted",
    "16-bit-colour": "with 16 bits a colour: the upper 8 are used",
    "transparent": "with transparent parts: laid on white",
}

__all__ = ["Cell", "Progress", "Sample", "assemble", "pack", "stamp"]

Progress = Callable[[int, int], None]


def pack(
    samples: Sequence[Sample],
    classes: Sequence[str],
    *,
    image_size: int | Frame | None = None,
    name: str = "",
    licence: str = "",
    findings: Sequence[Finding] = (),
    progress: Progress | None = None,
) -> ImageSet:
    """The samples as an image set, decoded unless the cache has them.

    `classes` are the names of the samples' targets, or of their values or labels where they have
    such.

    With `image_size` None, pictures of one size up to 96 pixels keep it (one that is not square is
    padded to a square by repeating its edge, so that nothing is lost), and of others the middle
    square is brought to the usual length of their shorter sides (`usual_side`), 128 pixels at most.
    A number is the side of that square; a `Frame` says all. Without one there is one channel where
    every picture is grey, else there are three, and values of more than 8 bits are scaled from the
    least to the greatest of all pictures. What cannot be decoded is left out and named.

    Raises:
        DataError: no picture can be decoded, or the cache cannot be written.
    """
    sizes, stamps = zip(*(stamp(sample.source) for sample in samples), strict=True)
    names = [sample.name for sample in samples]
    key = cache.digest(FORMAT, image_size, names, stamps)
    place, note = cache.entry(
        key, lambda folder: _build(folder, samples, sizes, image_size, progress), is_complete
    )
    dropped = set(note["dropped"])
    remaining = [sample for i, sample in enumerate(samples) if i not in dropped]
    noted = [Finding(kind, tuple(where), *rest) for kind, where, *rest in note["findings"]]
    noted += empty_parts([sample.part for sample in samples], [sample.part for sample in remaining])
    images = assemble(remaining, mapped(place, note), classes, name, licence, (*findings, *noted))
    return replace(images, fit=note["fit"], levels=levels_from_json(note["levels"]))


def assemble(
    samples: Sequence[Sample],
    images: UInt8[Tensor, "n h w c"],
    classes: Sequence[str],
    name: str,
    licence: str,
    findings: Sequence[Finding],
) -> ImageSet:
    """An image set of the decoded samples; a class that has no picture is not one."""
    if samples and samples[0].values:
        values = torch.tensor([sample.values for sample in samples], dtype=torch.float64)
        same = [sample._replace(target=0, values=()) for sample in samples]
        image_set = assemble(same, images, ["value"], name, licence, findings)
        return image_set.with_values(values, classes)
    if samples and samples[0].labels is not None:
        labels = as_matrix([sample.labels or () for sample in samples], len(classes))
        same = [sample._replace(target=0, labels=None) for sample in samples]
        image_set = assemble(same, images, ["label"], name, licence, findings)
        return image_set.with_labels(labels, classes)
    used = sorted({sample.target for sample in samples})
    number = {target: i for i, target in enumerate(used)}
    missing = [classes[i] for i in range(len(classes)) if i not in number]
    if missing:
        detail = f"Left without any picture, and so no class: {', '.join(missing)}."
        findings = (*findings, Finding("empty-class", tuple(missing), detail))
    parts = torch.tensor([sample.part for sample in samples])
    return ImageSet(
        images=images,
        targets=torch.tensor([number[sample.target] for sample in samples]),
        classes=tuple(classes[i] for i in used),
        names=[sample.name for sample in samples],
        parts=None if (parts < 0).any() else parts,
        groups=_groups(samples),
        name=name,
        licence=licence,
        findings=tuple(findings),
        sources=[sample.source for sample in samples],
    )


def _groups(samples: Sequence[Sample]) -> Tensor | None:
    keys = [sample.group for sample in samples]
    return numbered_keys(keys, [sample.name for sample in samples]) if any(keys) else None


def _build(
    folder: Path,
    samples: Sequence[Sample],
    sizes: Sequence[int],
    image_size: int | Frame | None,
    progress: Progress | None,
) -> dict[str, Any]:
    """Decode all into `folder`; by a wider plan if the guessed one does not fit a picture."""
    plan = make_plan(samples, image_size)
    while True:
        outcome = _decode(folder / PIXELS, samples, sizes, plan, progress)
        if "misfit" not in outcome:
            break
        if outcome["misfit"] == "levels":
            levels = _levels(samples, sizes)
            plan = plan._replace(frame=plan.frame._replace(levels=levels))
        else:
            plan = wider(plan, outcome["misfit"])
    bad = {index: (kind, sentence) for index, kind, sentence in sorted(outcome["bad"])}
    if len(bad) == len(samples):
        raise DataError(_nothing_left(samples, bad))
    rows = _close_gaps(folder / PIXELS, len(samples), set(bad), plan.row)
    return {
        "shape": [rows, *plan.size, plan.frame.channels],
        "fit": plan.frame.fit,
        "levels": plan.frame.levels,
        "dropped": list(bad),
        "findings": [
            *_findings(samples, bad, outcome["notes"], plan.frame.levels),
            *_resized(plan),
        ],
    }


def _resized(plan: Plan) -> list[tuple[str, list[str], str, bool]]:
    """The finding that pictures were resized, and how to choose another size."""
    if plan.native or plan.fixed:
        return []
    detail = (
        f"The middle square of each picture is brought to {plan.side} x {plan.side} pixels (the "
        f"shorter sides are {plan.lengths}); --image-size N brings it to N x N."
    )
    return [("resized", [], detail, False)]


def _levels(samples: Sequence[Sample], sizes: Sequence[int]) -> Levels:
    """The range of values of all pictures that have more than 8 bits."""
    workers, chunk = _workload(samples, sizes)
    tasks = _tasks({"measure": True}, samples, chunk)
    return union(
        levels_from_json(one)
        for answer in pool.answers(tasks, workers)
        for one in answer.get("levels", [])
    )


def _workload(samples: Sequence[Sample], sizes: Sequence[int]) -> tuple[int, int]:
    """Number of workers, and number of pictures per task."""
    seconds = len(samples) * SECONDS_PER_PICTURE + sum(sizes) * SECONDS_PER_BYTE
    workers = min(cpus(), int(seconds / STARTING))
    return workers, max(1, min(512, int(0.05 * len(samples) / seconds)))


def _decode(
    file: Path,
    samples: Sequence[Sample],
    sizes: Sequence[int],
    plan: Plan,
    progress: Progress | None,
) -> Answer:
    """All answers in one; those up to the first misfit where there is one."""
    workers, chunk = _workload(samples, sizes)
    _reserve(file, len(samples) * plan.row)
    total: Answer = {"bad": [], "notes": []}
    done = 0
    same = {"file": str(file), "frame": plan.frame, "native": plan.native, "fixed": plan.fixed}
    for answer in pool.answers(_tasks(same, samples, chunk), workers):
        if "misfit" in answer:
            return answer
        total["bad"] += answer["bad"]
        total["notes"] += answer["notes"]
        done = min(done + chunk, len(samples))
        if progress:
            progress(done, len(samples))
    return total


def _tasks(same: Task, samples: Sequence[Sample], chunk: int) -> Iterator[Task]:
    for first in range(0, len(samples), chunk):
        sources = [as_task(sample.source) for sample in samples[first : first + chunk]]
        yield {**same, "first": first, "sources": sources}


def _reserve(file: Path, size: int) -> None:
    """Create the file with its full size where the system can, so that a full disk is noticed at
    once."""
    with open(file, "wb") as handle:
        handle.truncate(size)
        try:
            os.posix_fallocate(handle.fileno(), 0, size)
        except AttributeError:  # not on this system
            pass
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # not on this file system
                raise


def _close_gaps(file: Path, rows: int, bad: set[int], row: int) -> int:
    """Move rows up over those left out, cut the file, and return how many rows are left."""
    if bad:
        with open(file, "r+b") as reading, open(file, "r+b") as writing:
            reading.seek(min(bad) * row)
            writing.seek(min(bad) * row)
            for index in range(min(bad), rows):
                content = reading.read(row)
                if index not in bad:
                    writing.write(content)
            writing.truncate((rows - len(bad)) * row)
    return rows - len(bad)


def _findings(
    samples: Sequence[Sample],
    bad: dict[int, tuple[str, str]],
    notes: list[tuple[int, str]],
    levels: Levels | None,
) -> list[tuple[str, list[str], str, bool]]:
    """One finding for each picture left out, and one for each kind of conversion."""
    findings = [(kind, [samples[i].name], texts, True) for i, (kind, texts) in bad.items()]
    handled: dict[str, list[str]] = defaultdict(list)
    for index, kind in sorted(notes):
        handled[kind].append(samples[index].name)
    texts = NOTES | {"16-bit": scaling_note(levels)} if levels else NOTES
    for kind, names in sorted(handled.items()):
        findings.append((kind, names, f"Pictures {texts[kind]} ({len(names)}).", False))
    return findings


def _nothing_left(samples: Sequence[Sample], bad: dict[int, tuple[str, str]]) -> str:
    index, (_, sentence) = next(iter(bad.items()))
    count = "The only file" if len(bad) == 1 else f"None of the {len(bad)} files"
    verb = "cannot" if len(bad) == 1 else "can"
    return f"{count} {verb} be read as a picture. {samples[index].name}: {sentence}"
