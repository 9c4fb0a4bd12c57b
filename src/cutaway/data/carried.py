"""An image set as one file, for workers on other disks: what they read equals what was written.

The files behind its pictures do not travel with it, only their pixels, and which of many are alike.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from cutaway.data.copies import MIN_CACHED, Copies, copies, keep
from cutaway.data.imageset import Finding, ImageSet, Numbered
from cutaway.data.levels import levels_from_json
from cutaway.errors import DataError, UsageError

COPIES = "copies"
TENSORS = ("images", "targets", "parts", "groups", "masks", "values", "labels")
WORDS = ("classes", "name", "licence", "whole", "fit", "levels", "quantities")


def carry(images: ImageSet, path: Path) -> None:
    """Write a set into a file.

    Raises:
        UsageError: a stream, whose items are still to come.
        DataError: the disk is full.
    """
    if images.tail is not None:
        raise UsageError(
            "A stream cannot be read by several computers: give a list of its items, list(...), or "
            "leave out --on."
        )
    tensors = {name: getattr(images, name) for name in TENSORS}
    about = {name: getattr(images, name) for name in WORDS}
    about["findings"] = [asdict(one) for one in images.findings]
    about["names"] = _names(images.names)
    plain = {k: _plain(v) for k, v in tensors.items() if v is not None}
    if len(images) >= MIN_CACHED and not images.whole:  # what takes long to find is found once
        plain[COPIES] = torch.stack(copies(images, lambda _: None))
    try:
        save_file(plain, path, {"cutaway": json.dumps(about)})
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be written ({error}): free some space there.") from None


def carried(path: str | Path) -> ImageSet:
    """The set that a file holds, its pixels mapped."""
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["cutaway"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    alike = tensors.pop(COPIES, None)
    names, findings = about.pop("names"), about.pop("findings")
    about |= {name: tuple(about[name]) for name in ("classes", "quantities")}
    about["levels"] = levels_from_json(about["levels"])
    images = ImageSet(
        **tensors, **about,
        names=Numbered(*names["numbered"]) if "numbered" in names else names["listed"],
        findings=tuple(Finding(**{**one, "where": tuple(one["where"])}) for one in findings),
    )  # fmt: skip
    if alike is not None:
        keep(images, Copies(*alike))
    return images


def _plain(values: Tensor) -> Tensor:
    """In rows, and on memory that no other tensor has."""
    values = values.contiguous()
    return values.clone() if values.untyped_storage().nbytes() > values.nbytes else values


def _names(names: Sequence[str]) -> dict[str, Any]:
    if isinstance(names, Numbered):
        return {"numbered": [names.stem, names.total]}
    return {"listed": list(names)}
