"""TorchLens's complete capture of a forward pass beside a plain one; prints how many times as long.

python -m bench.peers.torchlens lenet5
"""

import sys
import time
from collections.abc import Callable

import torch
import torchlens

from bench.peers.torch_nets import lenet5, resnet20

NETS = {"lenet5": (lenet5, (128, 1, 28, 28)), "resnet20": (resnet20, (128, 3, 32, 32))}


def shortest(work: Callable[[], object], times: int) -> float:
    """Seconds."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


if __name__ == "__main__":
    make, shape = NETS[sys.argv[1]]
    net, x = make().eval(), torch.randn(shape)
    with torch.no_grad():
        plain = shortest(lambda: net(x), 10)
        capture = shortest(lambda: torchlens.trace(net, x), 3)
    print(capture / plain)
