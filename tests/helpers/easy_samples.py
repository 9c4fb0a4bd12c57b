"""Samples that any network learns."""

import torch

from cutaway.lab.tools.samples import Samples


def easy_samples(n: int) -> Samples:
    """Images of ten classes that a pixel each gives away."""
    t = torch.arange(n) % 10
    x = 0.1 * torch.randn(n, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    x.view(n, -1)[torch.arange(n), t] += 3
    return Samples(x, t)
