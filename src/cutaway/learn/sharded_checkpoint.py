"""Checkpoints of a sharded training: a folder to which each process writes what it holds.

`torch.distributed.checkpoint` writes and reads them, as safetensors, and fits them to any number of
processes. A folder counts once its seal stands in it, with the plain facts and a digest of every
file; the one before is kept. All processes need to see the folder.
"""

import os
import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cutaway.errors import RunError
from cutaway.files import read_json, write_json, writing
from cutaway.learn.checkpoint import LAST as ONE_FILE
from cutaway.learn.checkpoint import PREVIOUS as ONE_BEFORE
from cutaway.learn.checkpoint import Facts, Tensors, load_checkpoint
from cutaway.together.environment import known_to_all
from cutaway.together.sharded import apart, is_sharded, room
from cutaway.together.team import Team

LAST, PREVIOUS, NEXT = "last", "previous", "next"
SEAL, ALGORITHM = "seal.json", "blake2b"
FILE = 1 << 26
DIGEST = 64
"""Bytes of a digest."""

Layout = Mapping[str, Tensor]
"""Tensors as those of a checkpoint are to lie, by name; `optimizer/PLAYER/3` for every field of the
optimizer that has its shape."""


@dataclass(frozen=True)
class Saved:
    """A checkpoint that is sound.

    Attributes:
        problem: why it is not the last one; empty where it is.
        read: gives its tensors, each as that of its name in a layout.
    """

    facts: Any
    problem: str
    read: Callable[[Layout], Tensors]


def exists(folder: Path) -> bool:
    """Whether a checkpoint has been written, in one file or in shards."""
    names = (ONE_FILE, ONE_BEFORE, f"{LAST}/{SEAL}", f"{PREVIOUS}/{SEAL}")
    return any((folder / name).exists() for name in names)


def save_shards(folder: Path, tensors: Tensors, facts: Facts, team: Team) -> None:
    """Write a checkpoint, keeping the one before; all processes at once.

    Raises:
        RunError: one of them cannot write it, or they do not see one folder.
    """
    from torch.distributed.checkpoint import HuggingFaceStorageWriter, save
    from torch.distributed.checkpoint.api import CheckpointException

    fresh = folder / NEXT
    if team.first:
        with writing(fresh):
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
    team.any(False)  # nobody looks before it is there
    if any(team.any(not fresh.exists())):
        raise known_to_all(RunError(
            f"{folder} is not one folder for all processes: sharded weights (--shard) need a file "
            "system that all of them share; give one with --out."
        ))  # fmt: skip
    try:
        writer = HuggingFaceStorageWriter(str(fresh), _files(tensors, team), save_distributed=True)
        save(tensors, storage_writer=writer)
    except CheckpointException as error:
        raise known_to_all(_refused(fresh, error)) from None
    files = sorted(fresh.glob("*.safetensors"))
    digests = _digests(files, team)
    if team.first:
        with writing(folder):
            write_json(fresh / SEAL, {"facts": dict(facts), "files": digests})
            _rotate(folder)
    team.any(False)  # nobody reads before it has its name


def _files(tensors: Tensors, team: Team) -> dict[str, int]:
    """The number of the file that each tensor goes to, from 1.

    A file is put together in memory, and its parts are about `FILE` bytes in each process.
    """
    found, filled = {}, 0
    for name, value in tensors.items():
        found[name] = 1 + filled // (FILE * team.size)
        filled += value.numel() * value.element_size()
    return found


def _refused(place: Path, failure: BaseException) -> RunError:
    """A sentence on what failed in the first of the processes that could not write."""
    causes = [one[0] for one in getattr(failure, "failures", {}).values()]
    cause = next((one for one in causes if isinstance(one, OSError)), OSError(str(causes[:1])))
    try:
        with writing(place):
            raise cause
    except RunError as error:
        return error
    raise AssertionError


def _rotate(folder: Path) -> None:
    """Make the next one the last, and the last the one before."""
    if (folder / LAST).exists():
        shutil.rmtree(folder / PREVIOUS, ignore_errors=True)
        os.replace(folder / LAST, folder / PREVIOUS)
    os.replace(folder / NEXT, folder / LAST)
    for name in (ONE_FILE, ONE_BEFORE):  # of a time when the weights were whole
        (folder / name).unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Remove what was written in shards, now that one process goes on with all of the weights."""
    for name in (LAST, PREVIOUS, NEXT):
        shutil.rmtree(folder / name, ignore_errors=True)


def _digests(files: list[Path], team: Team) -> dict[str, str]:
    """The digest of each file; each process reads some of them."""
    rows = torch.zeros(len(files[team.rank :: team.size]), DIGEST, dtype=torch.uint8)
    for row, path in zip(rows, files[team.rank :: team.size], strict=True):
        with open(path, "rb") as file:
            digest = file_digest(file, ALGORITHM).digest()
        row.copy_(torch.frombuffer(bytearray(digest), dtype=torch.uint8))
    counts = [len(files[rank :: team.size]) for rank in range(team.size)]
    found: dict[str, str] = {}
    for rank, some in enumerate(team.stacked(rows, counts)):
        names = (path.name for path in files[rank :: team.size])
        found |= {name: bytes(row.numpy()).hex() for name, row in zip(names, some, strict=True)}
    return found


def find(folder: Path, team: Team) -> Saved | None:
    """The last sound checkpoint, in one file or in shards; None where none was written.

    Raises:
        RunError: there are some, and none is sound.
    """
    problems = list[str]()
    for path in (folder / LAST, folder / PREVIOUS):
        if not (path / SEAL).exists():
            continue
        seal = read_json(path / SEAL)
        if _digests(sorted(path.glob("*.safetensors")), team) == seal["files"]:
            return Saved(seal["facts"], " ".join(problems), partial(_read, path, team))
        problems.append(f"{path} is damaged, or was changed since it was written.")
    if problems:
        said = " ".join(problems) + " No checkpoint is intact: train again from the recipe."
        raise known_to_all(RunError(said))
    saved = load_checkpoint(folder)
    if saved is None:
        return None
    tensors, facts, problem = saved
    return Saved(facts, problem, partial(_laid_out, tensors))


def _read(path: Path, team: Team, layout: Layout) -> Tensors:
    from torch.distributed.checkpoint import HuggingFaceStorageReader, load

    reader = HuggingFaceStorageReader(str(path))
    tensors: dict[str, Any] = {}
    for name, about in reader.read_metadata().state_dict_metadata.items():
        size, dtype = about.size, about.properties.dtype
        like = _like(layout, name, size)
        tensors[name] = torch.empty(size, dtype=dtype) if like is None else room(like, dtype)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.distributed is disabled")  # so it is
        load(tensors, storage_reader=reader, no_dist=team.alone)
    return tensors


def _laid_out(tensors: Tensors, layout: Layout) -> Tensors:
    found = {}
    for name, value in tensors.items():
        like = _like(layout, name, value.shape)
        found[name] = value if like is None else apart(value, like)
    return found


def _like(layout: Layout, name: str, size: torch.Size) -> Tensor | None:
    """The sharded tensor that one of this name and size is to lie as; None where it is whole."""
    for key in (name, name.rpartition("/")[0]):
        like = layout.get(key)
        if like is not None and is_sharded(like) and like.shape == size:
            return like
    return None
