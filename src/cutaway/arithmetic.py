"""How numbers are multiplied, whatever the processor could do faster, and by what code."""

from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter

import torch
from torch import backends

UNITS = (
    "cuda.matmul", "cudnn.conv", "cudnn.rnn", "mkldnn.matmul", "mkldnn.conv", "mkldnn.rnn",
)  # fmt: skip
"""What multiplies float32, each with a precision of its own; PyTorch makes their names at run."""


@contextmanager
def exact() -> Iterator[None]:
    """Inside, float32 is multiplied as float32; afterwards PyTorch does as it did before.

    On a GPU PyTorch multiplies the float32 of convolutions with the 10 bits of TF32, and a user may
    have asked for TF32 or bfloat16 in matrix products anywhere: an answer then is off by a
    thousandth, and no export says the same.
    """
    units = [attrgetter(name)(backends) for name in UNITS]
    before = [unit.fp32_precision for unit in units]
    try:
        for unit in units:
            unit.fp32_precision = "ieee"
        yield
    finally:
        for unit, precision in zip(units, before, strict=True):
            unit.fp32_precision = precision


@contextmanager
def own_code() -> Iterator[None]:
    """Inside, what PyTorch compiles is for this processor and number of threads.

    Its cache on disk tells neither apart: code for AVX-512 that is called where AVX2 was asked for
    writes beyond its memory, which ends in NaN or a crash, and a number of threads is written into
    the code (pytorch#167463).
    """
    from torch.compiler import config

    before = config.cache_key_tag
    processor = f"{backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads"
    config.cache_key_tag = f"{before} {processor}"
    try:
        yield
    finally:
        config.cache_key_tag = before
