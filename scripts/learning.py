"""Write docs/learning.md: optimizers on three problems, fleets, an ensemble.

    CUTAWAY_DATA=... python scripts/learning.py               # all of it, about an hour and a half
    CUTAWAY_DATA=... python scripts/learning.py fleets toy    # these anew, the rest as it was

What was measured is kept in docs/learning.json, so that the page can be written without measuring.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cutaway.learn.machine import processor

DOCS = Path(__file__).parents[1] / "docs"
KEPT = DOCS / "learning.json"
PROBLEMS = {
    "quadratic": (
        "A valley a thousand times longer than wide",
        "|A w|^2 / 2 in 20 dimensions, curvatures from 1 to 1000, down to a millionth of where it "
        "begins. Each method has the best of twelve rates, falling to zero over 100, "
        "1,000 or 10,000 steps unless its steps shrink by themselves; 5,000 values at most.",
        "python -m bench.optimizers quadratic",
    ),
    "digits": (
        "An MLP on digits",
        "64-30-30-10 on scikit-learn's 1,797 digits, until 95 % of the validation images are right "
        "at the end of an epoch; 20 seconds at most (a last step may take longer).",
        "cutaway train mlp digits --image-size 8 --widths 30-30 --augment none --optimizer {name}",
    ),
    "mnist": (
        "LeNet-5 on MNIST",
        "Until 98 % of the validation images are right at the end of an epoch; 25 seconds at most.",
        "cutaway train lenet5 mnist --augment none --label-smoothing 0 --optimizer {name}",
    ),
}
CASES = {
    "mlp": "32 MLPs 784-128-10, an epoch of MNIST, batches of 128",
    "mlp-32": "the same, batches of 32",
    "toy": "64 nets 2-16-16-2 on two spirals",
    "lenet5": "8 LeNet-5, an epoch of MNIST",
}


def lines(*command: str) -> list[dict[str, Any]]:
    """The JSON rows that a benchmark prints."""
    done = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def ensemble() -> dict[str, Any]:
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        (found,) = lines("cutaway", "train", "mnist-ensemble", "--json", "--out", f"{folder}/fleet")
    kept = {k: found[k] for k in ("members", "measures", "ensemble", "curve")}
    return kept | {"seconds": time.monotonic() - started}


MEASURES: dict[str, Callable[[], Any]] = {
    **{name: lambda name=name: lines("bench.optimizers", name) for name in PROBLEMS},  # type: ignore[misc]
    **{name: lambda name=name: lines("bench.fleets", name)[-1] for name in CASES},  # type: ignore[misc]
    "share": lambda: lines("bench.share"),
    "ensemble": ensemble,
}


def main(names: list[str]) -> None:
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for name in names or MEASURES:
        if name != "page":
            kept[name] = MEASURES[name]()
            kept["on"] = f"{os.cpu_count()} cores of {processor()}"
            KEPT.write_text(json.dumps(kept, indent=1) + "\n")
    (DOCS / "learning.md").write_text(page(kept))


def page(kept: dict[str, Any]) -> str:
    """The page; what has not been measured is left out."""
    parts = ["# How networks learn", INTRODUCTION.format(**kept)]
    parts += [problem(name, kept[name]) for name in PROBLEMS if name in kept]
    if found := [kept[name] for name in CASES if name in kept]:
        parts.append(fleets(found))
    if "share" in kept:
        parts.append(share(kept["share"]))
    if "ensemble" in kept:
        parts.append(together(kept["ensemble"]))
    return "\n\n".join([*parts, OTHERS]) + "\n"


INTRODUCTION = """\
Optimizers by what they are told of the loss, regularisers, stages, fleets of replicates, search \
and comparison: each is a field of the recipe or a word on the command line. This page was made by \
`python scripts/learning.py` on {on}.

An optimizer asks a closure for what it needs of a batch: `value()`, the gradient (a call, as \
PyTorch means it) or `loss()` with its graph, for Hessian-vector products; each is counted. Any of \
torch.optim can be named, and any class as `package.module:Class`."""

OTHERS = """\
## Stages

A recipe may have stages, each with its own task, rates and parameters that learn. The recipe of \
`cutaway train autoencoder_softmax mnist` learns to reconstruct first, then freezes encoder and \
decoder and learns the softmax from 100 labels. In a `recipe.toml` of one's own:

```toml
[[stages]]
task = "reconstruct"
epochs = 5

[[stages]]
task = "classify"
freeze = "encoder,decoder"
labels = 100
```

A stage changes the fields of learning and regularising, `task`, `freeze`, `backbone_rate`, \
`labels`, `repeat` and `augment`; the network, the data and the seed belong to the run. A killed \
run goes on within its stage, to the bit."""


def problem(name: str, rows: list[dict[str, Any]]) -> str:
    from cutaway.learn.optimizers import METHODS

    title, text, command = PROBLEMS[name]
    found = [
        f"## {title}",
        "",
        f"{text} `{command.format(name='adam')}`",
        "",
        "| optimizer | is told | values | gradients | products | seconds | |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        knows = METHODS[row["optimizer"]].knows
        found.append(f"| {row['optimizer']} | {knows} | {' | '.join(cells(row))} |")
    return "\n".join(found)


def cells(row: dict[str, Any]) -> list[str]:
    """What it took, or why not."""
    if "refused" in row:
        return ["", "", "", "", f"refused: {row['refused']}"]
    if not row["reached"] and "best" not in row:
        return ["", "", "", "", "not reached"]
    counts = [f"{row[k]:,}" if row[k] else "" for k in ("values", "gradients", "products")]
    note = f"rate {row['rate']:.2g}"
    if "batch" in row:
        note += f", batch {row['batch']:,}"
    if not row["reached"]:
        came = f"{100 * row['best']:.1f} %" if row["best"] else "no epoch ended"
        note += f"; **not reached**: {came}"
    return [*counts, f"{row['seconds']:.2g}", note]


RULE = """\
The way follows a fixed rule on counts, never a clock or the memory that is free, since it decides \
the order of sums and with it the last digits of every weight: one stack from four members on, \
where the networks hold no convolutions and a step on a processor takes at most 0.3 billion \
operations; else side by side, where the work that all members are pays for starting processes; \
else in turn. The way, the size of a stack and the number of threads are written into `fleet.json` \
and the members' recipes, so that what is resumed takes the same; `--way` and `--threads` choose \
otherwise. `python scripts/same_bytes.py` repeats one command 20 times, beside processes that keep \
every core busy, ended with SIGKILL at drawn moments and gone on with: all 20 gave the same bytes.\
"""


def fleets(rows: list[dict[str, Any]]) -> str:
    found = [
        "## Fleets",
        "",
        RULE,
        "",
        "`python -m bench.fleets`: the way that a fleet took, beside "
        "its members one after another; whole jobs with validation, test and everything that is "
        "kept, and the steps alone. Medians of alternating rounds; a side-by-side job has no clock "
        "of its steps, so its job stands for them.",
        "",
        "| fleet | way | rounds | in turn | as taken | times faster | steps alone | goal |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        low, high = row["range"]
        found.append(
            f"| {CASES[row['case']]} | {row['way']} | {row['rounds']} "
            f"| {row['in turn (s)']} s | {row['job (s)']} s "
            f"| {row['times faster']} ({low} to {high}) | {row['steps']} | {row['goal']:g} |"
        )
    return "\n".join(found)


ENSEMBLE = """\
Over up to 50 drawn ensembles of each size, so not independent of each other. The text's 35 \
networks (Ciresan et al. 2012) err on 0.23 %; they are far larger, differ in how digits were \
normalised and learned for 800 epochs from distorted ones.

What was tried to come nearer in half an hour on two cores:

| 35 networks | command | one alone | all together |
| --- | --- | ---: | ---: |
| eight epochs of digits moved, turned and scaled (32 minutes) | `cutaway train mnist-ensemble \
--epochs 8 --augment shift:1+rotate:10+scale:0.1` | 0.398 % | 0.36 % |
| ten such epochs, of columns that see digits as they are or 10, 12 or 14 pixels wide, five of \
each (stopped after these 20) | `cutaway train mnist --vary box=0,10,12,14,16,18,20 \
--replicates 5 --epochs 10 --augment shift:1+rotate:10+scale:0.1` | 0.36 % as they are, 0.39 to \
0.57 % at one width | 0.31 % the five as they are, 0.38 % all 20 |

Of the 36 images on which the first of these err together, 7 are beyond every single one of the \
35, and most beyond nearly all: more such networks do not help, larger ones that learn for longer \
would."""


def share(rows: list[dict[str, Any]]) -> str:
    found = [
        "## Where a step's time goes",
        "",
        "`python -m bench.share`: LeNet-5 on MNIST, batches of 128, the real loop.",
        "",
        "| optimizer | a step | batch | loss and gradients | optimizer | loop |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        cells = [row[k] for k in ("batch", "loss and gradients", "optimizer", "loop")]
        found.append(f"| {row['with']} | {row['ms']} ms | {' | '.join(cells)} |")
    return "\n".join(found)


def together(kept: dict[str, Any]) -> str:
    rows, one = kept["curve"], kept["measures"]["accuracy"]
    shown = [row for row in rows if row["members"] in (1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 35)]
    low, high = (100 * (1 - one[k]) for k in ("high", "low"))
    found = [
        "## An ensemble",
        "",
        f"`cutaway train mnist-ensemble`: {kept['members']} networks in "
        f"{kept['seconds'] / 60:.0f} minutes. One alone errs on {100 * (1 - one['mean']):.3f} % "
        f"of the test images (95 % interval of the mean {low:.3f} to {high:.3f}), all together, "
        f"by the mean of their probabilities, on {100 * (1 - kept['ensemble']['accuracy']):.2f} %.",
        "",
        "| members | error, mean | least | most |",
        "| ---: | ---: | ---: | ---: |",
    ]
    for row in shown:
        cells = (f"{100 * row[k]:.3f} %" for k in ("error", "least", "most"))
        found.append(f"| {row['members']} | {' | '.join(cells)} |")
    found += ["", f"{ENSEMBLE} {kept.get('note', '')}".strip()]
    return "\n".join(found)


if __name__ == "__main__":
    main(sys.argv[1:])
