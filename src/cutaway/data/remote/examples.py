"""The table of a packed set: name, target, part, group and copies of each image."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from cutaway.data.imageset import ImageSet
from cutaway.data.remote.index import Index
from cutaway.data.target import Classes, Labels, Values, rarest


class Names(Sequence[str]):
    """Names in a column of Arrow, of which each takes its bytes and no more."""

    def __init__(self, column: Any):
        self.column = column

    def __len__(self) -> int:
        return len(self.column)

    def __getitem__(self, i):  # type: ignore[no-untyped-def]
        if isinstance(i, slice):
            return self.column[i].to_pylist()
        if not -len(self) <= i < len(self):
            raise IndexError(i)
        return self.column[i % len(self)].as_py()


class Examples(NamedTuple):
    """What the table holds; `truth` as `ImageSet.truth` has it."""

    names: Sequence[str]
    truth: Tensor
    parts: Int[Tensor, " n"]
    groups: Int[Tensor, " n"] | None
    exact: Int[Tensor, " n"]
    near: Int[Tensor, " n"]

    def to_parquet(self) -> bytes:
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns: dict[str, Any] = {
            "name": pa.array(self.names, pa.large_string()),
            "part": self.parts.to(torch.int8).numpy(),
            "exact": self.exact.numpy(), "near": self.near.numpy(),
        }  # fmt: skip
        if self.groups is not None:
            columns["group"] = self.groups.numpy()
        flat = self.truth if self.truth.dim() == 2 else self.truth[:, None]
        for i, column in enumerate(flat.unbind(1)):
            columns[f"target-{i}"] = column.contiguous().numpy()
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(columns), sink, compression="zstd")
        return sink.getvalue().to_pybytes()

    @classmethod
    def from_parquet(cls, content: bytes, index: Index) -> "Examples":
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pq.read_table(pa.BufferReader(content))

        def numbers(name: str) -> Tensor:
            return torch.from_numpy(table.column(name).to_numpy().copy())

        count = 1 if index.kind == Classes.kind else len(index.names)
        truth = torch.stack([numbers(f"target-{i}") for i in range(count)], 1)
        return cls(
            Names(table.column("name").combine_chunks()),
            truth[:, 0] if index.kind == Classes.kind else truth,
            numbers("part").long(),
            numbers("group") if "group" in table.column_names else None,
            numbers("exact"), numbers("near"),
        )  # fmt: skip


def with_targets(images: ImageSet, index: Index, truth: Tensor) -> ImageSet:
    """The set with the targets that its table has."""
    if index.kind == Values.kind:
        return images.with_values(truth, index.names)
    if index.kind == Labels.kind:
        return images.with_labels(truth, index.names)
    return images


def stratifying(index: Index, truth: Tensor) -> Tensor:
    """The class of each image, or what stands for it until its labels or numbers are told."""
    if index.kind == Classes.kind:
        return truth
    return rarest(truth) if index.kind == Labels.kind else torch.zeros(len(truth), dtype=torch.long)
