"""Data sets of the catalogue, for experiments on other disks."""

import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from cutaway.data import cache
from cutaway.data.catalog import SOURCES
from cutaway.files import temporary_folder
from cutaway.lab.experiment import Claim
from cutaway.workplaces import Work, Workplace

NAMED = "CUTAWAY_DATA"
"""The variable that names the folder of data sets."""


@contextmanager
def with_sets(
    work: Work, asked: Iterable[tuple[Claim, dict[str, Any]]], place: Workplace
) -> Iterator[Work]:
    """The work with an archive of the sets that its claims need and that lie here, where its place
    is another.

    Raises:
        DataError: the disk is full.
    """
    sets = folders(asked) if place.apart else {}
    if not sets:
        yield work
        return
    with temporary_folder(cache.root() / "lab") as folder:
        archive = _archived(sets, folder / "sets.tar")
        yield replace(work, unpacked={**work.unpacked, NAMED: archive})


def _archived(sets: Mapping[str, Path], path: Path) -> Path:
    with cache.disk_errors(), tarfile.open(path, "w", dereference=True) as archive:
        for name, folder in sorted(sets.items()):
            archive.add(folder, name)
    return path


def folders(asked: Iterable[tuple[Claim, dict[str, Any]]]) -> dict[str, Path]:
    """The folders of sets that claims need, by name."""
    found = {}
    for claim, settings in asked:
        for name in claim.needed(settings):
            source = SOURCES.get(name)
            while source is not None and source.of:
                source = SOURCES[source.of]
            if source is not None and source.files and source.local is not None:
                found[source.name] = source.local
    return found
