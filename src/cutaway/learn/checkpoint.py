"""Checkpoints: everything that a run needs to go on, in one file that is whole or not there.

The file is safetensors; facts that are not tensors travel in its header as JSON, with a digest
over both. It is written to a temporary name, synced and renamed, and the one before is kept.
Nothing is ever unpickled.
"""

import json
import os
import re
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from cutaway.errors import RunError
from cutaway.files import writing, written_whole

LAST, PREVIOUS = "last.safetensors", "previous.safetensors"
Tensors = dict[str, Tensor]
Facts = Mapping[str, object]
"""Plain values that a file holds beside its tensors, by name."""


def save_tensors(path: Path, tensors: Tensors, facts: Facts) -> None:
    """Write tensors and facts as one sealed safetensors file.

    Raises:
        RunError: it cannot be written; what stood there still does.
    """
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    text = json.dumps(facts)
    # One key, because safetensors does not keep the order of several: equal runs, equal bytes.
    seal = json.dumps({"facts": text, "digest": _digest(plain, text)})
    with written_whole(path) as temporary:
        try:
            save_file(plain, temporary, {"cutaway": seal})  # from where they lie: no copy of them
        except SafetensorError as error:
            raise _failure(error) from None


def _failure(error: SafetensorError) -> OSError:
    """What the system said, of which the library keeps the number in its text."""
    said = re.search(r"os error (\d+)", str(error))
    return OSError(int(said[1]), os.strerror(int(said[1]))) if said else OSError(str(error))


def load_tensors(path: Path) -> tuple[Tensors, Any]:
    """Read what `save_tensors` wrote, the facts as they come from JSON.

    Raises:
        RunError: the file is missing, truncated, or not what was written.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("cutaway", "{}"))
            # Copied, so that no tensor depends on the file (or on how it is aligned) any more.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise RunError(f"{path} is not there.") from None
    except (OSError, SafetensorError, ValueError) as error:
        raise RunError(f"{path} is truncated or damaged ({error}).") from None
    if header.get("digest") != _digest(tensors, header.get("facts", "")):
        raise RunError(f"{path} has been changed since it was written, so it is not used.")
    return tensors, json.loads(header["facts"])


def save_checkpoint(folder: Path, tensors: Tensors, facts: Facts) -> None:
    """Write a checkpoint, keeping the one before."""
    last, previous = folder / LAST, folder / PREVIOUS
    with writing(folder):
        folder.mkdir(exist_ok=True)
        if last.exists():
            # A second name for the old file, so that at no moment there is none.
            spare = folder / ".previous.tmp"
            spare.unlink(missing_ok=True)
            os.link(last, spare)
            os.replace(spare, previous)
    save_tensors(last, tensors, facts)


def load_checkpoint(folder: Path) -> tuple[Tensors, Any, str] | None:
    """The last sound checkpoint, its facts, and a sentence where it is not the last one.

    None where no checkpoint has been written yet.

    Raises:
        RunError: there are checkpoints, and none is sound.
    """
    paths = [path for path in (folder / LAST, folder / PREVIOUS) if path.exists()]
    if not paths:
        return None
    problems = []
    for path in paths:
        try:
            tensors, facts = load_tensors(path)
        except RunError as error:
            problems.append(str(error))
            continue
        return tensors, facts, " ".join(problems)
    raise RunError(" ".join(problems) + " No checkpoint is intact: train again from the recipe.")


def rewind(folder: Path) -> None:
    """Take the checkpoint before the last for the last, where there is one."""
    if (folder / PREVIOUS).exists():
        with writing(folder):
            os.replace(folder / PREVIOUS, folder / LAST)


def _digest(tensors: Tensors, text: str) -> str:
    digest = blake2b(text.encode(), digest_size=16)
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def optimizer_state(
    optimizer: torch.optim.Optimizer, prefix: str
) -> tuple[Tensors, dict[str, object]]:
    """An optimizer's state as tensors (named `prefix/parameter/field`) and plain facts."""
    state = optimizer.state_dict()
    tensors: Tensors = {}
    rest: dict[str, object] = {}
    for index, fields in state["state"].items():
        for name, value in fields.items():
            key = f"{prefix}/{index}/{name}"
            if isinstance(value, Tensor):
                tensors[key] = value
            else:
                rest[key] = value
    return tensors, rest


def restore_optimizer(
    optimizer: torch.optim.Optimizer, prefix: str, tensors: Tensors, rest: Facts
) -> None:
    """Put back what `optimizer_state` gave; each tensor in the memory order of its parameter."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, object]] = {}
    for key, value in [*tensors.items(), *rest.items()]:
        if key.startswith(prefix + "/"):
            index, name = key[len(prefix) + 1 :].split("/", 1)
            like = parameters[int(index)]
            if isinstance(value, Tensor) and value.shape == like.shape:
                value = torch.empty_like(like, dtype=value.dtype).copy_(value)
            state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
