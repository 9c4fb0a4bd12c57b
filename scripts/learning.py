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

from cutaway.processes import processor

DOCS = Path(__file__).parents[1] / "docs"
KEPT = DOCS / "learning.json"
PROBLEMS = {
    "quadratic": (
        "A valley a thousand times longer than wide",
        "|A w|^2 / 2 in 20 dimensions with curvatures from 1 to 1000, until the loss is a "
        "millionth of its first value; 5,000 evaluations of the loss at most. Each optimizer has "
        "the best of twelve learning rates, which falls to zero over 100, 1,000 or 10,000 steps "
        "unless its steps shrink by themselves.",
        "python -m bench.optimizers quadratic",
    ),
    "digits": (
        "An MLP on digits",
        "A network 64-30-30-10 on scikit-learn's 1,797 digits, until the accuracy on the "
        "validation images is 95 % at the end of an epoch; 20 seconds at most (a last step may "
        "take longer).",
        "cutaway train mlp digits --image-size 8 --widths 30-30 --augment none --optimizer {name}",
    ),
    "mnist": (
        "LeNet-5 on MNIST",
        "Until the accuracy on the validation images is 98 % at the end of an epoch; 25 seconds at "
        "most.",
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
This page compares optimizers on three problems, measures fleets and an ensemble, and describes \
stages. It was made by `python scripts/learning.py` on {on}.

Optimizers differ in what they use of the loss. Some use its values only, most use gradients, and \
some use curvature through products of the Hessian with a vector. The tables count how often each \
of these was computed until the goal was reached. `--optimizer` takes the names in the tables, any \
class of torch.optim, or a class of your own as `package.module:Class`."""

OTHERS = """\
## Stages

A training may have several stages, each with its own task, learning rate and frozen parameters. \
`cutaway train autoencoder_softmax mnist` first trains an autoencoder to reconstruct images, then \
freezes encoder and decoder and trains the softmax layer with 100 labels. In a `recipe.toml` of \
your own:

```toml
[[stages]]
task = "reconstruct"
epochs = 5

[[stages]]
task = "classify"
freeze = "encoder,decoder"
labels = 100
```

A stage can change the fields of training and regularisation and `task`, `freeze`, \
`backbone_rate`, `labels`, `repeat` and `augment`. The network, the data and the seed are the same \
for all stages. A run that is killed resumes within its stage, bit-identical to an uninterrupted \
run."""


def problem(name: str, rows: list[dict[str, Any]]) -> str:
    from cutaway.learn.optim import METHODS

    title, text, command = PROBLEMS[name]
    found = [
        f"## {title}",
        "",
        f"{text} `{command.format(name='adam')}`",
        "",
        "| optimizer | uses | values | gradients | products | seconds | |",
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
A fleet is several networks trained as one job. Its members are trained in one of three ways: in \
turn, side by side in processes of their own, or batched, with the weights of all members in one \
stack that is computed together. A fixed rule chooses: batched from four members on, if the \
networks have no convolutions and a step on a processor takes at most 0.3 billion operations; \
otherwise side by side, if there is enough work to make up for starting processes; otherwise in \
turn. The rule looks at counts only, never at a clock or at free memory, because the way decides \
the order of sums and with it the last digits of every weight. `--way` and `--threads` choose \
otherwise. The choice is written into `fleet.json` and the members' recipes, so that a resumed \
fleet takes the same way. `python scripts/same_bytes.py` repeats one command 20 times, while other \
processes keep every core busy and with kills at random moments followed by `cutaway resume`: all \
20 gave the same bytes.\
"""


def fleets(rows: list[dict[str, Any]]) -> str:
    found = [
        "## Fleets",
        "",
        RULE,
        "",
        "`python -m bench.fleets` compares the chosen way with training in turn, for whole jobs "
        "(with validation, test and all files) and for the training steps alone. Medians of "
        "alternating rounds. Steps of a side-by-side fleet are not timed by themselves, so the "
        "time of its job stands for them.",
        "",
        "| fleet | way | rounds | in turn | this way | times faster | steps alone | goal |",
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
Each row is over up to 50 random choices of members, which overlap. The textbook (ch. 4.2) \
reports 0.23 % for the 35 networks of Ciresan et al. 2012. Those are far larger, see digits \
normalised in different ways, and were trained for 800 epochs on distorted digits.

Two attempts to come nearer in half an hour on two cores:

| networks | command | error of one | error of the ensemble |
| --- | --- | ---: | ---: |
| 35, eight epochs on shifted, rotated and scaled digits (32 minutes) | \
`cutaway train mnist-ensemble --epochs 8 --augment shift:1+rotate:10+scale:0.1` | 0.398 % | 0.36 % |
| 20, ten such epochs, five each for digits as they are and 10, 12 or 14 pixels wide (stopped \
after these) | `cutaway train mnist --vary box=0,10,12,14,16,18,20 \
--replicates 5 --epochs 10 --augment shift:1+rotate:10+scale:0.1` | 0.36 % as they are, 0.39 to \
0.57 % at one width | 0.31 % for the five as they are, 0.38 % for all 20 |

Of the 36 images that the first ensemble gets wrong, 7 are wrong for each of the 35 networks and \
most for nearly all of them. So more networks of this kind would not help; larger ones trained for \
longer might."""


def share(rows: list[dict[str, Any]]) -> str:
    found = [
        "## Where a step's time goes",
        "",
        "`python -m bench.share`: LeNet-5 on MNIST, batches of 128, Cutaway's training loop.",
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
        f"{kept['seconds'] / 60:.0f} minutes. The error of one network is "
        f"{100 * (1 - one['mean']):.3f} % of the test images (95 % interval of the mean {low:.3f} "
        f"to {high:.3f}); that of the ensemble, which answers with the mean probabilities, is "
        f"{100 * (1 - kept['ensemble']['accuracy']):.2f} %.",
        "",
        "| members | mean error | least | most |",
        "| ---: | ---: | ---: | ---: |",
    ]
    for row in shown:
        cells = (f"{100 * row[k]:.3f} %" for k in ("error", "least", "most"))
        found.append(f"| {row['members']} | {' | '.join(cells)} |")
    found += ["", f"{ENSEMBLE} {kept.get('note', '')}".strip()]
    return "\n".join(found)


if __name__ == "__main__":
    main(sys.argv[1:])
