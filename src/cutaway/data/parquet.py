"""Pictures and columns in Parquet files. pyarrow is an extra, and imported only here."""

import json
import os
from pathlib import Path
from typing import Any

from cutaway.errors import DataError, UsageError


def cells(path: str, column: str, group: int) -> list[str | bytes]:
    """The pictures in one row group: contents of files, or paths where a struct has no `bytes`."""
    values = _open(path).read_row_group(group, columns=[column]).column(0).to_pylist()
    return [_cell(path, value) for value in values]


def _cell(path: str, value: Any) -> str | bytes:
    if isinstance(value, dict):
        inner = value.get("path")
        value = value.get("bytes") or (inner and os.path.join(os.path.dirname(path), inner))
    return value or b""


def columns(path: Path) -> dict[str, bool]:
    """The name of each column, and whether it holds encoded pictures."""
    return {field.name: _holds_bytes(field.type) for field in _open(str(path)).schema_arrow}


def words(path: Path) -> list[str]:
    """The columns of words, whole numbers, or yes and no."""
    import pyarrow.types as types

    words = (types.is_string, types.is_large_string, types.is_dictionary)
    kinds = (*words, types.is_integer, types.is_boolean)
    fields = _open(str(path)).schema_arrow
    return [field.name for field in fields if any(of(field.type) for of in kinds)]


def values(path: Path, column: str) -> list[Any]:
    """A column as a list."""
    return _open(str(path)).read(columns=[column]).column(0).to_pylist()


def groups(path: Path) -> list[int]:
    """Number of rows of each row group."""
    info = _open(str(path)).metadata
    return [info.row_group(i).num_rows for i in range(info.num_row_groups)]


def class_names(path: Path, column: str) -> list[str] | None:
    """The names that a Hugging Face data set keeps for the integers of a label column."""
    try:
        info = json.loads(_open(str(path)).schema_arrow.metadata[b"huggingface"])
        return [str(name) for name in info["info"]["features"][column]["names"]]
    except (KeyError, TypeError, ValueError):
        return None


def _holds_bytes(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _open(path: str) -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise UsageError(
            "Parquet files need pyarrow. Install it with `pip install cutaway[parquet]`."
        ) from None
    try:
        return pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{path} is not a valid Parquet file ({str(error).split('. ')[0]})."
        ) from None
