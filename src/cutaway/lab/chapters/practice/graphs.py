"""One network in three variants: as it is, exported as a graph, and compiled."""

import io
import logging
import math
import os
from contextlib import redirect_stderr
from functools import partial
from shutil import which
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.arithmetic import own_code
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import part
from cutaway.lab.settings import Range, Replicates, Seed, Width
from cutaway.lab.tools.clock import in_turn
from cutaway.models.mlp import MLP
from cutaway.randomness import generator
from cutaway.see.probe import hooked


class Chooses(nn.Module):
    """A network whose path depends on the numbers in its input."""

    def forward(self, x: Float[Tensor, "b n"]) -> Float[Tensor, "b n"]:
        return x.relu() if x.sum() > 0 else x.sin()


def closed_and_faster(opened: Effect, closed: Effect, same: Effect, compiled: Effect) -> Verdict:
    """Holds if a probe sees every layer of the network as it is and none of the exported one, if
    the exported file answers the same without the network's code, and if the compiled one is faster
    (the ratio's interval above 1); with limits if all but the last is so, and it is slower (below
    1); does not hold if a probe sees layers of the exported one as well, or it answers otherwise;
    else undecided, as where nothing was compiled."""
    if opened.value < 100 or closed.value > 0 or not same.value:
        return Verdict.FAILS
    if compiled.low > 1:
        return Verdict.HOLDS
    return Verdict.LIMITED if compiled.high < 1 else Verdict.UNDECIDED


@claim(
    "8.3",
    says="Dynamic graphs can be opened while they run; static graphs run and deploy faster.",
    source="study notes, PyTorch and TensorFlow",
    rule=closed_and_faster,
    baseline="The network as it is, called from Python: a probe sees 100 % of its layers, and its "
    "time is the 1 of both ratios.",
    revised="first round: the clock counts the processor's time, each variant in turn. "
    "2026-11-29: an interval that holds 1 was called 'with limits', and is undecided now; at the "
    "unseen seeds 3 to 5: holds.",
    otherwise="A larger network, whose products take longer than the calls between them: there the "
    "three variants come near each other.",
    full={"replicates": 64},
)
def dynamic_and_static(
    width: Width = 32,
    depth: Annotated[int, Range(1, 100)] = 8,
    compiler: bool = True,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """A perceptron is probed, exported, written, read and, where there is a C++ compiler, compiled;
    the clock counts the processor's time for eight images, each variant in turn."""
    net = MLP(64, [width] * depth, 10, "gelu").eval()
    x = torch.randn(8, 1, 8, 8, generator=generator(seed, "8.3"))
    file = io.BytesIO()
    program = torch.export.export(net, (x,))
    torch.export.save(program, file)
    file.seek(0)
    loaded = torch.export.load(file).module()
    variants: dict[str, nn.Module] = {"as it is": net, "exported": loaded}
    if compiler and can_compile():
        variants["compiled"] = torch.compile(net)  # type: ignore[assignment]
    with torch.no_grad(), own_code():
        same = torch.allclose(loaded(x), net(x), atol=1e-6)
        seen = {name: layers_seen(one, x) for name, one in list(variants.items())[:2]}
        us = microseconds(variants, x, replicates)
    exported = ratio("time, as it is / exported", us["exported"], us["as it is"])
    compiled = Effect("time, as it is / compiled", math.nan, math.nan, math.nan)
    if "compiled" in us:
        compiled = ratio("time, as it is / compiled", us["compiled"], us["as it is"])
    refused = refuses(Chooses(), torch.randn(2, 4))
    record = Record()
    record.effects(
        opened=exact("layers that a probe sees, as it is", seen["as it is"], "%"),
        closed=exact("layers that a probe sees, exported", seen["exported"], "%"),
        same=exact("the file answers the same without the network's code (1: yes)", same),
        compiled=compiled,
        exported=exported,
    )
    rows = [(name, seen.get(name), t.mean()) for name, t in us.items()]
    record.table(
        "As it is, exported and compiled", rows, "network | layers seen (%) | eight images (us)"
    )
    parts = part("eight images", torch.stack(list(us.values())))
    record.bars("Time of an answer", "time of the processor (us)", us, parts)
    record.takes("a C++ compiler, such as g++, for PyTorch's compiler to use")
    last = "The compiler, which is what makes a static graph fast, was left out here."
    if "compiled" in us:
        last = f"Compiled, it was {compiled.value:.2f} times as fast."
    return record.because(f"""
        As it is, a probe sees the outputs of {seen["as it is"]:.0f} % of the layers while they
        run; of the exported graph {seen["exported"]:.0f} %: it is {len(program.graph.nodes)} nodes
        in a row, which can be read before it runs instead. A network whose path depends on its
        numbers was {"refused" if refused else "taken"} by the export. The exported file needs no
        code of the network, yet is not faster for being static: it took {1 / exported.value:.2f}
        times as long, being run node by node in Python. {last}
    """)


def can_compile() -> bool:
    """Whether there is a C++ compiler that PyTorch's compiler can use."""
    return any(map(which, (os.environ.get("CXX", "g++"), "clang++", "cl")))


def microseconds(
    variants: dict[str, nn.Module], x: Tensor, times: int
) -> dict[str, Float[Tensor, " t"]]:
    """Processor time of an answer of each variant, measured several times, the variants in turn."""
    calls = [partial(variant, x) for variant in variants.values()]
    in_turn(calls, 5)  # what is compiled is compiled at the first
    measured = 1e6 * torch.tensor([in_turn(calls, 40) for _ in range(times)])
    return dict(zip(variants, measured.T, strict=True))


def layers_seen(net: nn.Module, x: Tensor) -> float:
    """Share of layers whose outputs a probe sees (%)."""
    layers = {name: m for name, m in net.named_modules() if name and not list(m.children())}
    seen: set[str] = set()
    with hooked(layers, lambda name, module, y: seen.add(name)):
        net(x)
    return 100 * len(seen) / max(1, len(layers))


def refuses(net: nn.Module, x: Tensor) -> bool:
    """Whether the network cannot be exported."""
    logging.disable(logging.CRITICAL)  # a refusal is expected, and logged at length
    try:
        with redirect_stderr(io.StringIO()):  # it prints the graph as far as it came
            torch.export.export(net, (x,))
    except Exception:  # each version of the exporter has an error of its own
        return True
    finally:
        logging.disable(logging.NOTSET)
    return False
