"""Batches of noise, and the stream that it is drawn from."""

import torch


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def images(b=6, c=3, h=12, w=10, seed=0, **to):
    return torch.rand(b, c, h, w, generator=rng(seed)).to(**to)
