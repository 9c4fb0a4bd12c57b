"""What only a GPU can show, row by row, in one table: minutes on a GPU, less on a processor.

    python scripts/gpu.py                      # on the GPU; without one on the processor, smaller
    python scripts/gpu.py fleet compile        # these rows alone
    python scripts/gpu.py --json gpu.json      # the rows for a program too

Each task trains a network of its own; then what a GPU may do differently: bfloat16, a run that
was killed and goes on, a fleet in one stack, watching, looking, compiling, `cifar-sprint`. A row
that fails costs that row; the exit status tells whether one did. Nothing is downloaded: digits
and a photograph come with scikit-learn, and CIFAR-10 is taken where CUTAWAY_DATA names a folder
that has it.
"""

import argparse
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shutil import which
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

import cutaway as ca
from cutaway.data.imageset import ImageSet
from cutaway.learn.callbacks import Callback
from cutaway.learn.fleet import Fleet
from cutaway.learn.run import Run
from cutaway.learn.training import Stopped, Training
from cutaway.processes import processor


class Skipped(Exception):
    """Why a row is left out."""


class Wrong(Exception):
    """What a row should not have found."""


class Killed(Exception):
    """Ends a run without a word to it."""


@dataclass(frozen=True)
class Row:
    """What was tried, whether it passed, and its figure."""

    what: str
    outcome: str
    figure: str
    seconds: float


@dataclass(frozen=True)
class Bench:
    """Where and how large the rows are.

    Attributes:
        small: few images and epochs, for a processor.
    """

    device: str
    folder: Path
    small: bool

    def epochs(self, count: int) -> int:
        return 2 if self.small else count

    def digits(self, size: int = 28) -> ImageSet:
        """scikit-learn's 1,797, or the first 240 of them."""
        images: ImageSet = ca.load("digits", image_size=size)
        return images.subset(torch.arange(240)) if self.small else images

    def train(self, name: str, model: Any, data: Any, **changes: Any) -> Run:
        """A run, its numbers finite and made where they should be."""
        settings = {"device": self.device, "label_smoothing": 0.0, "augment": "none", **changes}
        run = ca.fit(model, data, out=self.folder / name, progress=False, **settings)
        assert isinstance(run, Run)
        where = run.environment["device"]
        expect(where == self.device, f"trained on {where}, not on {self.device}")
        values = [v for row in [*run.metrics, run.results] for v in row.values()]
        bad = [v for v in values if isinstance(v, float) and not math.isfinite(v)]
        expect(not bad, "a measure is not finite")
        return run


def expect(right: bool, otherwise: str) -> None:
    if not right:
        raise Wrong(otherwise)


def primary(run: Run) -> str:
    """The measure that a run is known by."""
    name = run.leading
    return f"{name} {run.results[name]:.4g}"


# Each task


def classify(bench: Bench) -> str:
    return fell(bench.train("classify", "resnet20", bench.digits(32), epochs=bench.epochs(20)))


def reconstruct(bench: Bench) -> str:
    epochs = bench.epochs(10)
    return fell(bench.train("reconstruct", "conv_autoencoder", bench.digits(), epochs=epochs))


def variational(bench: Bench) -> str:
    return fell(bench.train("variational", "conv_vae", bench.digits(), epochs=bench.epochs(20)))


def segment(bench: Bench) -> str:
    """Strokes of even digits apart from those of odd ones."""
    images = bench.digits(32)
    kinds = 1 + images.targets % 2
    masks = (images.images[..., 0] > 100) * kinds[:, None, None].byte()
    scenes = replace(images, masks=masks, targets=kinds, classes=("ground", "even", "odd"))
    return fell(bench.train("segment", "unet", scenes, epochs=bench.epochs(10), widths="8-16"))


def implicit(bench: Bench) -> str:
    size, repeat = (32, 10) if bench.small else (128, 50)
    return fell(bench.train("implicit", "siren", "china", image_size=size, repeat=repeat, epochs=3))


def adversarial(bench: Bench) -> str:
    width = 8 if bench.small else 32
    epochs = bench.epochs(20)
    return primary(bench.train("adversarial", "dcgan", bench.digits(), epochs=epochs, width=width))


def semi_supervised(bench: Bench) -> str:
    width = 4 if bench.small else 16
    return primary(
        bench.train("semi", "improved_gan", bench.digits(), epochs=bench.epochs(10), width=width)
    )


def threshold(bench: Bench) -> str:
    return primary(bench.train("threshold", "gates", "xor"))


def fell(run: Run) -> str:
    """The primary metric of a run whose loss is lower in the end than after its first epoch."""
    losses = [row["train_loss"] for row in run.metrics]
    expect(losses[-1] < losses[0], f"the loss rose from {losses[0]:.4g} to {losses[-1]:.4g}")
    return primary(run)


# What a GPU may do differently


def bfloat16(bench: Bench) -> str:
    """The first epoch's loss is that of float32 to a tenth."""
    return beside(bench, "resnet20", "precision", ("bfloat16", "float32"), within=0.1)


def compiled(bench: Bench) -> str:
    """The first epoch's loss is what it is without the compiler to a hundredth."""
    if bench.small and not any(map(which, ("c++", "g++", "clang++", "cl"))):
        raise Skipped("there is no C++ compiler")
    return beside(bench, "lenet5", "compile", ("yes", "no"), within=0.01)


def beside(bench: Bench, model: str, field: str, values: tuple[str, str], within: float) -> str:
    """A network learns with one value of a field and with another."""
    images, epochs = bench.digits(32), bench.epochs(20)
    new, old = (
        bench.train(f"{field}-{value}", model, images, epochs=epochs, **{field: value})
        for value in values
    )
    gap = new.metrics[0]["train_loss"] / old.metrics[0]["train_loss"] - 1
    expect(abs(gap) < within, f"the loss differs by {100 * gap:+.1f} %")
    ratio = new.timing["images_per_second"] / old.timing["images_per_second"]
    points = 100 * (new.results["accuracy"] - old.results["accuracy"])
    return f"{ratio:.2f} times the images/s, accuracy {points:+.1f} points"


class Ending(Callback):
    """Ends a run at a step that has a checkpoint some steps behind it."""

    def on_step_end(self, training: Training) -> None:
        if training.step == 9:
            raise Killed


def resumed(bench: Bench) -> str:
    """What was killed after 9 steps ends in the same bytes as what was not."""
    names = ("weights.safetensors", "metrics.jsonl", "predictions.safetensors", "results.json")
    settings: dict[str, Any] = {"epochs": bench.epochs(6), "augment": "shift:1", "ema": 0.9}
    whole = bench.train("whole", "lenet_norm", bench.digits(32), batch_size=32, **settings)
    path, data = bench.folder / "killed", bench.digits(32)
    settings |= {"label_smoothing": 0.0, "device": bench.device, "batch_size": 32}
    settings |= {"callbacks": [Ending()], "progress": False, "checkpoint_every": 0}
    with suppress(Killed):
        ca.fit("lenet_norm", data, out=path, **settings)
    expect(not Run(path).finished, "it was not killed")
    expect(any((path / "checkpoint").iterdir()), "it left no checkpoint")
    ca.resume(path, data=data, progress=False)
    expect(Run(path).finished, "it did not go on")
    ends = {name: [(one / name).read_bytes() for one in (whole.path, path)] for name in names}
    for name, (undisturbed, killed) in ends.items():
        expect(undisturbed == killed, f"other bytes in {name}")
    return f"{sum(len(killed) for _, killed in ends.values()):,} bytes equal"


def fleet(bench: Bench) -> str:
    """Members of one stack learn what they learn alone: weights to 0.01."""
    data, count = bench.digits(8), 2 if bench.small else 32
    settings: dict[str, Any] = {
        "replicates": count, "epochs": bench.epochs(5), "image_size": 0, "augment": "none",
        "patience": 0, "precision": "float32", "device": bench.device,
    }  # fmt: skip
    fleets, seconds = [], []
    for way in ("batched", "in-turn"):
        began = time.monotonic()
        one = ca.fit("mlp", data, out=bench.folder / way, way=way, progress=False, **settings)
        assert isinstance(one, Fleet)
        seconds.append(time.monotonic() - began)
        fleets.append(one)
    stacked, alone = fleets[0].members, fleets[1].members
    apart = max(map(distance, stacked, alone))
    expect(distance(*stacked[:2]) > 0.1, "two members are the same network")
    expect(apart < 0.01, f"weights differ by up to {apart:.2g}")
    ratio = seconds[1] / seconds[0]
    return f"{count} members {ratio:.2f} times as fast as in turn, weights apart by {apart:.1g}"


def distance(a: Run, b: Run) -> float:
    pairs = zip(a.model.parameters(), b.model.parameters(), strict=True)
    return max((p - q).abs().max().item() for p, q in pairs)


def watch(bench: Bench) -> str:
    """A loop of one's own, watched at every fifth step and not at all: the same weights."""
    images = bench.digits(32)
    x = images.images.permute(0, 3, 1, 2).to(bench.device).float() / 255
    t = images.targets.to(bench.device)
    (plain, alone), (watched, seen) = learned(x, t, 0), learned(x, t, 5)
    expect(torch.equal(plain, watched), "a watched network learns something else")
    return f"{seen / alone:.2f} times the time, the same weights to the bit"


def learned(x: torch.Tensor, t: torch.Tensor, every: int) -> tuple[torch.Tensor, float]:
    """The weights after forty steps of anyone's loop, and the seconds that the last half took."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.Flatten(), nn.Linear(6272, 10))
    optimizer = torch.optim.SGD(net.to(x.device).parameters(), 0.01)
    with ca.watch(net, every) if every else nullcontext() as scope:
        for step in range(40):
            index = slice(step % 4 * 50, (step % 4 + 1) * 50)
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x[index]), t[index])
            loss.backward()
            optimizer.step()
            if step == 19:
                loss.item()  # waits for the device
                began = time.monotonic()
        loss.item()
    expect(not every or len(scope.watched.steps) == 8, "not every fifth step was seen")
    return torch.cat([p.flatten() for p in net.parameters()]), time.monotonic() - began


def look(bench: Bench) -> str:
    """Every view of a trained network."""
    run = bench.train("looked", "lenet5", "digits", epochs=2, image_size=32)
    page = ca.look(run, what=["graph", "why"] if bench.small else [])
    return f"a page of {page.stat().st_size / 1e6:.1f} MB"


def sprint(bench: Bench) -> str:
    folder = Path(os.environ.get("CUTAWAY_DATA") or "nowhere") / "cifar10"
    if not folder.is_dir():
        raise Skipped("CUTAWAY_DATA names no folder with cifar10")
    if bench.small:
        raise Skipped("ten minutes on a processor")
    run = bench.train("sprint", "cifar-sprint", "", augment="crop:2+flip", label_smoothing=0.2)
    return f"{primary(run)} after {run.timing['train_seconds']:.1f} s of training"


ROWS: dict[str, Callable[[Bench], str]] = {
    "classify": classify, "reconstruct": reconstruct, "variational": variational,
    "segment": segment, "implicit": implicit, "adversarial": adversarial,
    "semi-supervised": semi_supervised, "threshold": threshold, "bfloat16": bfloat16,
    "resume": resumed, "fleet": fleet, "watch": watch, "look": look, "compile": compiled,
    "cifar-sprint": sprint,
}  # fmt: skip


def tried(name: str, bench: Bench) -> Row:
    """A row, whatever comes of it."""
    began = time.monotonic()
    try:
        outcome, figure = "passed", ROWS[name](bench)
    except Stopped:  # Ctrl-C is for all of it
        raise
    except Skipped as why:
        outcome, figure = "skipped", str(why)
    except Exception as problem:  # it costs this row alone
        said = str(problem).strip().splitlines() or [""]
        outcome, figure = "failed", f"{type(problem).__name__}: {said[0]}"
    return Row(name, outcome, figure, time.monotonic() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    there = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=there, help=f"by default {there}")
    parser.add_argument("--json", type=Path, help="write the rows there too")
    asked = parser.parse_args()
    if unknown := {*asked.rows} - ROWS.keys():
        parser.error(f"there is no row '{min(unknown)}': {', '.join(ROWS)}")
    gpu = asked.device.startswith("cuda")
    where = torch.cuda.get_device_name() if gpu and torch.cuda.is_available() else processor()
    print(f"{where}, PyTorch {torch.__version__}\n\n| what | | figure | seconds |")
    print("| --- | --- | --- | ---: |", flush=True)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(asked.device, Path(folder), small=not gpu)
        for name in asked.rows or ROWS:
            row = tried(name, bench)
            found.append(row)
            print(f"| {name} | {row.outcome} | {row.figure} | {row.seconds:.1f} |", flush=True)
    print(f"\n{sum(row.seconds for row in found):.0f} s in all.")
    if asked.json:
        rows = [asdict(row) for row in found]
        asked.json.write_text(json.dumps({"device": where, "rows": rows}, indent=1) + "\n")
    sys.exit(any(row.outcome == "failed" for row in found))


if __name__ == "__main__":
    main()
