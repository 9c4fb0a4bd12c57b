"""Findings kept on disk, by the claim's own code, its settings and PyTorch's version."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from cutaway.data import cache
from cutaway.files import write_whole
from cutaway.lab.code import code_of
from cutaway.lab.experiment import Claim, Finding
from cutaway.lab.serialization import pack, unpack

Content = Mapping[str, Any]
"""A finding as its file holds it."""


def load(claim: Claim, settings: dict[str, Any]) -> Finding | None:
    """The finding of an earlier run of the same code; None if there is none, or it is damaged."""
    try:
        stored = json.loads(path_of(claim, settings).read_text(encoding="utf-8"))
        evidence, seconds = unpack(stored["evidence"]), stored["seconds"]
        return Finding(claim, settings, evidence, seconds, stored["environment"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def save(finding: Finding) -> Path:
    """Write a finding in one step.

    Raises:
        DataError: the cache cannot be written.
        RunError: the disk is full.
    """
    return keep(finding.claim, finding.settings, content(finding))


def content(finding: Finding) -> Content:
    """A finding in plain values."""
    return {
        "evidence": pack(finding.evidence),
        "seconds": finding.seconds,
        "environment": finding.environment,
    }


def keep(claim: Claim, settings: dict[str, Any], found: Content) -> Path:
    """Write the content of a finding; raises what `save` does."""
    path = path_of(claim, settings)
    with cache.disk_errors():
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(found, allow_nan=False))
    return path


def path_of(claim: Claim, settings: dict[str, Any]) -> Path:
    """The file of a finding."""
    files = [_stamp(Path(one)) for one in settings.values() if isinstance(one, str) and one]
    named = [one for one in files if one]
    key = cache.digest(
        code_of(claim), sorted(settings.items()), torch.__version__, *([named] if named else [])
    )
    return cache.root() / "lab" / f"{claim.number}-{key}.json"


def _stamp(path: Path) -> list[tuple[str, int, int]]:
    """The state of a file, or of a folder's files, that a setting names: its content may change."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path] * path.is_file()
        states = [(one, one.stat()) for one in files if one.is_file()]
    except OSError:  # the experiment says what is wrong
        return []
    return [(one.name, state.st_size, state.st_mtime_ns) for one, state in states]
