"""Seconds of training until the test accuracy of MNIST first reaches 99.0 % and 99.4 %.

    CUTAWAY_DATA=... python -m bench.time_to_accuracy [--seeds 5] [--example-seeds 1]

Both sides are looked at on the test set after each epoch, off the clock. Nothing is chosen by it:
Cutaway's recipe is the default `mnist` recipe, the other is PyTorch's own MNIST example.
"""

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

from bench.peers.pytorch import official_example
from cutaway.data.sources import load
from cutaway.learn.fit import fit
from cutaway.learn.training import Listener, Training
from cutaway.recipes import mnist

Curve = list[tuple[float, float]]


class Watch(Listener):
    """Notes the seconds of training and the test accuracy after each epoch."""

    def __init__(self) -> None:
        self.curve: Curve = []

    def epoch(self, training: Training, row: dict[str, Any]) -> None:
        run = training.run
        feed = run.feed(training.images, run.split.test)
        network, classes = training.stage.answering, training.images.classes
        found = run.task.judge(network, feed, classes, training.machine)
        self.curve.append((training.seconds, found.summary()["accuracy"]))


def ours(seed: int) -> Curve:
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        recipe = mnist().override(seed=seed, device="cpu")
        fit(recipe, load("mnist"), out=Path(folder) / "run", listener=watch)
    return watch.curve


def first(curve: Curve, goal: float) -> float:
    """Seconds until the goal was first reached; infinity where it never was."""
    return next((seconds for seconds, accuracy in curve if accuracy >= goal), float("inf"))


def example(seed: int, goal: float) -> Curve:
    """The example's curve up to the goal."""
    curve: Curve = []
    for point in official_example(seed):
        curve.append(point)
        print(f"  example, seed {seed}: {point[0]:.1f} s, {point[1]:.2%}", flush=True)
        if point[1] >= goal:
            break
    return curve


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--example-seeds", type=int, default=1)
    asked = options.parse_args()
    curves = []
    for seed in range(asked.seeds):
        curve = ours(seed)
        curves.append(curve)
        print(
            f"ours, seed {seed}: 99.0 % after {first(curve, 0.99):.1f} s, 99.4 % after "
            f"{first(curve, 0.994):.1f} s, end {curve[-1][1]:.2%} after {curve[-1][0]:.1f} s",
            flush=True,
        )
    examples = [example(seed, 0.99) for seed in range(asked.example_seeds)]
    our_time = statistics.median(first(curve, 0.99) for curve in curves)
    end = statistics.mean(curve[-1][1] for curve in curves)
    whole = statistics.median(curve[-1][0] for curve in curves)
    print(f"ours: 99.0 % after {our_time:.1f} s (median); end {end:.3%} (mean) after {whole:.1f} s")
    if examples:
        its_time = statistics.median(first(curve, 0.99) for curve in examples)
        print(f"example: 99.0 % after {its_time:.1f} s; ratio {its_time / our_time:.1f}")


if __name__ == "__main__":
    main()
