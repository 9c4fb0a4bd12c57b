"""Float32 arithmetic without reduced precision, and the cache of compiled code."""

from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter

import torch
from jaxtyping import Float
from torch import Tensor, backends

UNITS = (
    "cuda.matmul", "cudnn.conv", "cudnn.rnn", "mkldnn.matmul", "mkldnn.conv", "mkldnn.rnn",
)  # fmt: skip
"""Backends that multiply float32, each with a precision of its own; PyTorch makes their names at
run time."""


def at_least_float32(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Scores as losses take them, whatever the network computed in; float64 stays float64."""
    return x if x.dtype == torch.float64 else x.float()


@contextmanager
def exact() -> Iterator[None]:
    """Multiply float32 as float32; afterwards PyTorch's settings are restored.

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
    """Compile for this processor and number of threads only.

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
