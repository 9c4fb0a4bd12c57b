"""Pictures that strangers send, as the network takes them."""

import asyncio
import os
from collections.abc import Awaitable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from jaxtyping import UInt8

from cutaway.data.decode import Unreadable, brought
from cutaway.ship.about import About
from cutaway.ship.serve.http_errors import RequestError

Pixels = UInt8[np.ndarray, "h w c"]
SMALL_FILE, SMALL = 4096, 4096
"""Bytes and pixels up to which decoding takes no longer than giving it to a thread, some 0.1 ms."""


class Decoder:
    """A few threads that decode, so that the event loop does not.

    Args:
        max_pixels: of a picture; a larger one is refused by its header, before it is decoded.
    """

    def __init__(self, max_pixels: int):
        self.max_pixels = max_pixels
        self._threads = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "decoding")

    async def decode(self, contents: Sequence[bytes], about: About) -> list[Pixels]:
        """The pixels of each picture.

        Raises:
            RequestError: one cannot be read or is too large; it is named.
        """
        found = await all_of([self._one(content, about) for content in contents])
        problems = {i: one for i, one in enumerate(found) if isinstance(one, Unreadable)}
        if problems:
            raise _refusal(problems, len(found))
        return [one for one in found if not isinstance(one, Unreadable)]

    def close(self) -> None:
        self._threads.shutdown()

    async def _one(self, content: bytes, about: About) -> Pixels | Unreadable:
        if len(content) <= SMALL_FILE:
            found = decoded(content, about, SMALL)
            if not _too_large(found):
                return found
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, decoded, content, about, self.max_pixels)


async def all_of(awaited: Sequence[Awaitable[Any]]) -> Sequence[Any]:
    """What each comes to, all awaited at once; a lone one without a task of its own."""
    return [await awaited[0]] if len(awaited) == 1 else await asyncio.gather(*awaited)


def decoded(content: bytes, about: About, limit: int) -> Pixels | Unreadable:
    """The pixels of a picture, or why there are none."""
    try:
        return brought(content, about.frame, limit)
    except Unreadable as problem:
        return problem


def _too_large(found: Pixels | Unreadable) -> bool:
    return isinstance(found, Unreadable) and found.kind == "bomb"


def _refusal(problems: Mapping[int, Unreadable], count: int) -> RequestError:
    """The first of the problems by the place of its picture among `count`, and how many others."""
    place, first = next(iter(problems.items()))
    which = f"Image {place + 1} of {count}: " if count > 1 else ""
    others = f" {len(problems) - 1} more cannot be used either." if len(problems) > 1 else ""
    status = 413 if _too_large(first) else 422
    return RequestError(status, first.kind, f"{which}{first.sentence}{others}")
