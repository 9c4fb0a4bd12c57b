"""Evidence as JSON and back."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any

from cutaway.lab.evidence import Effect, Evidence, Table
from cutaway.lab.figures import Bars, Curves, Images, Part, Pixels, Series

KINDS = {
    kind.__name__: kind
    for kind in (Effect, Table, Evidence, Series, Curves, Part, Bars, Pixels, Images)
}


def pack(value: Any) -> Any:
    """Any part of the evidence as plain JSON; what JSON lacks is an object with a `kind`."""
    if is_dataclass(value):
        content = {spec.name: pack(getattr(value, spec.name)) for spec in fields(value)}
        return {"kind": type(value).__name__, **content}
    if isinstance(value, Mapping):
        return {name: pack(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [pack(one) for one in value]
    if isinstance(value, bytes):
        return {"kind": "bytes", "base64": b64encode(value).decode()}
    if isinstance(value, float) and not isfinite(value):
        return {"kind": "float", "text": str(value)}
    return value


def unpack(value: Any) -> Any:
    """The value that was packed; sequences come back as tuples.

    Raises:
        KeyError, TypeError: it was not packed here.
    """
    if isinstance(value, list):
        return tuple(map(unpack, value))
    if not isinstance(value, dict):
        return value
    content = {name: unpack(one) for name, one in value.items()}
    kind = content.pop("kind", None)
    if kind == "bytes":
        return b64decode(content["base64"])
    if kind == "float":
        return float(content["text"])
    return content if kind is None else KINDS[kind](**content)


def plain(value: Any) -> Any:
    """The same for other programs: no `kind`, and null where a number is not finite."""
    if is_dataclass(value):
        return {spec.name: plain(getattr(value, spec.name)) for spec in fields(value)}
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value
