"""Decoders for uploaded images, run in a few threads."""

import asyncio
import os
from collections.abc import Awaitable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from jaxtyping import UInt8

from cutaway.data.decode import Unreadable, decode_to
from cutaway.ship.about import About
from cutaway.ship.serve.http_errors import RequestError

Pixels = UInt8[np.ndarray, "h w c"]
SMALL_FILE, SMALL_PIXELS = 4096, 4096
"""Bytes and pixels up to which decoding takes no longer than giving it to a thread, some 0.1 ms."""


class Decoder:
    """A pool of threads for decoding, so that the event loop stays free.

    Args:
        max_pixels: of a picture; a larger one is refused by its header, before it is decoded.
    """

    def __init__(self, max_pixels: int):
        self.max_pixels = max_pixels
        self._threads = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "decoding")

    async def decode(self, contents: Sequence[bytes], about: About) -> list[Pixels]:
        """Decode each picture.

        Raises:
            RequestError: one cannot be read or is too large; it is named.
        """
        results = await gather([self._decode_one(content, about) for content in contents])
        problems = {i: one for i, one in enumerate(results) if isinstance(one, Unreadable)}
        if problems:
            raise _decode_error(problems, len(results))
        return [one for one in results if not isinstance(one, Unreadable)]

    def close(self) -> None:
        self._threads.shutdown()

    async def _decode_one(self, content: bytes, about: About) -> Pixels | Unreadable:
        if len(content) <= SMALL_FILE:
            result = decode_picture(content, about, SMALL_PIXELS)
            if not _too_large(result):
                return result
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, decode_picture, content, about, self.max_pixels
        )


async def gather(awaited: Sequence[Awaitable[Any]]) -> Sequence[Any]:
    """Await all at once; a single one is awaited without a task of its own."""
    return [await awaited[0]] if len(awaited) == 1 else await asyncio.gather(*awaited)


def decode_picture(content: bytes, about: About, limit: int) -> Pixels | Unreadable:
    """The pixels of a picture, or the error for which there are none."""
    try:
        return decode_to(content, about.frame, limit)
    except Unreadable as problem:
        return problem


def _too_large(result: Pixels | Unreadable) -> bool:
    return isinstance(result, Unreadable) and result.kind == "bomb"


def _decode_error(problems: Mapping[int, Unreadable], count: int) -> RequestError:
    """The error of a request: the first problem with the place of its picture among `count`, and
    the number of others."""
    place, first = next(iter(problems.items()))
    which = f"Image {place + 1} of {count}: " if count > 1 else ""
    others = f" {len(problems) - 1} more cannot be used either." if len(problems) > 1 else ""
    status = 413 if _too_large(first) else 422
    return RequestError(status, first.kind, f"{which}{first.sentence}{others}")
