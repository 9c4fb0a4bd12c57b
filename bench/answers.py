"""`cutaway predict`: one image from the prompt, and a folder streamed.

    python -m bench.answers [--rounds 9] [--images 20000] [--parts prompt stream]

prompt: a trained LeNet-5 on disk and one image, from the prompt to the answer, each way a process
of its own, in turn: a bare script on onnxruntime, `cutaway predict` (from its third call on, when
the network is in the cache), and a plain script on PyTorch. The largest difference of their
probabilities is printed too.

stream: folders of pictures through `cutaway predict FOLDER -o answers.csv`, against decoding alone:
by Cutaway's own processes, and by two plain processes with Pillow and nothing else. One is of
MNIST's digits as PNG files, which cost least to decode, the other of pieces of a photograph of 256
pixels as JPEG files, a fifth as many. The speed is that of the images beyond the first tenth, so
that the start counts for none of them; the memory is the largest resident set of the main process
at a tenth of the images and at all of them.

Trains for a minute; needs MNIST (`$CUTAWAY_DATA`, or downloaded).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.packing import plain

ONNX = """
import json, sys
import numpy as np, onnxruntime
from PIL import Image
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
pixels = np.asarray(Image.open(sys.argv[2]).convert("L"))[None, :, :, None]
print(json.dumps(session.run(None, {"pixels": pixels})[0][0].tolist()))
"""
TORCH = """
import json, sys
import numpy as np, torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn
net = nn.Sequential(
    nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
    nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
).eval()
kept = load_file(sys.argv[1] + "/weights.safetensors")
names = {0: "c1.u", 3: "c3.u", 7: "c5", 9: "f6", 11: "output"}
parts = ((f"{i}.{p}", kept[f"{name}.{p}"]) for i, name in names.items() for p in ("weight", "bias"))
net.load_state_dict(dict(parts))
card = json.load(open(sys.argv[1] + "/data.json"))
x = torch.from_numpy(np.array(Image.open(sys.argv[2]).convert("L")))[None, None].float() / 255
with torch.inference_mode():
    print(json.dumps(net((x - card["mean"][0]) / card["std"][0]).softmax(1)[0].tolist()))
"""
DECODER = """
import sys
from cutaway.data.frame import Frame
from cutaway.data.stream import decoded
from cutaway.learn.inputs import read_inputs
print(sum(len(lot.inputs) for lot in decoded(read_inputs(sys.argv[1]), Frame(1, (28, 28)))))
"""
WATCH = """
import os, sys, time
began = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
assert status == 0, sys.argv
print([time.perf_counter() - began, usage.ru_maxrss])
"""
CUTAWAY = [sys.executable, "-m", "cutaway"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--parts", nargs="+", default=["prompt", "stream"])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        os.environ["CUTAWAY_CACHE"] = str(root / "cache")
        _ask("train", "lenet5", "mnist", "--epochs", "1", "--quiet", "--out", str(root / "run"))
        _pictures(root, asked.images)
        if "prompt" in asked.parts:
            prompt(root, asked.rounds)
        if "stream" in asked.parts:
            stream(root, min(3, asked.rounds))


def prompt(root: Path, rounds: int) -> None:
    """Print the seconds of each way, and how far their answers are apart."""
    run, image = str(root / "run"), str(root / "png" / "tenth" / "0.png")
    export = f"{run}/exports/run.onnx"
    _ask("export", run)
    _ask("predict", run, image)
    _ask("predict", run, image)
    ways = {
        "onnxruntime, a bare script": [sys.executable, "-c", ONNX, export, image],
        "cutaway predict": [*CUTAWAY, "predict", run, image, "--json"],
        "PyTorch, a plain script": [sys.executable, "-c", TORCH, run, image],
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    said: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, command in ways.items():
            began = perf_counter()
            out = subprocess.run(command, capture_output=True, check=True, text=True).stdout
            seconds[name].append(perf_counter() - began)
            said[name] = _probabilities(json.loads(out))
    print("| one image from the prompt | median, s | least, s |\n| --- | --- | --- |")
    for name, times in seconds.items():
        print(f"| {name} | {median(times):.2f} | {min(times):.2f} |")
    top = said.pop("cutaway predict")
    apart = max(abs(a - b) for other in said.values() for a, b in zip(top, other, strict=False))
    print(f"\nLargest difference of the five highest probabilities: {apart:.1e}")


def _probabilities(answer: list) -> list[float]:
    """The five highest, of a bare list or of what `--json` prints."""
    if isinstance(answer[0], dict):
        return [p for _, p in answer[0]["top"]]
    return sorted(answer, reverse=True)[:5]


def stream(root: Path, rounds: int) -> None:
    """Print the speed of answering and of decoding alone, and the memory."""
    run = str(root / "run")
    for _ in range(2):
        _ask("predict", run, str(root / "png" / "tenth" / "0.png"))
    print("\n| images a second | Pillow alone | our decoder alone | predict | share | memory, MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind, what in (("png", "PNG of 28 x 28"), ("jpg", "JPEG of 256 x 256")):
        places = root / kind / "tenth", root / kind / "all"
        few, many = (sorted(map(str, place.iterdir())) for place in places)
        more, best, memory = len(many) - len(few), [0.0, 0.0, 0.0], [0, 0]
        for _ in range(rounds):
            seconds = [[plain(files, "L") for files in (few, many)]]
            seconds += [[_watched(sys.executable, "-c", DECODER, one)[0] for one in places]]
            found = [_predicted(run, one) for one in places]
            seconds += [[time for time, _ in found]]
            memory = [peak // 1024 for _, peak in found]
            speeds = [more / (long - short) for short, long in seconds]
            best = [max(pair) for pair in zip(best, speeds, strict=True)]
        shown = " | ".join(f"{speed:,.0f}" for speed in best)
        share, (low, high) = best[2] / best[1], memory
        name = f"{len(many):,} {what}"
        print(f"| {name} | {shown} | {share:.0%} | {low} at {len(few):,}, {high} at all |")


def _predicted(run: str, folder: Path) -> tuple[float, int]:
    """Seconds and memory of answering about a folder, into a file with a line for each."""
    out = folder.with_suffix(".csv")
    found = _watched(*CUTAWAY, "predict", run, folder, "-o", out, "--overwrite")
    assert out.read_text().count("\n") == 1 + len(os.listdir(folder))
    return found


def _watched(*command: object) -> tuple[float, int]:
    """Seconds and the largest resident set (KiB) of a process.

    A small process watches it: a child begins with the resident set of who starts it.
    """
    words = [sys.executable, "-c", WATCH, *map(str, command)]
    out = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    seconds, peak = json.loads(out.splitlines()[-1])
    return seconds, peak


def _ask(*words: str) -> None:
    subprocess.run([*CUTAWAY, *words], check=True, stdout=subprocess.DEVNULL)


def _pictures(root: Path, count: int) -> None:
    """Folders of MNIST's images, and of pieces of a photograph: a tenth, and all."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_sample_image

    from cutaway.data.sources import load

    digits, photograph = load("mnist").images, load_sample_image("china.jpg")
    draw = np.random.default_rng(0)
    for name, part in (("tenth", 10), ("all", 1)):
        for kind in ("png", "jpg"):
            (root / kind / name).mkdir(parents=True)
        for i in range(count // part):
            picture = Image.fromarray(digits[i % len(digits), :, :, 0].numpy())
            picture.save(root / "png" / name / f"{i}.png")
        for i in range(count // 5 // part):
            top, left = draw.integers(0, [171, 384])  # it has 427 x 640 pixels
            picture = Image.fromarray(photograph[top : top + 256, left : left + 256])
            picture.save(root / "jpg" / name / f"{i}.jpg", quality=90)


if __name__ == "__main__":
    main()
