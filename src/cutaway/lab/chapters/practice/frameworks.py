"""The table of PyTorch against TensorFlow, row by row."""

import io
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from cutaway.errors import UsageError
from cutaway.lab.chapters.practice.graphs import Chooses, layers_seen
from cutaway.lab.chapters.practice.tensorflow_side import BATCH, SIDE, WIDTH, least
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import part
from cutaway.lab.settings import Replicates, Seed
from cutaway.models.mlp import MLP

NONE = math.nan
TODAY = "2026-11-29"
FACTS = (
    ("1 made by", "Meta", "Google", "since 2022-09-12 PyTorch belongs to the PyTorch Foundation",
     "Linux Foundation, 2022-09-12"),
    ("2 graph", "dynamic", "static", "TensorFlow is dynamic by default since 2.0",
     "tensorflow.org, tf.compat.v1.enable_eager_execution"),
    ("5 serving", "harder", "TensorFlow Serving", "TorchServe is no longer maintained, and was "
     "archived on 2025-08-07", "github.com/pytorch/serve"),
    ("6 telephones", "less", "TensorFlow Lite", "TensorFlow Lite is LiteRT since 2024-09-04, and "
     "takes networks of PyTorch, too; PyTorch has ExecuTorch", "ai.google.dev/edge/litert; "
     "pypi.org/project/executorch"),
    ("7 TPU", "less", "yes", "PyTorch runs on TPUs through torch_xla; there is none here to try "
     "either", "docs.pytorch.org/xla"),
)  # fmt: skip


def as_tabled(
    usage: Effect, training: Effect, hidden: Effect, serving: Effect, faster: Effect
) -> Verdict:
    """Not tested where no TensorFlow was run. Holds if today all is as in the table: TensorFlow
    does not run operation by operation unless told to, cannot learn before a graph is defined, and
    hides weights and outputs while it runs, only its files answer without the network's code, and a
    step of its graph takes less time than one of PyTorch (the ratio's interval above 1). Does not
    hold if none of the five is so (the interval below 1); undecided if all depends on an interval
    that holds 1; else with limits."""
    rows = [one.value for one in (usage, training, hidden, serving)]
    if any(map(math.isnan, rows)):
        return Verdict.UNTESTED
    quicker, slower = faster.low > 1, faster.high < 1
    if all(rows) and quicker:
        return Verdict.HOLDS
    if not any(rows) and slower:
        return Verdict.FAILS
    alike = all(rows) or not any(rows)
    return Verdict.UNDECIDED if alike and not quicker and not slower else Verdict.LIMITED


@claim(
    "8.5",
    says="PyTorch has dynamic graphs, reads like Python and can be opened while it runs; "
    "TensorFlow has static graphs that are defined first, hides its weights while it runs, runs "
    "faster and is better at serving, on telephones and on TPUs.",
    source="study notes, PyTorch and TensorFlow: a table of seven rows",
    rule=as_tabled,
    baseline="PyTorch doing the same: the same network, step and batch on one thread, whose time "
    "is the 1 of the ratio.",
    otherwise="TensorFlow 1, for which the table was right; larger networks, or a GPU.",
    doubt="Rows 2 to 4 describe TensorFlow before 2.0, of 2019.",
)
def seven_rows(python: str = "", replicates: Replicates = 8, seed: Seed = 0) -> Evidence:
    """Both frameworks run a plain Python loop, give weights and outputs while they run, and write a
    file that answers without the network's code; a step of learning of the same perceptron is
    timed in both in turn. TensorFlow is run by `python`, a Python that has it, or by this one."""
    asked = python or (sys.executable if find_spec("tensorflow") else "")
    other: dict[str, Any] = {}
    us: dict[str, list[float]] = {"PyTorch": []}
    if asked:
        with tensorflow(asked) as ask:
            other, step = ask("facts"), torch_step()
            us |= {"TensorFlow, graph": [], "TensorFlow, eager": []}
            for _ in range(replicates):
                told = ask("time")
                us["PyTorch"].append(1e6 * least(step))
                us["TensorFlow, graph"].append(1e6 * told["graph"])
                us["TensorFlow, eager"].append(1e6 * told["eager"])
    seen, file, chosen = torch_seen(), torch_file(), torch_chooses()
    record, what = Record(), "time of a step, PyTorch / TensorFlow's graph"
    faster = Effect(what, NONE, NONE, NONE)
    if other:
        faster = ratio(what, us["TensorFlow, graph"], us["PyTorch"])
    record.effects(
        usage=so("TensorFlow waits for a graph", other, lambda o: not o["eager"]),
        training=so("it cannot learn without one", other, lambda o: not o["learns"]),
        hidden=so("it hides weights and outputs", other, lambda o: o["seen"] < 100),
        serving=so("only its files answer without code", other, lambda o: o["file"] and not file),
        faster=faster,
    )
    record.table("What was run", tried(other, seen, file, chosen), "row | PyTorch | TensorFlow")
    columns = f"row | PyTorch, as tabled | TensorFlow, as tabled | true on {TODAY} | source"
    record.table("What cannot be run here, or has a date", FACTS, columns)
    if other:
        bars = part("a step", torch.tensor(list(us.values())))
        record.bars("Time of a step of learning", "time of the processor (us)", us, bars)
    record.takes("TensorFlow: pip install tensorflow-cpu, also elsewhere, and --python PATH")
    return record.because(because(other, faster, seen))


def so(what: str, other: dict[str, Any], test: Any) -> Effect:
    """Whether it is so of TensorFlow (1: yes); not a number where none was run."""
    return exact(f"{what} (1: yes)", float(test(other)) if other else NONE)


def because(other: dict[str, Any], faster: Effect, seen: float) -> str:
    here = f"""
        PyTorch {torch.__version__.split("+")[0]} gives the outputs of {seen:.0f} % of its layers
        while it runs, chooses its way by the numbers that it meets, and also writes a static graph
        that answers without the network's code."""
    if not other:
        return f"""No TensorFlow is installed here, so half of the table was not run. {here} The
            second table has what is known of both today, with sources."""
    return f"""
        TensorFlow {other["version"]} runs operation by operation unless it is told otherwise,
        learns XOR in a plain Python loop, and gives {other["seen"]:.0f} % of weights and outputs as
        numbers meanwhile: rows 2 to 4 and the remark on weights are of TensorFlow 1. Inside a
        `tf.function` it is closed, as PyTorch's exported graph is to a probe. {here} A step of the
        same perceptron takes PyTorch {faster.value:.2f} times as long as TensorFlow's graph
        ({faster.low:.2f} to {faster.high:.2f}). For telephones TensorFlow wrote a small network as
        {other["mobile"]}; the other rows have dates and sources in the second table."""


def tried(
    other: dict[str, Any], seen: float, file: bool, chosen: bool
) -> list[tuple[str, str, str]]:
    """What was run, for readers."""

    def yes(found: Any) -> str:
        return ("no", "yes")[bool(found)] if other else "not run"

    share = f"{other['seen']:.0f} %" if other else "not run"
    return [
        ("2 operations run as they are called", ("no", "yes")[chosen], yes(other.get("eager"))),
        ("3 learns in a plain Python loop", "yes", yes(other.get("learns"))),
        ("4 weights and outputs seen while it runs", f"{seen:.0f} %", share),
        ("4 seen inside its static graph", "0 %", "not run" if not other else
         ("some", "0 %")[bool(other["closed"])]),
        ("5 a file answers without the code", ("no", "yes")[file], yes(other.get("file"))),
        ("6 a network for telephones", "needs ExecuTorch", str(other.get("mobile", "not run"))),
    ]  # fmt: skip


def torch_step() -> Any:
    """A step of learning, as its counterpart for TensorFlow has it."""
    net = nn.Sequential(nn.Linear(SIDE * SIDE, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10))
    x, t = torch.randn(BATCH, SIDE * SIDE), torch.arange(BATCH) % 10
    descent = torch.optim.SGD(net.parameters(), 0.01)

    def step() -> Tensor:
        loss = cross_entropy(net(x), t)
        descent.zero_grad()
        loss.backward()
        descent.step()
        return loss.detach()

    return step


def torch_seen() -> float:
    return layers_seen(MLP(64, [8, 8], 10).eval(), torch.randn(2, 1, 8, 8))


def torch_file() -> bool:
    """Whether a file answers as the network did, without the network's code."""
    net, x, file = MLP(64, [8], 10).eval(), torch.randn(2, 1, 8, 8), io.BytesIO()
    torch.export.save(torch.export.export(net, (x,)), file)
    file.seek(0)
    return torch.allclose(torch.export.load(file).module()(x), net(x), atol=1e-6)


def torch_chooses() -> bool:
    """Whether the way through a network may depend on its numbers."""
    up, down = torch.ones(1, 2), -torch.ones(1, 2)
    net = Chooses()
    return torch.equal(net(up), up.relu()) and torch.equal(net(down), down.sin())


@contextmanager
def tensorflow(python: str) -> Iterator[Any]:
    """A process of a Python that has TensorFlow, as a function of a question.

    Raises:
        UsageError: there is no such Python, or it has none.
    """
    program = Path(__file__).with_name("tensorflow_side.py")
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            [python, str(program)], stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )
    except OSError as error:
        raise UsageError(f"{python} cannot be run ({error.strerror}): name a Python.") from None

    def ask(question: str) -> Any:
        assert process.stdin
        assert process.stdout
        try:
            print(question, file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())
        except (ValueError, OSError):
            raise UsageError(
                f"{python} did not answer for TensorFlow: {last_line(process)} Install it there: "
                "pip install tensorflow-cpu"
            ) from None

    with process:
        try:
            yield ask
        finally:
            process.kill()


def last_line(process: "subprocess.Popen[str]") -> str:
    process.kill()
    assert process.stderr
    lines = process.stderr.read().strip().splitlines()
    return f"{lines[-1].rstrip('.')}." if lines else "It ended."
