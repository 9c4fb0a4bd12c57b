"""The race track: Cutaway beside its peers, in turn, each in an environment of its own.

    CUTAWAY_DATA=... python -m bench                        # all of it
    CUTAWAY_DATA=... python -m bench same --works mlp xor   # these anew, the rest as it was
    python -m bench same --peers cutaway fastai --works xor --into fastai   # a race apart
    python -m bench tables                                  # nothing anew: README and page

- `same`: every work with the same network, data, batch, epochs and precision for all.
- `example`: each peer's own MNIST example, from the prompt to 99.0 % and 99.4 %.
- `predict`: a trained LeNet-5 on disk and one image, from the prompt to the answer.
- `folder`: the same of a folder of digits, PNG files, into a table; and of a tenth of it.

What was measured is kept in `results/track.json`; the tables stand in README.md and, with a
picture, in `results/track.html`.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from bench.kept import earlier, keep
from bench.page import write, write_apart
from bench.peers.works import WORKS
from bench.race import PEERS, Found, rounds, run
from bench.tables import OURS
from cutaway.processes import processor


def note(name: str, found: Found) -> None:
    """One line a run, so that a long race can be followed."""
    figures = {
        key: round(value, 3) if isinstance(value, float) else value for key, value in found.items()
    }
    print(f"  {PEERS[name].title:10} {json.dumps(figures)}", flush=True)


def same(asked: argparse.Namespace) -> None:
    """Every work is kept as soon as it is done; peers that are not asked for stay as they were."""
    for work in asked.works:
        print(f"same {work}", flush=True)
        found = rounds({name: ["train", work] for name in asked.peers}, asked.rounds, note)
        before = earlier(asked.into).get("same", {})
        keep(asked.into, same=before | {work: beside(before.get(work, []), found)})


def example(asked: argparse.Namespace) -> None:
    """One round unless more are asked for: most examples take minutes."""
    print("example", flush=True)
    found = rounds({name: ["example"] for name in asked.peers}, asked.examples, note)
    keep(asked.into, example=beside(earlier(asked.into).get("example", []), found))


def predict(asked: argparse.Namespace) -> None:
    """Each peer's answer to a digit from a network that it saved before; twice as many rounds."""
    print("predict", flush=True)
    with tempfile.TemporaryDirectory() as place:
        (image,) = digits(Path(place), 1)
        words = {name: ["predict", kept, str(image)] for name, kept in saved(asked, place)}
        found = rounds(words, 2 * asked.rounds, note)
    keep(asked.into, predict=beside(earlier(asked.into).get("predict", []), found))


def folder(asked: argparse.Namespace) -> None:
    """Each peer's answers to a folder of digits, and to a tenth of it; those that can."""
    before = earlier(asked.into).get("folder", {})
    kept: dict[str, object] = {"images": asked.images}
    with tempfile.TemporaryDirectory() as place:
        able = [(name, where) for name, where in saved(asked, place) if name in FOLDERS]
        for size, count in (("tenth", asked.images // 10), ("all", asked.images)):
            print(f"folder {count}", flush=True)
            images = Path(place, size)
            digits(images, count)
            table = ["-o", f"{place}/answers.csv"]
            words = {name: ["predict", where, str(images), *table] for name, where in able}
            words[OURS].append("--overwrite")
            if size == "tenth":  # ours keeps a network in the cache at its second call
                rounds(words, 2, note)
            kept[size] = beside(before.get(size, []), rounds(words, asked.rounds, note))
            assert Path(place, "answers.csv").read_text().count("\n") == count + 1
    keep(asked.into, folder=kept)


def saved(asked: argparse.Namespace, place: str) -> Iterator[tuple[str, str]]:
    """Peers, and where each has saved a network."""
    for name in asked.peers:
        path = str(Path(place) / name)
        if "failed" not in run(name, "save", path):
            yield name, path


def beside(before: list[dict[str, Found]], now: list[dict[str, Found]]) -> list[dict[str, Found]]:
    """Rounds with what was found now in the place of what the same peers had found before."""
    peers = {name for row in now for name in row}
    kept = [{name: one for name, one in row.items() if name not in peers} for row in before]
    return [old | new for old, new in zip_longest(kept, now, fillvalue={}) if old or new]


def digits(folder: Path, count: int) -> list[Path]:
    """The first images of the test set, and again from the first, as PNG files."""
    from PIL import Image

    from bench.peers.data import mnist

    images = mnist("test")[0]
    folder.mkdir(exist_ok=True)
    files = [folder / f"{i}.png" for i in range(count)]
    for i, file in enumerate(files):
        Image.fromarray(images[i % len(images)]).save(file)
    return files


PARTS = {part.__name__: part for part in (same, example, predict, folder)}
FOLDERS = ("cutaway", "pytorch", "keras", "fastai")
"""Who has a way to answer for a folder."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    choices = [*PARTS, "tables"]
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    parser.add_argument("--works", nargs="+", default=list(WORKS), choices=WORKS)
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--examples", type=int, default=1, help="rounds of the peers' examples")
    parser.add_argument("--images", type=int, default=20_000, help="of the folder")
    parser.add_argument("--into", default="track", help="a race apart, with tables of its own")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(choices):
        parser.error(f"there is no part '{min(unknown)}': {', '.join(choices)}")
    for part in asked.parts:
        if part != "tables":
            keep(asked.into, machine=processor())
            PARTS[part](asked)
    write(earlier("track")) if asked.into == "track" else write_apart(asked.into)


if __name__ == "__main__":
    main()
