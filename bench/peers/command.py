"""The command line of a peer's program: four commands, the same for all of them."""

import argparse
import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.peers.watch import Watch
from bench.peers.works import LIMIT, MARKS, WORKS, Work

Answers = tuple[Sequence[Path], Sequence[tuple[int, float]]]
"""Images, and the class and probability of each."""
Train = Callable[[Work, Watch], dict[str, object] | None]
"""Trains a work under the eyes of a watch; what it returns is printed beside the watch's times."""


def run(
    train: Mapping[str, Train | str],
    example: Callable[[Watch], None],
    save: Callable[[Path], None],
    predict: Callable[[Path, Path], tuple[int, float]] | None = None,
    folder: Callable[[Path, list[Path]], Answers] | None = None,
) -> None:
    """Do what the command line asks; the last line printed is one JSON object.

    Args:
        train: a function for each work, or why the peer has none: a work without an entry, or
            with a reason, is skipped.
        example: the peer's own MNIST example. It ends each epoch with `enough`.
        save: writes a LeNet-5 to the path.
        predict: reads it from there; class and probability of the image at the second path. None
            where the library has a command of its own (`race.PEERS`).
        folder: as `predict`, for many images; written as a table when all are there.
    """
    asked = _arguments().parse_args()
    watch = Watch()
    if asked.command == "train":
        _train(train.get(asked.work, "no such work in this library"), WORKS[asked.work], watch)
    elif asked.command == "example":
        example(watch)
        watch.report()
    elif asked.command == "save":
        save(asked.path)
    elif asked.output and folder:
        _write(asked.output, *folder(asked.path, sorted(asked.image.iterdir())))
    elif predict and not asked.output:
        digit, probability = predict(asked.path, asked.image)
        print(json.dumps({"class": digit, "probability": probability}), flush=True)


def enough(watch: Watch, accuracy: float) -> bool:
    """Note the accuracy after an epoch; True if it is the last mark or the time is over."""
    watch.reached(accuracy)
    return accuracy >= MARKS[-1] or watch.now > LIMIT


def _train(how: Train | str, work: Work, watch: Watch) -> None:
    if isinstance(how, str):
        print(json.dumps({"skipped": how}), flush=True)
    else:
        watch.report(work, **(how(work, watch) or {}))


def _write(out: Path, files: Sequence[Path], answers: Sequence[tuple[int, float]]) -> None:
    """A line for each image, as `cutaway predict -o` writes them."""
    with out.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "class", "probability"])
        table.writerows([str(one), *answer] for one, answer in zip(files, answers, strict=True))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("train").add_argument("work", choices=WORKS)
    commands.add_parser("example")
    commands.add_parser("save").add_argument("path", type=Path)
    predict = commands.add_parser("predict")
    predict.add_argument("path", type=Path)
    predict.add_argument("image", type=Path, help="or a folder of images, with -o")
    predict.add_argument("-o", "--output", type=Path, help="a table to be written")
    return parser
