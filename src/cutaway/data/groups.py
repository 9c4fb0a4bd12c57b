"""Groups of images that stay in one part, derived from their names."""

import re
from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Int
from torch import Tensor

from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError


def grouped(images: ImageSet, group_by: str) -> ImageSet:
    """The set with groups by `level:N` or by a regular expression on the names.

    Names that do not match are each a group of their own. Raises UsageError where none does.
    """
    keys = group_keys(images.names, group_by)
    findings = tuple(one for one in images.findings if one.kind != "inner-folders")  # answered
    return replace(images, groups=numbered_keys(keys, images.names), findings=findings)


def numbered_keys(keys: Sequence[str], names: Sequence[str]) -> Int[Tensor, " n"]:
    """A group number for each image by its key; one without a key is a group of its own."""
    numbers: dict[tuple[bool, str], int] = {}
    pairs = ((bool(key), key or name) for key, name in zip(keys, names, strict=True))
    return torch.tensor([numbers.setdefault(pair, len(numbers)) for pair in pairs])


def group_keys(names: Sequence[str], group_by: str) -> list[str]:
    """The group of each name, empty where it has none."""
    level = re.fullmatch(r"level:(-?\d+)", group_by)
    keys = _levels(names, int(level[1])) if level else _matches(names, group_by)
    if not any(keys):
        raise UsageError(f"--group-by '{group_by}' fits no image; one is named '{names[0]}'.")
    return keys


def _levels(names: Sequence[str], level: int) -> list[str]:
    """The name of the N-th folder: one patient's folders under two classes are one group."""
    if level == 0:
        raise UsageError("Folder levels count from 1 (or from -1, the folder of the image itself).")
    keys = []
    for name in names:
        folders = name.split("/")[:-1]
        depth = level if level > 0 else len(folders) + 1 + level
        keys.append(folders[depth - 1] if 0 < depth <= len(folders) else "")
    return keys


def _matches(names: Sequence[str], pattern: str) -> list[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(
            f"--group-by '{pattern}' is not a regular expression: {error}. It may also be "
            "level:N, or a column of the table."
        ) from None
    matches = [compiled.search(name) for name in names]
    return [(match[1] if compiled.groups else match[0]) or "" if match else "" for match in matches]
