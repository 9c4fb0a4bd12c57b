"""Write docs/byhand.md: gradients of every network, speed, what reuse saves, a recorded session.

    CUTAWAY_DATA=... python scripts/byhand.py               # all of it, about half an hour
    CUTAWAY_DATA=... python scripts/byhand.py session reuse  # these anew, the rest as it was

What was measured is kept in docs/byhand.json, so that the page can be written without measuring.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
KEPT = DOCS / "byhand.json"
REUSE = ("mlp", "lenet5", "resnet20", "googlenet", "unet", "resnet110")
STEPS = """\
n
n
b relu:2
c
p relu:2[0]
back
n
compare
set output.bias[3] 5
c
compare all
setg relu:2 1e6
explode
q
"""


def words(*command: str, typed: str = "") -> str:
    """What a command prints."""
    done = subprocess.run(
        [sys.executable, "-m", *command], input=typed, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def check() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(words("cutaway", "check", "--all", "--json"))
    return [{k: v for k, v in row.items() if k != "layers"} for row in rows]


def speed() -> list[str]:
    return words("bench.byhand").splitlines()


def reuse() -> list[dict[str, Any]]:
    import torch

    from cutaway.byhand.cost import costs, total
    from cutaway.systems import system_graphs

    rows = []
    for name in REUSE:
        (one,) = system_graphs(name)
        torch.manual_seed(0)
        one.graph.forward(*one.inputs)
        found = costs(one.graph)
        rows.append(
            {
                "model": name,
                "forward": sum(cost.forward for cost in found.values()),
                "with reuse": total(found),
                "path by path": total(found, reuse=False),
                "paths": max(cost.paths for cost in found.values()),
            }
        )
    return rows


def session() -> str:
    from PIL import Image
    from sklearn.datasets import load_digits

    with tempfile.TemporaryDirectory() as folder:
        seven = Image.fromarray((load_digits().images[7] * 15.9).astype("uint8"))
        seven.resize((28, 28)).save(f"{folder}/seven.png")
        return words("cutaway", "step", "lenet5", "--image", f"{folder}/seven.png", typed=STEPS)


PARTS: dict[str, Callable[[], Any]] = {
    "check": check,
    "speed": speed,
    "reuse": reuse,
    "session": session,
}


def main(names: list[str]) -> None:
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for name in names or PARTS:
        kept[name] = PARTS[name]()
        KEPT.write_text(json.dumps(kept, indent=1) + "\n")
    (DOCS / "byhand.md").write_text(page(kept))


def page(kept: dict[str, Any]) -> str:
    """The page; what has not been measured is left out."""
    parts = ["# Backpropagation by hand", INTRODUCTION]
    parts += [PAGES[name](kept[name]) for name in PAGES if name in kept]
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """\
`cutaway.byhand` computes gradients without autograd: each operation is a class with its forward \
and its backward pass as equations on tensors. It runs every network of `cutaway.models`, and any \
other module made of operations that it knows. An operation that it does not know is named, and \
can be added.

```python
from cutaway import byhand

graph = byhand.trace(network, torch.rand(2, 1, 28, 28))  # any nn.Module
s = graph.forward(x)
gradients = graph.backward(g)  # g = dJ/ds; by parameter, and for every node in graph.gradients
```

This page was made by `python scripts/byhand.py` on two cores of a Xeon (Cascade Lake, 2.5 GHz)."""


def checked(rows: list[dict[str, Any]]) -> str:
    lines = [
        "## Gradients computed in three ways",
        "",
        "`cutaway check --all` compares gradients by hand, in float64, with autograd's (for every "
        "parameter and every value in between) and with central differences (for up to 32 "
        "parameters each, along one direction). The table has the largest errors relative to the "
        "largest number of each gradient. A player is a part of a network with a loss of its own: "
        "a GAN has two. `cutaway check lenet5` shows one network layer by layer.",
        "",
        "| network | player | operations | parameters | autograd | differences |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        cells = (row["model"], row["player"], row["operations"], row["parameters"],
                 f"{row['by autograd']:.1e}", f"{row['by differences']:.1e}")  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    worst = max(row["by autograd"] for row in rows)
    lines += ["", f"The largest error against autograd is {worst:.1e}."]
    return "\n".join(lines)


def timed(lines: list[str]) -> str:
    return "\n".join(
        [
            "## Training by hand (algorithm 4-1)",
            "",
            "`byhand.descend` is minibatch gradient descent as algorithm 4-1 of the textbook "
            "(ch. 4.2) has it. `python -m bench.byhand` compares it with the training loop, from "
            "the same seed and on the same batches, and its steps a second with those of autograd "
            "and torch.optim.SGD. Both compute in float32 but add in different orders. Their "
            "gradients agree to 1e-6 until a near tie in a pooling window or a ReLU is decided "
            "differently. From then on the weights drift apart, as much as those of autograd do "
            "when the images of a batch come in another order.",
            "",
            "```",
            *lines,
            "```",
        ]
    )


def saved(rows: list[dict[str, Any]]) -> str:
    lines = [
        "## What reuse saves",
        "",
        "Backpropagation computes the gradient of each node once and reuses it. Without reuse, the "
        "chain rule is applied along every path from the loss to a parameter. The table counts the "
        "operations of a forward pass and of both kinds of backward pass (`byhand.costs`, "
        "`byhand.path_by_path`).",
        "",
        "| network | forward | backward, with reuse | path by path | most paths to a node |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        cells = [f"{row[k]:.3g}" for k in ("forward", "with reuse", "path by path", "paths")]
        lines.append(f"| {row['model']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def recorded(text: str) -> str:
    return (
        "## A recorded session\n\n`cutaway step lenet5 --image seven.png`: what follows a prompt "
        f"such as `(forward 0/13)` was typed.\n\n```\n{text.strip()}\n```"
    )


PAGES: dict[str, Callable[[Any], str]] = {
    "check": checked,
    "session": recorded,
    "speed": timed,
    "reuse": saved,
}


if __name__ == "__main__":
    main(sys.argv[1:])
