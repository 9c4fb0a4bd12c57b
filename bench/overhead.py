"""What a step of Cutaway's loop costs beside the plainest loop on tensors in memory.

CUTAWAY_DATA=... python -m bench.overhead [xor digits mlp lenet5] [--threads 1,2] [--rounds 7]

The plain loop takes its batches from normalised floats, zeroes, learns, and adds up loss and right
answers, as tutorials have it: PyTorch's SGD with Nesterov momentum, no data loader. Both learn the
same network from the same images in turn. Prints a JSON row for each work and number of threads:
microseconds of a step, the median of the rounds; the ratio with its range; and our step's parts.
"""

import argparse
import copy
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from bench.game import Game, work
from bench.share import parts

ROUND = 0.4
"""Seconds that a round of either takes, about."""


class Plain:
    """The plainest loop on the images of a game."""

    def __init__(self, game: Game, network: nn.Module):
        batches = list(game.feed.in_order())
        self.x = torch.cat([batch.x for batch in batches])
        self.t = torch.cat([batch.t for batch in batches])
        self.network, self.size = network, game.feed.batch_size
        self.optimizer = torch.optim.SGD(
            network.parameters(), lr=game.recipe.lr, momentum=0.9, nesterov=True
        )

    def play(self, steps: int) -> None:
        order, running, right = torch.randperm(len(self.x)), 0.0, 0
        for step in range(steps):
            first = step * self.size % (len(order) - self.size + 1)
            chosen = order[first : first + self.size]
            x, t = self.x[chosen], self.t[chosen]
            self.optimizer.zero_grad()
            output = self.network(x)
            loss = F.cross_entropy(output, t)
            loss.backward()
            self.optimizer.step()
            running += loss.item() * len(t)
            right += (output.argmax(1) == t).sum().item()


def timed(play: Callable[[int], None], steps: int) -> float:
    """Microseconds a step."""
    began = time.perf_counter()
    play(steps)
    return 1e6 * (time.perf_counter() - began) / steps


def compared(name: str, threads: int, rounds: int) -> dict[str, Any]:
    """Both in turn."""
    torch.set_num_threads(threads)
    game = work(name)
    plain = Plain(game, copy.deepcopy(game.network))
    with game.runtime.session():
        timed(plain.play, 20)
        timed(game.play, 20)
        steps = max(5, int(1e6 * ROUND / timed(game.play, 20)))
        pairs = [(timed(game.play, steps), timed(plain.play, steps)) for _ in range(rounds)]
        found = parts(game, steps)
    ratios = sorted(ours / theirs for ours, theirs in pairs)
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {
        "work": name, "threads": threads, "ours (us)": round(ours, 1),
        "plain (us)": round(theirs, 1), "ratio": round(statistics.median(ratios), 3),
        "range": [round(ratios[0], 3), round(ratios[-1], 3)],
        "parts (us)": {part: round(1e6 * seconds, 1) for part, seconds in found.items()},
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("works", nargs="*", default=["xor", "digits", "mlp", "lenet5"])
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    for one in asked.works:
        for count in asked.threads.split(","):
            print(json.dumps(compared(one, int(count), asked.rounds)), flush=True)
