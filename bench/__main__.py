"""The race track: Cutaway beside its peers, in turn, each in an environment of its own.

    CUTAWAY_DATA=... python -m bench                        # all of it
    CUTAWAY_DATA=... python -m bench same --works mlp xor   # these anew, the rest as it was
    python -m bench same --peers cutaway fastai --works xor --into fastai   # a race apart
    python -m bench tables                                  # nothing anew: README and page

- `same`: every work with the same network, data, batch, epochs and precision for all.
- `example`: each peer's own MNIST example, from the prompt to 99.0 % and 99.4 %.
- `predict`: a trained LeNet-5 on disk and one image, from the prompt to the answer.

What was measured is kept in `results/track.json`; the tables stand in README.md and, with a
picture, in `results/track.html`.
"""

import argparse
import json
import tempfile
from itertools import zip_longest
from pathlib import Path

from bench.kept import earlier, keep
from bench.page import write, write_apart
from bench.peers.works import WORKS
from bench.race import PEERS, Found, rounds, run
from cutaway.learn.runtime import processor


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
    with tempfile.TemporaryDirectory() as folder:
        image = digit(Path(folder))
        kept = {name: str(Path(folder) / name) for name in asked.peers}
        saved = {name: run(name, "save", path) for name, path in kept.items()}
        able = [name for name in kept if "failed" not in saved[name]]
        words = {name: ["predict", kept[name], image] for name in able}
        found = rounds(words, 2 * asked.rounds, note)
    keep(asked.into, predict=beside(earlier(asked.into).get("predict", []), found))


def beside(before: list[dict[str, Found]], now: list[dict[str, Found]]) -> list[dict[str, Found]]:
    """Rounds with what was found now in the place of what the same peers had found before."""
    peers = {name for row in now for name in row}
    kept = [{name: one for name, one in row.items() if name not in peers} for row in before]
    return [old | new for old, new in zip_longest(kept, now, fillvalue={}) if old or new]


def digit(folder: Path) -> str:
    """Where the first test image lies, a PNG."""
    from PIL import Image

    from bench.peers.data import mnist

    path = str(folder / "digit.png")
    Image.fromarray(mnist("test")[0][0]).save(path)
    return path


PARTS = {part.__name__: part for part in (same, example, predict)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    choices = [*PARTS, "tables"]
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    parser.add_argument("--works", nargs="+", default=list(WORKS), choices=WORKS)
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--examples", type=int, default=1, help="rounds of the peers' examples")
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
