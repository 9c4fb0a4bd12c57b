"""A packed set as an image set: its table is read at once, its images as they are needed."""

from typing import get_args

from cutaway.data.elsewhere import Elsewhere
from cutaway.data.frame import Fit
from cutaway.data.imageset import Finding, ImageSet
from cutaway.data.remote.examples import Examples, stratifying, with_targets
from cutaway.data.remote.index import NAME, Index
from cutaway.data.remote.place import Place, missing
from cutaway.data.remote.shards import Shards, content_of
from cutaway.data.target import Classes
from cutaway.errors import DataError, UsageError


def find_index(place: Place) -> Index | None:
    """The index at a place; None where no packed set is there. Raises DataError."""
    if place.is_named_as_file or place.size(NAME) is None:
        return None
    return Index.from_bytes(place.read(NAME), place.address)


def packed_set(place: Place, index: Index) -> ImageSet:
    """The images of a packed set, in shards that are fetched as they are needed.

    Raises:
        DataError: its table is not the one that was packed, or the cache may hold too little.
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise UsageError(missing(place.address)) from None
    table = Examples.from_parquet(content_of(place, index.examples), index)
    if len(table.names) != index.shape[0] or index.fit not in get_args(Fit):
        raise DataError(f"{place.address}/{NAME} is damaged: pack the data anew.")
    return with_targets(_untold(place, index, table), index, table.truth)


def _untold(place: Place, index: Index, table: Examples) -> ImageSet:
    """The set, whose images have a class or nothing as yet."""
    return ImageSet(
        images=Elsewhere(Shards(place, index, (table.exact, table.near))),
        targets=stratifying(index, table.truth),
        classes=index.names if index.kind == Classes.kind else ("value",),
        names=table.names,
        parts=None if (table.parts < 0).any() else table.parts,
        groups=table.groups,
        name=place.address,
        licence=index.licence,
        findings=tuple(
            Finding(**{**finding, "where": tuple(finding["where"])}) for finding in index.findings
        ),
        fit=index.fit,  # type: ignore[arg-type]
        levels=index.levels,
    )
