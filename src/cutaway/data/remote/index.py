"""The index of a packed set: what its images are, what the audit found, and where they lie."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

from cutaway.data.levels import levels_from_json
from cutaway.data.walk import INDEX as NAME
from cutaway.errors import DataError

VERSION = 1
WINDOW = 16  # shards that are learned from at a time: see `elsewhere.along_shards`
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class File:
    """A file of the set: its name, its size in bytes and a digest of its content."""

    name: str
    bytes: int
    digest: str


@dataclass(frozen=True)
class Index:
    """What is known of a packed set before any of its images is read.

    Attributes:
        name: what the data were called that it was made from.
        shape: of all images: how many, their grid, their channels.
        per_shard: images in a shard; in the last one what is left.
        kind: of the targets, as `Target.kind`: classes, labels or values.
        names: of the classes, the labels or the values.
        fit, levels: as an image set has them.
        findings: of an audit, beside those that follow from copies and targets.
        split: how many images each part has, and what was drawn with which seed.
        examples: a table with name, target, part and copies of each image.
    """

    name: str
    shape: tuple[int, ...]
    per_shard: int
    kind: str
    names: tuple[str, ...]
    fit: str
    levels: tuple[float, float] | None
    licence: str
    findings: tuple[dict[str, Any], ...]
    split: dict[str, Any]
    examples: File
    shards: tuple[File, ...]
    window: int = WINDOW

    @property
    def digest(self) -> bytes:
        """What tells the pixels of one set from those of another."""
        named = [self.per_shard, *(shard.digest for shard in self.shards)]
        return blake2b(repr(named).encode(), digest_size=16).digest()

    def to_bytes(self) -> bytes:
        body = {"format": "cutaway packed set", "version": VERSION, **asdict(self)}
        return json.dumps(body, indent=1, ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, content: bytes, where: str) -> "Index":
        """Raises DataError where it is damaged, or of a newer Cutaway."""
        try:
            body = json.loads(content)
            version = body.pop("version")
            if version != VERSION:
                raise DataError(
                    f"{where} was packed in version {version} of the format, and this Cutaway "
                    f"reads version {VERSION}: use the Cutaway that packed it, or pack it anew."
                )
            del body["format"]
            body["examples"] = _file(body["examples"])
            body["shards"] = tuple(map(_file, body["shards"]))
            body |= {name: tuple(body[name]) for name in ("shape", "names", "findings")}
            body["levels"] = levels_from_json(body["levels"])
            found = cls(**body)
            _check(found.shape, found.per_shard, found.shards)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"{where}/{NAME} is damaged: pack the data anew.") from None
        return found


def _file(body: dict[str, Any]) -> File:
    """A file whose name stays in its folder."""
    if not PLAIN.fullmatch(body["name"]):
        raise ValueError(body["name"])
    return File(**body)


def _check(shape: tuple[int, ...], per_shard: int, shards: Sequence[File]) -> None:
    if min(shape) < 1 or per_shard < 1 or len(shards) != -(-shape[0] // per_shard):
        raise ValueError(shape)


def digest_of(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()
