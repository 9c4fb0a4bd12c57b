"""Decode a list of pictures once, into a memory-mapped cache entry that a second start reads."""

import errno
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import UInt8
from torch import Tensor

from cutaway.data import cache, pool
from cutaway.data.imageset import Finding, ImageSet
from cutaway.data.picture import Unreadable, look, quietly
from cutaway.data.pixels import PIXELS, mapped, whole
from cutaway.data.worker import Answer, Task, fetch
from cutaway.errors import DataError

FORMAT = 1  # of the cache entry; to be raised whenever the same files would give other pixels
KEEP = 96  # pictures of one size up to this many pixels keep it
USUAL = 128  # the size that all others are brought to
LOOKED_AT = 64  # pictures from which the size and colour of all are guessed, to be checked in all
SECONDS_PER_PICTURE, SECONDS_PER_BYTE, STARTING = 1e-4, 5e-8, 0.3  # rough, to choose workers
NOTES = {
    "animated": "more than one frame: the first is used",
    "exif-rotated": "turned upright as their EXIF data say",
    "cmyk": "in CMYK: converted to RGB",
    "palette": "with a palette: converted",
    "16-bit": "deeper than 8 bits: scaled to 8",
    "transparent": "with transparent parts: laid on white",
}

Progress = Callable[[int, int], None]


class Cell(NamedTuple):
    """A picture in a Parquet file; `stamp` changes when the file does."""

    parquet: str
    column: str
    group: int
    row: int
    stamp: tuple[int, ...]


class Sample(NamedTuple):
    """One picture before it is decoded.

    Attributes:
        source: path of a file, the content of one, or a cell of a table.
        target: index of its class.
        name: what reports call it; its path below the root.
        part: index into `imageset.PARTS`; -1 where the source makes no division.
        group: samples with the same group never part; empty where it has none.
    """

    source: str | bytes | Cell
    target: int
    name: str
    part: int = -1
    group: str = ""


class Plan(NamedTuple):
    """Shape of all pictures: a square of `side`; `native` (height, width) where none is resized."""

    side: int
    native: tuple[int, int] | None
    channels: int


def pack(
    samples: Sequence[Sample],
    classes: Sequence[str],
    *,
    image_size: int | None = None,
    name: str = "",
    licence: str = "",
    findings: Sequence[Finding] = (),
    progress: Progress | None = None,
) -> ImageSet:
    """The samples as an image set, decoded unless that was done before.

    With `image_size` None, pictures of one size up to 96 pixels keep it (one that is not square is
    padded to a square by repeating its edge, so that nothing is lost), and others are brought to
    128. Otherwise the shorter side is brought to `image_size` and the middle square cut out.
    There is one channel where every picture is grey, else there are three.
    What cannot be decoded is left out and named in `findings`.

    Raises:
        DataError: no picture can be decoded, or the cache cannot be written.
    """
    sizes, stamps = zip(*(stamp(sample.source) for sample in samples), strict=True)
    names = [sample.name for sample in samples]
    key = cache.digest(FORMAT, image_size, names, stamps)
    place, note = cache.entry(
        key, lambda folder: _build(folder, samples, sizes, image_size, progress), whole
    )
    dropped = set(note["dropped"])
    kept = [sample for i, sample in enumerate(samples) if i not in dropped]
    found = [Finding(kind, tuple(where), *rest) for kind, where, *rest in note["findings"]]
    return assemble(kept, mapped(place, note), classes, name, licence, (*findings, *found))


def assemble(
    samples: Sequence[Sample],
    images: UInt8[Tensor, "n h w c"],
    classes: Sequence[str],
    name: str,
    licence: str,
    findings: Sequence[Finding],
) -> ImageSet:
    """An image set of what was kept; a class that has no picture is not one."""
    used = sorted({sample.target for sample in samples})
    number = {target: i for i, target in enumerate(used)}
    lost = [classes[i] for i in range(len(classes)) if i not in number]
    if lost:
        said = f"Left without any picture, and so no class: {', '.join(lost)}."
        findings = (*findings, Finding("empty-class", tuple(lost), said))
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
    )


def _groups(samples: Sequence[Sample]) -> Tensor | None:
    if not any(sample.group for sample in samples):
        return None
    numbers: dict[tuple[str, str], int] = {}
    keys = ((sample.group, "" if sample.group else sample.name) for sample in samples)
    return torch.tensor([numbers.setdefault(key, len(numbers)) for key in keys])


def stamp(source: str | bytes | Cell) -> tuple[int, Any]:
    """Size in bytes, and something that changes when the content does.

    The time of the last change of a file's record is part of it: archives unpack files with times
    and sizes that say nothing, and some tools restore the time of the last change of content.
    """
    if isinstance(source, bytes):
        return len(source), cache.digest(source)
    if isinstance(source, Cell):
        return 0, (source.row, source.stamp)
    try:
        found = os.stat(source)
    except OSError:
        return 0, None
    return found.st_size, (found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _build(
    folder: Path,
    samples: Sequence[Sample],
    sizes: Sequence[int],
    image_size: int | None,
    progress: Progress | None,
) -> dict[str, Any]:
    """Decode all into `folder`; what the guessed plan does not fit is decoded by a wider one."""
    plan = _plan(samples, image_size)
    while True:
        outcome = _decode(folder / PIXELS, samples, sizes, plan, progress)
        if outcome.get("misfit") == "colour":
            plan = plan._replace(channels=3)
        elif outcome.get("misfit"):
            plan = plan._replace(side=USUAL, native=None)
        else:
            break
    bad = {index: (kind, sentence) for index, kind, sentence in sorted(outcome["bad"])}
    if len(bad) == len(samples):
        raise DataError(_nothing_left(samples, bad))
    rows = _close_gaps(folder / PIXELS, len(samples), set(bad), plan)
    return {
        "shape": [rows, plan.side, plan.side, plan.channels],
        "dropped": list(bad),
        "findings": _findings(samples, bad, outcome["notes"]),
    }


def _plan(samples: Sequence[Sample], image_size: int | None) -> Plan:
    """What fits some samples, evenly chosen, by their headers."""
    step = -(-len(samples) // LOOKED_AT)
    headers = []
    with quietly():
        for sample in samples[::step]:
            try:
                headers.append(look(fetch(_task_source(sample.source))))
            except Unreadable:  # reported when it is decoded
                continue
    channels = 1 if all(header.grey for header in headers) else 3
    found = {(header.height, header.width) for header in headers}
    native = found.pop() if len(found) == 1 else (USUAL, USUAL)
    if image_size is None and max(native) <= KEEP:
        return Plan(max(native), native, channels)
    return Plan(image_size or USUAL, None, channels)


def _decode(
    file: Path,
    samples: Sequence[Sample],
    sizes: Sequence[int],
    plan: Plan,
    progress: Progress | None,
) -> Answer:
    """All answers in one; those up to the first misfit where there is one."""
    seconds = len(samples) * SECONDS_PER_PICTURE + sum(sizes) * SECONDS_PER_BYTE
    workers = min(pool.cpus(), int(seconds / STARTING))
    chunk = max(1, min(512, int(0.05 * len(samples) / seconds)))
    _reserve(file, len(samples) * plan.side * plan.side * plan.channels)
    total: Answer = {"bad": [], "notes": []}
    done = 0
    for answer in pool.answers(_tasks(file, samples, plan, chunk), workers):
        if "misfit" in answer:
            return answer
        total["bad"] += answer["bad"]
        total["notes"] += answer["notes"]
        done = min(done + chunk, len(samples))
        if progress:
            progress(done, len(samples))
    return total


def _tasks(file: Path, samples: Sequence[Sample], plan: Plan, chunk: int) -> Iterator[Task]:
    same = {"file": str(file), **plan._asdict()}
    for first in range(0, len(samples), chunk):
        sources = [_task_source(sample.source) for sample in samples[first : first + chunk]]
        yield {**same, "first": first, "sources": sources}


def _task_source(source: str | bytes | Cell) -> str | dict[str, Any]:
    if isinstance(source, str):
        return source
    if isinstance(source, bytes):
        from base64 import b64encode

        return {"base64": b64encode(source).decode()}
    return source._asdict()


def _reserve(file: Path, size: int) -> None:
    """Make the file, with its room on the disk where the system can: a full one is told at once."""
    with open(file, "wb") as handle:
        handle.truncate(size)
        try:
            os.posix_fallocate(handle.fileno(), 0, size)
        except AttributeError:  # not on this system
            pass
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # not on this file system
                raise


def _close_gaps(file: Path, rows: int, bad: set[int], plan: Plan) -> int:
    """Move rows up over those left out, cut the file, and return how many rows are left."""
    row = plan.side * plan.side * plan.channels
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
    samples: Sequence[Sample], bad: dict[int, tuple[str, str]], notes: list[tuple[int, str]]
) -> list[tuple[str, list[str], str, bool]]:
    """One for each picture left out, one for each kind of what was handled."""
    found = [(kind, [samples[i].name], said, True) for i, (kind, said) in bad.items()]
    handled: dict[str, list[str]] = defaultdict(list)
    for index, kind in sorted(notes):
        handled[kind].append(samples[index].name)
    for kind, names in sorted(handled.items()):
        found.append((kind, names, f"Pictures {NOTES[kind]} ({len(names)}).", False))
    return found


def _nothing_left(samples: Sequence[Sample], bad: dict[int, tuple[str, str]]) -> str:
    index, (_, sentence) = next(iter(bad.items()))
    count = "The only file" if len(bad) == 1 else f"None of the {len(bad)} files"
    verb = "cannot" if len(bad) == 1 else "can"
    return f"{count} {verb} be read as a picture. {samples[index].name}: {sentence}"
