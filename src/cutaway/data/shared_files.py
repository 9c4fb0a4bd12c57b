"""Files that are in several class folders: images with several labels."""

import os
from collections import defaultdict
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from cutaway.data.imageset import Finding
from cutaway.data.sample import Sample

MANY = 0.1
"""Share of the files that have to be in several folders; fewer are copies with two classes, which
an audit finds."""


def shared(
    samples: Sequence[Sample], classes: Sequence[str]
) -> tuple[Sequence[Sample], list[Finding]]:
    """One sample for each file with the labels of all its folders, where many are in several.

    Files are the same where their names and their contents are (also as links): folders often
    number pictures of their own, `cat/1.png` beside `dog/1.png`.
    """
    same: dict[tuple[object, ...], list[Sample]] = defaultdict(list)
    for sample, key in zip(samples, _keys(samples), strict=True):
        same[key].append(sample)
    several = [some for some in same.values() if len({one.target for one in some}) > 1]
    if len(several) <= MANY * len(same):
        return samples, []
    joined = [
        some[0]._replace(target=0, labels=tuple(sorted({one.target for one in some})))
        for some in same.values()
    ]
    first = several[0]
    detail = (
        f"{len(several):,} of the {len(same):,} files are in several folders, such as "
        f"{first[0].name} and {first[1].name}, so that an image may have several labels: those of "
        "all its folders."
    )
    return joined, [Finding("multi-label", (), detail)]


def _keys(samples: Sequence[Sample]) -> list[tuple[object, ...]]:
    """Equal for the same file in several folders of a part; only likely ones are read."""
    alike: dict[tuple[object, ...], int] = defaultdict(int)
    plain = [(one.part, one.name.rpartition("/")[2], _size(one)) for one in samples]
    for key in plain:
        alike[key] += 1
    return [
        (*key, _content(one)) if alike[key] > 1 else (*key, one.name)
        for one, key in zip(samples, plain, strict=True)
    ]


def _size(sample: Sample) -> int:
    try:
        return os.stat(str(sample.source)).st_size
    except OSError:  # told when it is read
        return -1


def _content(sample: Sample) -> object:
    try:
        return blake2b(Path(str(sample.source)).read_bytes(), digest_size=16).digest()
    except OSError:
        return sample.name
