"""Whether it is the zero centre that makes tanh learn better than the sigmoid."""

from itertools import pairwise
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.lab.chapters.depth.learner import Images
from cutaway.lab.chapters.depth.starts import Rates, many
from cutaway.lab.chapters.depth.tickets import Data, Part
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, mean, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import part
from cutaway.lab.settings import Batch, Depth, Range, Replicates, Seed, Steps, Width
from cutaway.lab.tools.learning import accuracy, log_losses, minimise
from cutaway.lab.tools.samples import batch_of
from cutaway.learn.fleet.stack import Stack
from cutaway.models.parts.initialisers import initialise


class Curve(nn.Module):
    """h tanh(k a) + c: the sigmoid is that of 1/2, 1/2 and 1/2."""

    def __init__(self, h: float, k: float, c: float):
        super().__init__()
        self.h, self.k, self.c = h, k, c

    def forward(self, a: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return self.h * torch.tanh(self.k * a) + self.c


CURVES = {
    "sigmoid": (0.5, 0.5, 0.5),
    "sigmoid - 1/2": (0.5, 0.5, 0.0),
    "2 sigmoid - 1": (1.0, 0.5, 0.0),
    "tanh + 1/2": (1.0, 1.0, 0.5),
    "tanh": (1.0, 1.0, 0.0),
}
SAME = "sigmoid, begun as - 1/2"
"""The sigmoid with biases that take the 1/2 back at the start."""


def network(name: str, widths: list[int]) -> nn.Sequential:
    """Dense layers with one of the curves, from Xavier's start."""
    h, k, c = CURVES["sigmoid" if name == SAME else name]
    net = nn.Sequential(nn.Flatten())
    for n_in, n_out in pairwise(widths[:-1]):
        net.extend([nn.Linear(n_in, n_out), Curve(h, k, c)])
    net.append(nn.Linear(widths[-2], widths[-1]))
    initialise(net, "xavier")
    if name == SAME:
        with torch.no_grad():
            for layer in [m for m in net if isinstance(m, nn.Linear)][1:]:
                layer.bias.sub_(c * layer.weight.sum(1))
    return net


def centred(learns: Effect, whole: Effect, at_quarter: Effect, at_one: Effect) -> Verdict:
    """Undecided where nothing learns: the tanh network must pass an accuracy of 50 %. Holds if the
    loss of tanh is below the sigmoid's (interval of the ratio below 1), and moving the curve to 0
    takes a tenth of the loss or more, at a slope of a quarter and at a slope of 1 (intervals below
    0.9); with limits if tanh is below the sigmoid and the centre helps so at one slope, and at the
    other it is not seen to and takes less than three tenths; does not hold if tanh is above, or the
    centre is so at both slopes; else undecided."""
    centre = at_quarter, at_one
    helps, idle = [e.high < 0.9 for e in centre], [e.low > 0.7 and e.high >= 0.9 for e in centre]
    if learns.low <= 50:
        return Verdict.UNDECIDED
    if whole.low > 1 or all(idle):
        return Verdict.FAILS
    if whole.high >= 1:
        return Verdict.UNDECIDED
    if all(helps):
        return Verdict.HOLDS
    return Verdict.LIMITED if any(helps) and any(idle) else Verdict.UNDECIDED


@claim(
    "4.15",
    says="Tanh learns somewhat better than the sigmoid, because its centre is 0.",
    source="study notes, tanh",
    rule=centred,
    otherwise="One hidden layer, where all of them learn alike (`--depth 1`); or normalisation "
    "between the layers.",
    baseline="The same curve shifted to a mean of 1/2, at its own best rate. A constant answer has "
    "a log-loss of 2.3.",
    evening={"data": "mnist", "images": 4000, "replicates": 24, "tuning": 8},
    full={"data": "mnist", "images": 30_000, "replicates": 32, "steps": 2000, "width": 128,
          "rates": (0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)},
    revised="29 November 2026: the first seed was undecided with eight replicates and with twenty, "
    "when a gain of a tenth had to be ruled out; now three tenths have to be. With it seed 0 holds "
    "with limits and seed 3, new to it, holds: the gain of the centre at a slope of 1 is near "
    "what 20 replicates can tell, so the evening had 96. 30 November 2026: with these seeds 0 and "
    "1 held and seed 2 did with limits, as all replicates of a seed shared one division of 1,797 "
    "digits. Now each has its own, the evening takes MNIST, and a gain counts from a tenth of the "
    "loss on: one of three hundredths, which enough replicates would show, is no reason why tanh "
    "is better. Tried at seeds 5 and 6: with limits.",
    differs="The evening's, whose images to learn from and to judge by are many times more.",
    doubt="Is it the centre, or the slope, which is 1 and not a quarter?",
)  # fmt: skip
def zero_centre(
    data: Literal["digits", "mnist"] = "digits",
    images: Images = 1000,
    depth: Depth = 3,
    width: Width = 32,
    rates: Rates = (0.5, 1.0, 2.0, 4.0),
    tuning: Annotated[int, Range(1, 1000)] = 2,
    replicates: Replicates = 20,
    steps: Steps = 200,
    batch: Batch = 64,
    seed: Seed = 0,
) -> Evidence:
    """Networks of each curve learn digits (at evening those of MNIST) at several rates; the rate
    with the least loss on images held out is taken, and others learn at it, each on a division of
    its own. A sigmoid about 0 has the same slope; a tanh about 1/2 has that of tanh."""
    drawn = Data.drawn(data, images, images // 5, replicates, seed)
    widths = [drawn.learned.x.shape[2], *[width] * depth, 10]
    overlap = len(drawn.tested.t[0]) / images if data == "digits" else 0.0
    loss, accuracies, rows = {}, {}, []
    for name in (*CURVES, SAME):
        rate = best_rate(name, widths, drawn, rates, min(tuning, replicates), seed, steps, batch)
        rates_of = torch.full((replicates,), rate)
        nets = taught(name, widths, drawn.learned, rates_of, seed, steps, batch)
        loss[name], accuracies[name] = judged(nets, drawn.tested)
        h, k, c = CURVES.get(name, CURVES["sigmoid"])
        rows.append((name, h * k, c, rate, loss[name].mean(), accuracies[name].mean()))

    def beside(a: str, b: str) -> Effect:
        return ratio(f"test loss, {b} / {a}", loss[a], loss[b], overlap=overlap)

    slope = beside("sigmoid - 1/2", "tanh")
    whole, at_quarter = beside("sigmoid", "tanh"), beside("sigmoid", "sigmoid - 1/2")
    at_one, start = beside("tanh + 1/2", "tanh"), beside("sigmoid", SAME)
    record = Record()
    record.effects(
        learns=mean("accuracy, tanh", accuracies["tanh"], "%"),
        whole=whole,
        at_quarter=at_quarter,
        at_one=at_one,
        slope=slope,
    )
    columns = "curve | slope at 0 | mean | best rate | test loss | accuracy (%)"
    record.table(f"{depth} hidden layers of {width}, {steps} steps", rows, columns)
    bars = part("test loss", torch.stack([*loss.values()]))
    record.bars("Log-loss on new digits", "log-loss", loss, bars, log=True)
    return record.because(f"""
        Each at its best rate, the test loss of tanh is {whole.value:.2f} times that of the sigmoid.
        At the sigmoid's slope of a quarter, moving the curve to 0 and nothing else multiplies the
        loss by {at_quarter.value:.2f} (of this, biases that take the 1/2 back at the start alone
        give {start.value:.2f}). At a slope of 1 the centre multiplies it by {at_one.value:.2f}
        ({at_one.low:.2f} to {at_one.high:.2f}). Between the two curves about 0 the steeper has
        {slope.value:.2f} times the loss. So the slope matters, and the centre where the slope is
        small.
    """)


def taught(
    name: str, widths: list[int], data: Part, rates: Float[Tensor, "r"], seed: int, steps: int,
    batch: int,
) -> Stack:  # fmt: skip
    """A network for each replicate's images, after SGD at its rate."""
    nets = Stack([network(name, widths) for _ in rates])

    def losses(step: int) -> Tensor:
        index = batch_of(seed, step, data.x.shape[1], batch)
        return rates * log_losses(nets(data.x[:, index], apart=True), data.t[:, index])

    minimise(losses, torch.optim.SGD(nets.parameters(), 1.0), steps)
    return nets


@torch.no_grad()
def judged(nets: Stack, data: Part) -> tuple[Float[Tensor, "r"], Float[Tensor, "r"]]:
    """The log-loss and the accuracy (%) of each network on its replicate's images."""
    s = nets(data.x, apart=True)
    return log_losses(s.double(), data.t), accuracy(s, data.t)


def best_rate(
    name: str, widths: list[int], data: Data, rates: Rates, tuning: int, seed: int, steps: int,
    batch: int,
) -> float:  # fmt: skip
    """The rate with the least loss on held out images, of the first replicates; one that diverged
    is none."""
    learned, held = (
        Part(some.x[:tuning].repeat(len(rates), 1, 1), some.t[:tuning].repeat(len(rates), 1))
        for some in (data.learned, data.held)
    )
    nets = taught(name, widths, learned, many(rates, tuning), seed, steps, batch)
    loss, _ = judged(nets, held)
    return rates[int(loss.nan_to_num(torch.inf).view(len(rates), -1).mean(1).argmin())]
