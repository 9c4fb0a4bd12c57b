"""Data elsewhere as an image set: a packed one by its index, anything else fetched once."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cutaway.data.imageset import Finding, ImageSet
from cutaway.data.remote.fetched import fetched
from cutaway.data.remote.packed import find_index, packed_set
from cutaway.data.remote.place import Place
from cutaway.errors import CutawayError, UsageError

Read = Callable[[Path], tuple[ImageSet, bool]]


def from_address(address: str, read: Read, label: str = "") -> tuple[ImageSet, bool]:
    """The image set at an address; and whether a column has grouped it.

    Args:
        read: gives the image set of a folder or a file here.
        label: a column that was asked for.

    Raises:
        UsageError: the address holds a secret, or needs libraries that are not installed.
        DataError: it cannot be read, or holds what `read` refuses.
    """
    place = Place(address)
    if index := find_index(place):
        if label:
            raise UsageError(
                f"{place.address} is a packed set, whose labels were chosen when it was packed: "
                "leave --label out, or pack the data with it."
            )
        return packed_set(place, index), False
    with fetched(place) as here:
        try:
            images, by_column = read(here)
        except CutawayError as error:
            raise type(error)(_elsewhere(str(error), here, place)) from None
    findings = tuple(_named(one, here, place) for one in images.findings)
    return replace(images, name=place.address, findings=findings), by_column


def _named(finding: Finding, here: Path, place: Place) -> Finding:
    return replace(finding, detail=_elsewhere(finding.detail, here, place))


def _elsewhere(text: str, here: Path, place: Place) -> str:
    """A sentence that names the data by their address."""
    return text.replace(str(here), place.address)
