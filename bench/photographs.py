"""A folder of photographs to a classifier: Cutaway beside fastai, from the prompt to the end.

    CUTAWAY_DATA=... python -m bench.photographs [--rounds 3] [--ways frozen ...] [--epochs 5]

Tomato leaves, a folder a class, divided once into those to learn from, to validate and to test on,
the same for all. All begin with the same weights of EfficientNet-Lite0, and read pictures at the
same size in batches of 32; every way is a process of its own, in turn.
"""

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path

from safetensors.torch import save_file

from bench.kept import earlier, keep, publish, table
from bench.race import Found, watched
from bench.tables import figure, middle
from cutaway import models
from cutaway.learn.pretrained import load_pretrained
from cutaway.models.efficientnet_weights import timm_name
from cutaway.processes import processor

OURS, FASTAI = "Cutaway", "bench.peers.fastai_photographs"
WAYS = {
    "fast": ("Cutaway, its head alone (`--quality fast`)", "fast"),
    "plain": ("fastai, its head alone, without augmentation (`fit_one_cycle`)", "plain"),
    "frozen": ("fastai, its head alone, augmented as by default (`fit_one_cycle`)", "frozen"),
    "default": ("Cutaway, as by default", "good"),
    "tuned": ("fastai, its head and then all layers (`fine_tune`)", "tuned"),
}
"""By name: what it is, and the program's word for it."""
NAME = "photographs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", default=[*WAYS], choices=WAYS)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--size", type=int, default=160, help="of a picture's side, in pixels")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        os.environ["CUTAWAY_CACHE"] = str(root / "cache")
        learned = divided(Path(os.environ["CUTAWAY_DATA"], "leaves"), root / "leaves")
        weights(root / "weights.safetensors")
        for _ in range(asked.rounds):
            row = {name: trained(name, root, asked) for name in asked.ways}
            before = earlier(NAME)
            keep(
                NAME, machine=processor(), epochs=asked.epochs, size=asked.size, learned=learned,
                rows=[*before.get("rows", []), row],
            )  # fmt: skip
    publish(NAME, told(earlier(NAME)))


def divided(source: Path, into: Path) -> int:
    """Copy three in five to `train`, one to `valid`, one to `test`; the count of the first."""
    for folder in sorted(one for one in source.iterdir() if one.is_dir()):
        for i, file in enumerate(sorted(folder.iterdir())):
            part = ("train", "valid", "test", "train", "train")[i % 5]
            (into / part / folder.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(file, into / part / folder.name)
    return sum(1 for _ in (into / "train").glob("*/*"))


def weights(path: Path) -> None:
    """Our network's weights under timm's names."""
    model = models.find("efficientnet_lite0")
    network = models.build(model.name, 3, 1000, (224, 224))
    known = load_pretrained(network, model, "auto")
    scale = {"mean": json.dumps(known.mean), "std": json.dumps(known.std)}
    save_file({timm_name(k): v for k, v in network.state_dict().items()}, path, scale)


def trained(name: str, root: Path, asked: argparse.Namespace) -> Found:
    """The accuracy of a way, its seconds of training and in all, and its memory."""
    title, word = WAYS[name]
    sizes = ["--epochs", str(asked.epochs)] * (name != "default")
    if title.startswith(OURS):
        shutil.rmtree(root / "run", ignore_errors=True)
        size = ["--image-size", str(asked.size), "--batch-size", "32", *sizes]
        place = [str(root / "leaves"), "--quality", word, "--out", str(root / "run"), "--quiet"]
        found = watched("cutaway", "cutaway", "train", *place, *size)
        found |= read(root / "run")
    else:
        place = [str(root / "leaves"), str(root / "weights.safetensors"), word]
        found = watched("fastai", FASTAI, *place, *sizes, "--size", str(asked.size))
    print(name, json.dumps(found), flush=True)
    return found


def read(run: Path) -> Found:
    """What a run of ours came to; nothing if it failed."""
    if not (run / "results.json").exists():
        return {}
    results, timing = (json.loads((run / f"{of}.json").read_text()) for of in ("results", "timing"))
    return {"accuracy": results["accuracy"], "training": timing["train_seconds"]}


def told(kept: Found) -> str:
    """The table of what was measured."""
    lines = []
    for name, (title, _) in WAYS.items():
        accuracy, training, wall, memory = (
            middle(kept["rows"], name, lambda one, key=key: one.get(key))
            for key in ("accuracy", "training", "wall", "peak_mb")
        )
        if accuracy and training:
            frozen = name not in ("default", "tuned")
            speed = figure(kept["learned"] * kept["epochs"] / training) if frozen else ""
            cells = [f"{100 * accuracy:.1f} %", figure(training), speed, figure(wall)]
            lines.append([title, *cells, figure(memory)])
    head = ["", "accuracy", "s of training", "images/s", "s in all", "peak MB"]
    return (
        f"{kept['learned']} leaves to learn from, {kept['size']} x {kept['size']} pixels, "
        f"{kept['epochs']} epochs of the head alone, on {kept['machine']}; medians of "
        f"{len(kept['rows'])} rounds.\n\n{table(head, lines, numbers=True)}"
    )


if __name__ == "__main__":
    main()
