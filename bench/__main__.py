"""The race track: Cutaway beside its peers, in turn, each in an environment of its own.

    CUTAWAY_DATA=... python -m bench                        # all of it
    CUTAWAY_DATA=... python -m bench same --works mlp xor   # these anew, the rest as it was
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
from pathlib import Path
from typing import Any

from bench.page import write
from bench.peers.works import WORKS
from bench.race import PEERS, Found, rounds, run
from cutaway.learn.machine import processor

KEPT = Path(__file__).parent / "results" / "track.json"


def note(name: str, found: Found) -> None:
    """One line a run, so that a long race can be followed."""
    figures = {
        key: round(value, 3) if isinstance(value, float) else value for key, value in found.items()
    }
    print(f"  {PEERS[name].title:10} {json.dumps(figures)}", flush=True)


def predicting(peers: list[str], count: int) -> list[dict[str, Found]]:
    """Each peer's answer to a digit from a network that it saved before."""
    from PIL import Image

    from bench.peers.data import mnist

    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "digit.png"
        Image.fromarray(mnist("test")[0][0]).save(image)
        kept = {name: str(Path(folder) / name) for name in peers}
        failed = {name for name in peers if "failed" in run(name, "save", kept[name])}
        able = [name for name in peers if name not in failed]
        found: list[dict[str, Found]] = []
        for _ in range(count):
            found.append({name: run(name, "predict", kept[name], str(image)) for name in able})
        for name in able:
            note(name, found[-1][name])
    return found


def measure(asked: argparse.Namespace, kept: dict[str, Any]) -> None:
    """Run what is asked for; every work is kept as soon as it is done."""
    kept["machine"] = processor()
    todo = {"same": asked.works, "example": ["mnist"], "predict": ["lenet5"]}
    for part in asked.parts:
        for work in todo[part]:
            print(f"{part} {work}", flush=True)
            words = ["train", work] if part == "same" else ["example", "--limit", "150"]
            count = asked.rounds if part == "same" else min(asked.rounds, asked.examples)
            if part == "predict":
                rows = predicting(asked.peers, 2 * asked.rounds)
            else:
                rows = rounds(asked.peers, words, count, note)
            kept.setdefault(part, {})[work] = rows
            KEPT.parent.mkdir(exist_ok=True)
            KEPT.write_text(json.dumps(kept, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = ("same", "example", "predict")
    parser.add_argument("parts", nargs="*", default=parts, metavar="PART")
    parser.add_argument("--works", nargs="+", default=list(WORKS), choices=WORKS)
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--examples", type=int, default=1, help="rounds of the peers' examples")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - {*parts, "tables"}:
        parser.error(f"there is no part '{min(unknown)}': same, example, predict or tables")
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    if "tables" not in asked.parts:
        measure(asked, kept)
    write(kept)


if __name__ == "__main__":
    main()
