"""Evidence as JSON and back."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any

from cutaway.figures import data, serialization
from cutaway.lab.evidence import Effect, Evidence, Table

KINDS = data.KINDS | {kind.__name__: kind for kind in (Effect, Table, Evidence)}

pack = serialization.pack


def unpack(value: Any) -> Any:
    """The value that was packed; sequences come back as tuples.

    Raises:
        KeyError, TypeError: it was not packed here.
    """
    return serialization.unpack(value, KINDS)


def plain(value: Any) -> Any:
    """The same for other programs: no `kind`, and null where a number is not finite."""
    if is_dataclass(value):
        return {spec.name: plain(getattr(value, spec.name)) for spec in fields(value)}
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value
