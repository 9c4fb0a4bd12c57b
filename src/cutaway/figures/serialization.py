"""Plain data as JSON and back."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any

Kinds = Mapping[str, Callable[..., Any]]
"""For each `kind` a function from its fields to the object."""


class Plain:
    """A dataclass of numbers, texts, tuples and others like it."""

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON; `cutaway.figures.from_dict` reads it back."""
        content: dict[str, Any] = pack(self)
        return content


def pack(value: Any) -> Any:
    """Plain data as JSON; what JSON lacks is an object with a `kind`."""
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


def unpack(value: Any, kinds: Kinds) -> Any:
    """Return what `pack` was given; sequences come back as tuples.

    Raises:
        KeyError, TypeError: it was not packed here, or is of none of these kinds.
    """
    if isinstance(value, list):
        return tuple(unpack(one, kinds) for one in value)
    if not isinstance(value, dict):
        return value
    content = {name: unpack(one, kinds) for name, one in value.items()}
    kind = content.pop("kind", None)
    if kind == "bytes":
        return b64decode(content["base64"])
    if kind == "float":
        return float(content["text"])
    return content if kind is None else kinds[kind](**content)
