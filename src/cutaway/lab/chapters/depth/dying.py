"""Units that answer 0 to everything, and whether they ever answer again."""

from collections.abc import Callable

import torch
from jaxtyping import Bool
from torch import Tensor

from cutaway.data.sources import load
from cutaway.errors import UsageError
from cutaway.lab.chapters.depth.learner import dense, descend, hidden, right
from cutaway.lab.chapters.depth.starts import Rates, many
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, exact, mean
from cutaway.lab.experiment import claim
from cutaway.lab.figures import SHARE, over
from cutaway.lab.settings import Batch, Depth, Replicates, Seed, Steps, Width
from cutaway.lab.tools.samples import Samples, samples
from cutaway.learn.fleet.stack import Stack

STARTS = ("xavier", "he")


def die(more: Effect, first_back: Effect, back: Effect) -> Verdict:
    """Holds if the largest rate leaves more units dead than the smallest (the interval above 5
    points) and of all that were ever dead less than 5 % live at the end (the whole interval); with
    limits if they die, none of the first layer comes back, and more than 5 % of all do; does not
    hold if large rates leave less than 5 points more dead, or a unit of the first layer comes
    back; else undecided."""
    if more.high < 5 or first_back.value:
        return Verdict.FAILS
    if more.low <= 5:
        return Verdict.UNDECIDED
    if back.high < 5:
        return Verdict.HOLDS
    return Verdict.LIMITED if back.low > 5 else Verdict.UNDECIDED


@claim(
    "4.3",
    says="ReLUs die: a unit that answers 0 gets no gradient, and does not come back.",
    source="study notes, ReLU: 'a neuron dies'",
    rule=die,
    baseline="The smallest rate, at which about as many units are dead as were drawn so; of a unit "
    "that is dead for good none lives at the end.",
    revised="29 November 2026: an interval that holds everything was 'does not hold', now "
    "undecided. Run with seeds 3 to 5.",
    otherwise="Momentum, which goes on moving a unit for some steps after its last gradient, "
    "weight decay, or an activation with a slope on both sides.",
    full={"replicates": 32, "steps": 4000, "width": 128},
)
def dead_units(
    depth: Depth = 4,
    width: Width = 32,
    rates: Rates = (0.03, 0.1, 0.3, 1.0),
    replicates: Replicates = 8,
    steps: Steps = 160,
    looks: Steps = 8,
    batch: Batch = 64,
    seed: Seed = 0,
) -> Evidence:
    """ReLU networks learn digits at many rates from two starts, without momentum or decay. Several
    times during training each unit is tested on every training image: it is dead if it answers 0 to
    all of them."""
    if steps < looks:
        raise UsageError(f"--steps ({steps}) must be at least --looks ({looks}).")
    learned, tested = samples(load("digits"), seed)
    rows, lines, last, back, first = [], [], {}, [], 0
    each = many(rates, replicates)
    for start in STARTS:
        widths = [64, *[width] * depth, 10]
        nets = Stack([dense(widths, "relu", start) for _ in range(len(rates) * replicates)])
        seen = [dead(nets, learned)]
        for look in range(looks):
            first_step = look * (steps // looks)
            descend(nets, learned, seed, steps // looks, batch, each, first=first_step)
            seen.append(dead(nets, learned))
        ever, end = torch.stack(seen).any(0), seen[-1]
        share = 100 * end.double().mean((1, 2)).view(len(rates), -1)
        lines.append(over(f"start of {start.title()}", rates, share, within=SHARE))
        last[start] = share
        revived = (ever & awake(nets, learned)).sum(2).double()
        first += int(revived[:, 0].sum())
        any_dead = ever.sum((1, 2))
        back += (100 * revived.sum(1) / any_dead.clamp(min=1))[any_dead > 0].tolist()
        answered = right(nets, tested).view(len(rates), -1).mean(1)
        per = (x.view(len(rates), -1).sum(1) for x in (ever.sum((1, 2)), revived.sum(1)))
        table = zip(rates, share.mean(1), *per, answered, strict=True)
        rows += [(start, *row) for row in table]
    what = "units dead at the end, largest rate minus smallest, start of He"
    more = difference(what, last["he"][0], last["he"][-1], "points")
    of = mean("of the units once dead, alive at the end, any layer", back, "%")
    record = Record()
    record.effects(more=more, first_back=exact("first-layer units that came back", first), back=of)
    columns = "start | rate | dead at the end (%) | ever dead | came back | accuracy (%)"
    record.table(f"{depth} hidden layers of {width} ReLUs, {steps} steps", rows, columns)
    record.curves("Dead units at the end", "learning rate", "units (%)", *lines, x_log=True)
    return record.because(f"""
        Large steps kill units: from He's start {last["he"][0].mean():.0f} % are dead at the
        smallest rate and {last["he"][-1].mean():.0f} % at the largest. What a dead unit of the
        first layer sees are the images, which do not change, so that {first} of them came back. A
        deeper unit sees what learns before it: counted over all layers, {of.value:.0f} % of the
        units that were dead at one evaluation lived again at the end. Their own weights had stood
        still, their inputs had moved.
    """)


def dead(nets: Stack, data: Samples) -> Bool[Tensor, "r layers units"]:
    """Of each unit, whether it answers 0 to every image."""
    return _asked(nets, data, lambda y: (y == 0).all(0))


def awake(nets: Stack, data: Samples) -> Bool[Tensor, "r layers units"]:
    """Of each unit, whether it answers more than 0 to an image; after divergence it is neither."""
    return _asked(nets, data, lambda y: (y > 0).any(0))


def _asked(
    nets: Stack, data: Samples, question: Callable[[Tensor], Tensor]
) -> Bool[Tensor, "r layers units"]:
    rows = [[question(y) for y in hidden(net, data.x).values()] for net in nets.networks]
    return torch.stack([torch.stack(layers) for layers in rows])
