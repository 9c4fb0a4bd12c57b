"""Train every system of the course and write what came of it into docs/systems.md.

    python scripts/systems.py            # all rows, about three quarters of an hour on two cores
    python scripts/systems.py unet gan   # these anew; the others stay as they were measured

Each figure is read from what the command itself printed as JSON. The figures are kept in
docs/systems.json, so that the page can be written again without training anything.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
KEPT = DOCS / "systems.json"


@dataclass(frozen=True)
class Row:
    """One system: the command that shows it, what it must come to, and how that is measured."""

    name: str
    title: str
    command: str
    goal: str
    measure: Callable[[], dict[str, Any]]


def run(command: str) -> dict[str, Any]:
    """Call the command line as a user would, and give what it prints with `--json`."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "cutaway", *command.split(), "--json"]
        if words[3] == "train":
            words += ["--out", f"{folder}/run"]
        started = time.monotonic()
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"cutaway {command}: {done.stderr}")
        found = json.loads(done.stdout)
        if words[3] == "train":
            path = Path(found["run"])
            found["wall_seconds"] = time.monotonic() - started
            found["seconds"] = json.loads((path / "timing.json").read_text())["train_seconds"]
            rows = (path / "metrics.jsonl").read_text().splitlines()
            found["rows"] = [json.loads(row) for row in rows]
    return found


def shown(command: str, text: Callable[[dict[str, Any]], str]) -> Callable[[], dict[str, Any]]:
    """What one command came to, in words."""

    def measure() -> dict[str, Any]:
        found = run(command)
        return {"figure": text(found), **_took(found)}

    return measure


def accuracy(found: dict[str, Any]) -> str:
    return f"{found['accuracy']:.2%} of {found['images']:,}"


def psnr(found: dict[str, Any]) -> str:
    return f"{found['psnr']:.2f} dB"


def elbo(found: dict[str, Any]) -> str:
    first, last = found["rows"][0]["val_loss"], found["rows"][-1]["val_loss"]
    return f"-ELBO {found['loss']:.1f} nats an image (validation {first:.1f} to {last:.1f})"


def iou(found: dict[str, Any]) -> str:
    each = ", ".join(f"{name} {value:.3f}" for name, value in found["iou_by_class"].items())
    return f"mean IoU {found['iou']:.3f} ({each})"


def drawn(found: dict[str, Any]) -> str:
    fids = [row["val_fid"] for row in found["rows"]]
    known = f"accuracy {found['accuracy']:.2%} with 100 labels; " if "accuracy" in found else ""
    return (
        f"{known}Frechet distance {fids[0]:.0f} after the first epoch, {fids[-1]:.0f} after "
        f"the last ({found['fid']:.0f} on the test part); the feature network is over 90 % sure of "
        f"{found['sure']:.0%} of the drawn digits, {found['variety']:.1f} of 10 classes"
    )


def _took(*found: dict[str, Any]) -> dict[str, Any]:
    return {"seconds": round(sum(one["seconds"] for one in found), 1)}


def gates() -> dict[str, Any]:
    found = [run(f"train perceptron {gate}") for gate in ("and", "or", "nand", "nor")]
    found.append(run("train gates xor"))
    alone = run("train perceptron xor")
    right = sum(one["accuracy"] == 1 for one in found)
    text = f"{right} of 5 truth tables exact; one unit alone gets {alone['accuracy']:.0%} of XOR"
    return {"figure": text, **_took(*found, alone)}


def activations() -> dict[str, Any]:
    names = ("sigmoid", "tanh", "relu", "gelu", "sine")
    found = {n: run(f"train mlp mnist --augment none --activation {n}") for n in names}
    text = ", ".join(f"{n} {one['accuracy']:.2%}" for n, one in found.items())
    return {"figure": text, **_took(*found.values())}


def counts() -> dict[str, Any]:
    rows = {row["model"]: row["parameters"] for row in run("models")}  # type: ignore[attr-defined]
    names = ("alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "googlenet", "resnet18", "resnet34",
             "resnet50", "resnet101", "resnet152", "resnet20", "resnet32", "resnet44", "resnet56",
             "resnet110", "resnet1202", "plain20", "plain34")  # fmt: skip
    return {"figure": ", ".join(f"{n} {rows[n]:,}" for n in names), "seconds": 0}


STEP = """
import resource, time, torch
from cutaway import models
from cutaway.learn.memory import keeping_freed
network = models.build("resnet1202", 3, 10, 32).train()
optimizer = torch.optim.SGD(network.parameters(), 0.1, 0.9)
started = time.monotonic()
with keeping_freed():  # as in the loop
    s = network(torch.rand(128, 3, 32, 32))
    torch.nn.functional.cross_entropy(s, torch.arange(128) % 10).backward()
    optimizer.step()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(f"{peak:.2f} {time.monotonic() - started:.1f}")
"""


def deepest() -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", STEP], capture_output=True, text=True, check=True)
    peak, seconds = map(float, done.stdout.split())
    return {"figure": f"{peak:.2f} GiB at its peak, a step of 128 images", "seconds": seconds}


def folder() -> dict[str, Any]:
    from cutaway.data.catalog import SOURCES

    found = run(f"train alexnet {SOURCES['rocks'].local} --epochs 2 --image-size 128")
    first, last = (found["rows"][k]["train_loss"] for k in (0, -1))
    text = f"trains: loss {first:.2f} to {last:.2f}"
    return {"figure": text, **_took(found)}


def autoencoders() -> dict[str, Any]:
    found = {k: run(f"train autoencoder mnist --bottleneck {k}") for k in (3, 8, 32)}
    text = ", ".join(f"{k} numbers {one['psnr']:.2f} dB" for k, one in found.items())
    return {"figure": text, **_took(*found.values())}


def stages() -> dict[str, Any]:
    two = [run(f"train autoencoder_softmax mnist --seed {s}") for s in range(8)]
    one = [run(f"{SCRATCH} --seed {s}") for s in range(8)]
    a, b = ([found["accuracy"] for found in way] for way in (two, one))
    gain, half = interval([x - y for x, y in zip(a, b, strict=True)])
    text = (
        f"{statistics.mean(a):.1%} against {statistics.mean(b):.1%} from scratch; gain "
        f"{100 * gain:.1f} points, 95 % interval {100 * (gain - half):.1f} to "
        f"{100 * (gain + half):.1f} over 8 seeds"
    )
    return {"figure": text, **_took(*two, *one)}


SCRATCH = (
    "train mlp mnist --widths 512 --labels 100 --augment none --label-smoothing 0 --batch-size 100 "
    "--repeat 100 --epochs 5 --lr 0.001"
)


def interval(values: list[float]) -> tuple[float, float]:
    """Mean and half of its 95 % interval (Student's t)."""
    from scipy.stats import t

    spread = statistics.stdev(values) / len(values) ** 0.5
    return statistics.mean(values), float(t.ppf(0.975, len(values) - 1)) * spread


def implicit() -> dict[str, Any]:
    a, b = (run(f"train {name} china") for name in ("siren", "coordinate_mlp"))
    gain = a["psnr"] - b["psnr"]
    text = f"{a['psnr']:.1f} dB against {b['psnr']:.1f} dB of the ReLU network: {gain:.1f} dB more"
    return {"figure": text, **_took(a, b)}


def transfer() -> dict[str, Any]:
    folds = [f"{k}/5" for k in range(1, 6)]
    ways = {
        "pre-trained": [
            run(f"train efficientnet_lite0 rocks --pretrained --fold {f}") for f in folds
        ],
        "from scratch": [run(f"train resnet20 rocks --fold {f}") for f in folds],
    }
    parts = []
    for name, found in ways.items():
        mean, half = interval([one["accuracy"] for one in found])
        images = sum(one["images"] for one in found)
        right = sum(one["accuracy"] * one["images"] for one in found) / images
        parts.append(
            f"{name} {right:.0%} of {images} images (mean over folds {mean:.0%}, 95 % interval "
            f"{max(0, mean - half):.0%} to {min(1, mean + half):.0%})"
        )
    wall = run("train efficientnet_lite0 rocks --pretrained")["wall_seconds"]
    figure = f"{'; '.join(parts)}; the command takes {wall:.0f} s from the prompt to its report"
    return {"figure": figure, **_took(*ways["pre-trained"], *ways["from scratch"])}


ROWS = (
    Row("perceptron", "Perceptron and gates", "cutaway train perceptron and; cutaway train gates",
        "exact truth tables", gates),
    Row("deep_mlp", "Deep MLP", "cutaway train deep_mlp mnist --augment none --epochs 4",
        "98.5 %", shown("train deep_mlp mnist --augment none --epochs 4", accuracy)),
    Row("activations", "MLP, five activations",
        "cutaway train mlp mnist --augment none --activation sine", "each trains", activations),
    Row("lenet5", "LeNet-5, modern", "cutaway train lenet5", "99.0 %",
        shown("train lenet5 mnist", accuracy)),
    Row("lenet5_1998", "LeNet-5 of 1998", "cutaway train lenet5_1998", "99.0 %",
        shown("train lenet5_1998 mnist", accuracy)),
    Row("alexnet_small", "AlexNet, small form", "cutaway train alexnet_small", "trains on CIFAR-10",
        shown("train alexnet_small cifar10", accuracy)),
    Row("alexnet", "AlexNet on a folder", "cutaway train alexnet photographs/ --image-size 128",
        "trains", folder),
    Row("counts", "Parameters", "cutaway models", "the papers' counts", counts),
    Row("resnet1202", "ResNet-1202", "one training step, see scripts/systems.py", "under 6 GiB",
        deepest),
    Row("autoencoder", "Autoencoder", "cutaway train autoencoder --bottleneck 3",
        "reconstructs", autoencoders),
    Row("conv_autoencoder", "Convolutional autoencoder", "cutaway train conv_autoencoder",
        "reconstructs", shown("train conv_autoencoder mnist", psnr)),
    Row("shadow_autoencoder", "Shadows through three units", "cutaway train shadow_autoencoder",
        "reconstructs", shown("train shadow_autoencoder shadows", psnr)),
    Row("autoencoder_softmax", "Autoencoder, freeze, softmax; 100 labels",
        "cutaway train autoencoder_softmax", "better than from scratch", stages),
    Row("vae", "VAE, 2 numbers", "cutaway train vae", "ELBO rises", shown("train vae mnist", elbo)),
    Row("conv_vae", "VAE, 16 numbers", "cutaway train conv_vae", "ELBO rises",
        shown("train conv_vae mnist", elbo)),
    Row("unet", "U-Net", "cutaway train unet", "mean IoU 0.90", shown("train unet scenes", iou)),
    Row("encoder_decoder", "The same without skips", "cutaway train encoder_decoder",
        "less than with skips", shown("train encoder_decoder scenes", iou)),
    Row("gan", "GAN of 2014", "cutaway train gan", "distance falls",
        shown("train gan mnist", drawn)),
    Row("dcgan", "DCGAN", "cutaway train dcgan", "distance falls",
        shown("train dcgan mnist", drawn)),
    Row("improved_gan", "Improved GAN, 100 labels", "cutaway train improved_gan",
        "distance falls; labels for free", shown("train improved_gan mnist", drawn)),
    Row("siren", "SIREN", "cutaway train siren; cutaway train coordinate_mlp",
        "10 dB over a ReLU network", implicit),
    Row("efficientnet_lite0", "Transfer learning",
        "cutaway train efficientnet_lite0 rocks --pretrained", "under 60 s; grouped 5-fold",
        transfer),
    Row("signal_net", "1-D convolution", "cutaway train signal_net", "classifies",
        shown("train signal_net waveforms", accuracy)),
    Row("video_net", "3-D convolution", "cutaway train video_net", "classifies moving digits",
        shown("train video_net moving_digits", accuracy)),
    Row("local_net", "Locally connected, weighted pooling, replicate padding",
        "cutaway train local_net", "trains", shown("train local_net mnist", accuracy)),
)  # fmt: skip


def main(names: list[str]) -> None:
    rows = {row.name: row for row in ROWS}
    for name in names or rows:
        found = rows[name].measure()
        print(name, found, flush=True)
        KEPT.write_text(json.dumps(earlier() | {name: found}, indent=1) + "\n")
    (DOCS / "systems.md").write_text(page(earlier()))


def earlier() -> dict[str, Any]:
    """The figures that were measured before."""
    return json.loads(KEPT.read_text()) if KEPT.exists() else {}


def page(kept: dict[str, Any]) -> str:
    lines = [
        "# Every network of the course, with its command",
        "",
        "The networks that the course describes, each with the command that trains it and what it "
        "reached on test images. Made by `python scripts/systems.py` on two cores of a Xeon "
        "(Cascade Lake, 2.5 GHz) without a GPU. Seconds are those of training, summed where a row "
        "needs several trainings. Each row had one core; transfer learning and ResNet-1202 had "
        "two. The network that evaluates the GANs is a classifier of MNIST's digits; the Frechet "
        "distance compares its features of drawn and of real digits.",
        "",
        "| network | command | goal | result | seconds |",
        "| --- | --- | --- | --- | ---: |",
    ]
    for row in ROWS:
        found = kept.get(row.name, {"figure": "not measured yet", "seconds": ""})
        cells = (row.title, f"`{row.command}`", row.goal, found["figure"], found["seconds"])
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
