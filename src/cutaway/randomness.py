"""Random streams named by seed, purpose and position, independent of earlier draws.

Every draw in a run comes from a stream named by the seed, a purpose and a position, such as
`(seed, "order", epoch)`. Nothing has to be carried along: a run that resumes at step 1,000 draws
at once what it would have drawn there, and one use of randomness cannot shift another.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

import numpy as np
import torch


def derive(seed: int, *purpose: str | int) -> int:
    """A seed of 63 bits for one purpose, the same on every machine."""
    digest = blake2b(repr((seed, *purpose)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator(seed: int, *purpose: str | int, device: str = "cpu") -> torch.Generator:
    """A new generator at the start of the stream for one purpose."""
    return torch.Generator(device).manual_seed(derive(seed, *purpose))


def reseed_global(seed: int, *purpose: str | int) -> None:
    """Set PyTorch's own generators, which dropout draws from, to the start of a stream.

    `torch.manual_seed` would do, but it formats a stack trace for CUDA at each call.
    """
    value = derive(seed, *purpose)
    torch.default_generator.manual_seed(value)
    for cuda in torch.cuda.default_generators:
        cuda.manual_seed(value)


def reseed_everything(seed: int) -> None:
    """Set the generators that code of the user's own draws from: Python's, NumPy's, PyTorch's."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    reseed_global(seed, "own")


@contextmanager
def global_streams_kept() -> Iterator[None]:
    """Put Python's, NumPy's and PyTorch's own generators back afterwards."""
    python, numpy = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
