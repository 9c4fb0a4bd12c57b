"""The shards of a packed set: fetched ahead into the bounded cache, and mapped while they are used.

Several processes of one machine share the cache: a shard is fetched by one of them, and there whole
or not at all. It is checked against its digest in the index, so that what is learned from is what
was packed.
"""

import os
import threading
from collections import OrderedDict
from concurrent.futures import Future
from math import prod
from pathlib import Path
from queue import SimpleQueue
from uuid import uuid4

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from cutaway.data import cache
from cutaway.data.remote import bounded
from cutaway.data.remote.index import File, Index, digest_of
from cutaway.data.remote.place import Place
from cutaway.errors import CutawayError, DataError

AHEAD = 8  # shards that are fetched before they are needed
SIDE_BY_SIDE = 4  # of them at a time
PIXELS = "pixels"  # the column that holds them


class Shards:
    """The images of a packed set by their positions; see `elsewhere.Rows`.

    Raises:
        DataError: the cache may not hold as many shards as are needed at a time.
    """

    def __init__(self, place: Place, index: Index, copies: tuple[Tensor, Tensor]):
        self.place, self.index, self.copies = place, index, copies
        self.name, self.digest = place.address, index.digest
        self.count, self.shape = index.shape[0], index.shape[1:]
        self.per_shard, self.window = index.per_shard, index.window
        self._row = prod(self.shape)
        self._maps: OrderedDict[int, np.ndarray] = OrderedDict()
        self._coming: dict[int, Future[None]] = {}
        self._queue: SimpleQueue[tuple[Future[None], int]] = SimpleQueue()
        self._lock, self._since = threading.Lock(), 0
        self._workers: list[threading.Thread] = []
        self._expect_room()

    def _expect_room(self) -> None:
        most, every = bounded.limit(), self.count * self._row
        needed = min(every, (self.window + AHEAD + 2) * self.per_shard * self._row)
        if needed > most:
            raise DataError(
                f"The cache {bounded.root()} may hold {bounded.size_text(most)}, and the shards of "
                f"{self.name} that are needed at a time take {bounded.size_text(needed)}: set "
                "CUTAWAY_CACHE_LIMIT to more, or pack the data in smaller shards (--shard-size)."
            )

    def take(self, index: Int[Tensor, " m"]) -> UInt8[Tensor, "m ..."]:
        """The images at these positions; raises DataError where a shard cannot be had."""
        taken = np.empty((len(index), *self.shape), np.uint8)
        shard, row = np.divmod(index.numpy(), self.per_shard)
        places = shard.argsort(kind="stable")
        numbers, first = np.unique(shard[places], return_index=True)
        self._request([n for n in numbers.tolist() if n not in self._maps])
        for number, at in zip(numbers.tolist(), np.split(places, first[1:]), strict=False):
            pixels = self._mapped(number)
            for place, k in zip(at.tolist(), row[at].tolist(), strict=True):
                taken[place] = pixels[k]  # a thread for each core would take longer to begin
        self._since += len(index)
        return torch.from_numpy(taken)

    def soon(self, index: Int[Tensor, " m"]) -> None:
        """Begin to fetch the shards of the first of these positions, unless they are here."""
        if self._workers and self._since < self.per_shard // 8:
            return
        self._since = 0
        near = index[: AHEAD * self.per_shard] // self.per_shard
        numbers, first = np.unique(near.numpy(), return_index=True)
        ordered = numbers[first.argsort()].tolist()
        self._request([n for n in ordered if n not in self._maps][:AHEAD])

    def _request(self, numbers: list[int]) -> None:
        """Let shards be fetched that are not on their way yet."""
        while len(self._workers) < SIDE_BY_SIDE:  # daemons: the end of a program waits for none
            self._workers.append(threading.Thread(target=self._work, daemon=True))
            self._workers[-1].start()
        with self._lock:
            for number in numbers:
                if number not in self._coming:
                    self._coming[number] = Future()
                    self._queue.put((self._coming[number], number))

    def _work(self) -> None:
        while True:
            future, number = self._queue.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                self._fetch(number)
                future.set_result(None)
            except BaseException as error:
                future.set_exception(error)

    def _mapped(self, number: int) -> np.ndarray:
        """The images of a shard, mapped from the cache; those used long ago are unmapped."""
        found = self._maps.get(number)
        if found is None:
            found = self._map(number)
            bounded.used(self._path(number))
            while len(self._maps) > self.window + 1:
                self._maps.popitem(last=False)
            self._maps[number] = found
        self._maps.move_to_end(number)
        return found

    def _map(self, number: int) -> np.ndarray:
        """Wait for a shard that is on its way, or fetch one whose turn has not come yet here."""
        self._wait(number)
        while True:
            try:
                pixels = np.memmap(self._path(number), np.uint8, "r")
                return pixels.reshape(-1, *self.shape)
            except (OSError, ValueError):  # another process has made room in between
                self._fetch(number)

    def _wait(self, number: int) -> None:
        with self._lock:
            future = self._coming.pop(number, None)
        if future is None or future.cancel() or (future.done() and future.exception()):
            self._fetch(number)
        else:
            future.result()

    def _size(self, number: int) -> int:
        """Bytes of the images of a shard."""
        return min(self.per_shard, self.count - number * self.per_shard) * self._row

    def _path(self, number: int) -> Path:
        return bounded.root() / f"shard-{self.index.shards[number].digest}.raw"

    def _fetch(self, number: int) -> None:
        """Bring a shard into the cache, unless it is there."""
        path, size = self._path(number), self._size(number)
        if _is_there(path, size):
            return
        with cache.disk_errors(), bounded.held(path):
            if _is_there(path, size):
                return
            pixels = unpacked(content_of(self.place, self.index.shards[number]), size)
            with bounded.room(size, path):
                _put(path, pixels)


def content_of(place: Place, file: File) -> bytes:
    """A file of a packed set; raises DataError where it is not what was packed."""
    for _ in range(2):  # what was damaged on its way is not so again
        content = place.read(file.name)
        if digest_of(content) == file.digest:
            return content
    raise DataError(
        f"{place.address}/{file.name} is damaged: its digest is not that in the index. Pack the "
        "data anew, or bring the file back; a run then goes on with cutaway resume."
    )


def _put(path: Path, pixels: memoryview) -> None:
    """Write a file, which is there whole or not at all."""
    coming = path.with_name(f".{uuid4().hex}.coming")
    try:
        coming.write_bytes(pixels)
        os.replace(coming, path)
    finally:
        coming.unlink(missing_ok=True)


def _is_there(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def unpacked(content: bytes, size: int) -> memoryview:
    """The pixels of a shard, which is a Parquet file. Raises DataError where they are not all
    there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(content), columns=[PIXELS])
        column = table.column(0).combine_chunks()
        array = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
        pixels = memoryview(array.buffers()[1])[:size]
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"A shard is no Parquet file ({error}): pack the data anew.") from None
    if len(pixels) != size:
        raise CutawayError("A shard lacks images: pack the data anew.")
    return pixels


def packed(pixels: UInt8[Tensor, "n ..."]) -> bytes:
    """Images as a shard: a Parquet file whose one column holds their bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    flat = pixels.contiguous().numpy().reshape(len(pixels), -1)
    kind = pa.binary(flat.shape[1])
    array = pa.FixedSizeBinaryArray.from_buffers(kind, len(flat), [None, pa.py_buffer(flat)])
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.table({PIXELS: array}), sink, compression="zstd", use_dictionary=False,
        write_statistics=False, store_schema=False, data_page_size=1 << 20,
        row_group_size=max(1, len(flat)),
    )  # fmt: skip
    return sink.getvalue().to_pybytes()
