"""The gain from a code learned without labels where labels are few."""

from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway import models
from cutaway.lab.chapters.generation.players import inked
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import over
from cutaway.lab.settings import Range, Replicates, Seed, Steps
from cutaway.lab.tools.learning import accuracy, classify, minimise
from cutaway.lab.tools.samples import Samples, batch_of
from cutaway.learn.fleet.stack import Stack

Sizes = tuple[Annotated[int, Range(10, 60_000)], ...]
BATCH = 64
EVERY = 10
"""Steps between two evaluations on the test digits."""
VARIANTS = {
    "pretrained, frozen": (True, False),
    "as drawn, frozen": (False, False),
    "all learned": (False, True),
}
"""Whether the code learns without labels before, and along with the softmax."""


def pays(better: Effect, sooner: Effect, counted: Effect) -> Verdict:
    """Holds if with the fewest labels the pretrained, frozen code is ahead in accuracy (interval
    above 0) and reaches what learning everything ends with at less computation, pretraining counted
    (interval of the ratio below 1); with limits if it is ahead, or takes less computation only when
    pretraining is not counted; does not hold if it cannot be ahead by a point (the interval ends
    below 1) and takes more computation even so (above 1); else undecided."""
    if better.low > 0 and counted.high < 1:
        return Verdict.HOLDS
    if better.low > 0 or sooner.high < 1:
        return Verdict.LIMITED
    return Verdict.FAILS if better.high < 1 and sooner.low > 1 else Verdict.UNDECIDED


@claim(
    "7.2",
    says="An autoencoder's layers, frozen, with a softmax learned on top of them, are better and "
    "faster than learning all from the labels, where labels are few.",
    source="MIT 6.034 lecture, pre-training and fine-tuning",
    rule=pays,
    otherwise="Many more pictures without labels than with, of more kinds than digits.",
    full={"replicates": 32, "pretraining": 5000, "labels": (20, 50, 200, 1400)},
)
def pretrained_code(
    labels: Sizes = (20, 100),
    code: Annotated[int, Range(2, 64)] = 32,
    pretraining: Steps = 600,
    steps: Steps = 200,
    replicates: Replicates = 10,
    seed: Seed = 0,
) -> Evidence:
    """One network in three variants: its code learned without labels and then frozen, frozen as it
    was drawn, or learned with the labels along with the softmax."""
    learned, tested = inked(seed)
    curves = {}
    for name, (before, whole) in VARIANTS.items():
        for n in labels:
            nets = _begun(code, replicates, seed)
            if before:
                _reconstruct(nets, learned.x, pretraining, seed)
            curves[name, n] = _name(nets, whole, learned.first(n), tested, steps, seed)
    right, few = {key: curve[-1] for key, curve in curves.items()}, min(labels)
    pair = right["all learned", few], right["pretrained, frozen", few]
    better = difference(f"pretrained minus all learned, {few} labels", *pair, "points")
    times, cost = _costs(curves, few, code, pretraining)
    means = {key: y.mean().item() for key, y in right.items()}
    record = Record()
    record.effects(better=better, sooner=cost[0], counted=cost[1])
    rows = [(name, *(means[name, n] for n in labels)) for name in VARIANTS]
    record.table("Test accuracy (%), means", rows, ("code", *(f"{n} labels" for n in labels)))
    series = [over(name, _steps(curves[name, few]), curves[name, few]) for name in VARIANTS]
    record.curves(f"With {few} labels", "steps", "test accuracy (%)", *series)
    return record.because(f"""
        With {few} labels the test accuracy is {means["pretrained, frozen", few]:.1f} % with the
        frozen code, {means["all learned", few]:.1f} % for the network that learns all, and with a
        random code {means["as drawn, frozen", few]:.1f} %: reconstruction teaches a code what is
        worth knowing, and the few labels alone teach nearly as much. To the accuracy that learning
        all ends with the frozen code takes {times:.1f} times as many steps, but {cost[0].value:.2f}
        times the multiplications where each digit's code is computed once. With the {pretraining}
        steps of reconstruction it is {cost[1].value:.0f} times: pretraining is cheap only where it
        has been done already.
    """)


def _begun(code: int, replicates: int, seed: int) -> Stack:
    """The same starts for each variant."""
    torch.manual_seed(seed)
    options = {"bottleneck": code}
    return Stack(
        [models.build("autoencoder_softmax", 1, 10, 8, options) for _ in range(replicates)]
    )


def _costs(
    curves: dict[tuple[str, int], Tensor], few: int, code: int, pretraining: int
) -> tuple[float, list[Effect]]:
    """Steps of the frozen code to the accuracy that learning all ends with, to steps of the latter;
    the same in multiplications, without pretraining and with it."""
    whole, frozen = curves["all learned", few], curves["pretrained, frozen", few]
    last, first = (_looks_until(curve, whole[-1]) for curve in (whole, frozen))
    alone, together, before = _work(code, few)
    said = "computation to the same accuracy, pretrained to all learned"
    return first.mean() / last.mean(), [
        ratio(said, last * together, first * alone),
        ratio(
            f"{said}, pretraining counted",
            last * together,
            first * alone + pretraining * before / EVERY,
        ),
    ]


def _steps(curve: Float[Tensor, "looks r"]) -> list[int]:
    return [EVERY * (i + 1) for i in range(len(curve))]


def _looks_until(
    curve: Float[Tensor, "looks r"], goal: Float[Tensor, "r"]
) -> Float[np.ndarray, "r"]:
    """Number of evaluations until the goal is reached; all of them where it never is."""
    reached = curve >= goal
    first = reached.double().argmax(0) + 1
    return torch.where(reached.any(0), first, len(curve)).double().numpy()


def _work(code: int, labels: int) -> tuple[float, float, float]:
    """Multiplications a step: softmax alone on kept codes, all learned, and reconstruction.

    A layer costs its weights once forwards, once for their gradient, and once more for that of its
    input where a layer below learns.
    """
    coder, last, n = 64 * code, code * 10, min(labels, 32)
    return n * 2 * last, n * (2 * coder + 3 * last), BATCH * (2 * coder + 3 * coder)


def _reconstruct(nets: Stack, x: Float[Tensor, "n 1 h w"], steps: int, seed: int) -> None:
    """Encoder and decoder learn x without labels."""
    parts = Stack([_Pair(net) for net in nets.networks])

    def losses(step: int) -> Tensor:
        batch = x[batch_of(seed, step, len(x), BATCH)]
        return (parts(batch) - batch).square().flatten(1).mean(1)

    minimise(losses, torch.optim.Adam(parts.parameters(), 3e-3), steps)
    for name, value in parts.weights.items():
        nets.weights[name.removeprefix("net.")].data.copy_(value.data)


class _Pair(nn.Module):
    """An autoencoder's reconstruction as its answer."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        return self.net.reconstruct(x)  # type: ignore[operator]


def _name(
    nets: Stack, whole: bool, learned: Samples, tested: Samples, steps: int, seed: int
) -> Float[Tensor, "looks r"]:
    """Test accuracy (%) every few steps while the softmax, or `whole` network, learns."""
    weights = nets.weights.items()
    free = [w for name, w in weights if name.startswith("output")]
    free += [w for name, w in weights if whole and name.startswith("encoder")]
    looks = []

    @torch.no_grad()
    def look() -> Float[Tensor, "r"]:
        return accuracy(nets(tested.x), tested.t)

    def batch(step: int) -> tuple[Tensor, Tensor]:
        if step % EVERY == 0 and step:
            looks.append(look())
        return learned.batch(seed, step, 32)

    classify(nets, batch, torch.optim.Adam(free, 0.01), steps)
    return torch.stack([*looks, look()])
