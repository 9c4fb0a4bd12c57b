"""A few pixels that change the answer."""

from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cross_entropy

from cutaway.data.sources import load
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, mean
from cutaway.lab.experiment import claim
from cutaway.lab.figures import over
from cutaway.lab.settings import Range, Replicates, Seed, Steps, Width
from cutaway.lab.tools.learning import minimise
from cutaway.lab.tools.samples import Samples, batch_of, samples
from cutaway.learn.fleet.stack import Stack
from cutaway.models.mlp import MLP
from cutaway.randomness import generator
from cutaway.see.attack import few_pixels


def taught(learned: Samples, widths: list[int], replicates: int, steps: int, seed: int) -> Stack:
    """Perceptrons that have learned with Adam in batches of 64."""
    nets = Stack([MLP(learned.x[0].numel(), widths, 10) for _ in range(replicates)])

    def losses(step: int) -> Tensor:
        i = batch_of(seed, step, len(learned), 64)
        return torch.stack([cross_entropy(s, learned.t[i]) for s in nets(learned.x[i])])

    minimise(losses, torch.optim.Adam(nets.parameters(), 0.01), steps)
    return nets


def turns(turned: Effect, chance: Effect) -> Verdict:
    """Holds if three chosen pixels change more than half of the right answers and three random ones
    less than a tenth (whole intervals); with limits if the chosen ones change more than a tenth,
    and more than the random ones; does not hold if they change less than a tenth (upper end); else
    undecided."""
    if turned.high < 10:
        return Verdict.FAILS
    if turned.low > 50 and chance.high < 10:
        return Verdict.HOLDS
    return Verdict.LIMITED if turned.low > max(10, chance.high) else Verdict.UNDECIDED


@claim(
    "8.1",
    says="A few changed pixels change the answer.",
    source="MIT lecture 6.034, neural networks; Su et al. 2019",
    rule=turns,
    otherwise="Networks that have learned from attacked images, or larger images of which three "
    "pixels are a smaller part.",
    full={"replicates": 16, "count": 400, "pixels": 8},
)
def few_changed_pixels(
    pixels: Annotated[int, Range(3, 64)] = 4,
    count: Annotated[int, Range(4, 10_000)] = 40,
    width: Width = 64,
    steps: Steps = 200,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """Networks learn digits of 64 pixels; then in test images that each classifies rightly one
    pixel after the other is set to black or white, the one that hurts most, or a random one."""
    learned, tested = samples(load("digits"), seed)
    nets = taught(learned, [width], replicates, steps, seed)
    low, high = learned.x.min().item(), learned.x.max().item()
    chosen, random = torch.zeros(pixels + 1, replicates), torch.zeros(pixels + 1, replicates)
    right = 100 * (nets(tested.x).argmax(-1) == tested.t).float().mean(1)
    shown: list[tuple[Tensor, list[str]]] = []
    for k, net in enumerate(nets.networks):
        known = (net(tested.x).argmax(1) == tested.t).nonzero()[:count, 0]
        x, t = tested.x[known], tested.t[known]
        worst, any_ = x, x
        order = torch.rand(len(x), 64, generator=generator(seed, "8.1", k)).argsort(1)
        for i in range(1, pixels + 1):
            worst = few_pixels(net, worst, t, 1, low, high)
            any_ = set_at_random(any_, order[:, i], low, high, generator(seed, "8.1", k, i))
            for turned, attacked in ((chosen, worst), (random, any_)):
                turned[i, k] = 100 * (net(attacked).argmax(1) != t).float().mean()
            if i == 3 and k == 0:
                shown = pictured(net, x, worst, t, low, high)
    three = chosen[3].mean().item()
    record = Record()
    record.effects(
        turned=mean("right answers changed by three chosen pixels", chosen[3], "%"),
        chance=mean("right answers changed by three random ones", random[3], "%"),
        right=mean("test accuracy", right, "%"),
    )
    rows = [(i, 100 * i / 64, chosen[i].mean(), random[i].mean()) for i in range(pixels + 1)]
    record.table("Right answers changed", rows, "pixels set | of all (%) | chosen (%) | random (%)")
    series = [
        over("the worst pixels", range(pixels + 1), chosen),
        over("random pixels", range(pixels + 1), random),
    ]
    record.curves("Right answers changed", "pixels set", "right answers changed (%)", *series)
    names = [name for one in shown for name in one[1]]
    pictures = torch.cat([one[0] for one in shown])
    record.images("Before and after three pixels", pictures, names, columns=4)
    return record.because(f"""
        Networks with a test accuracy of {right.mean():.1f} % change {three:.0f} % of their right
        answers after three well chosen pixels of 64 and {chosen[1].mean():.0f} % after one; three
        random ones change {random[3].mean():.1f} %. A network is not fragile in every direction,
        but there is a direction in which it is, and whoever has the network finds it.
    """)


def set_at_random(
    x: Float[Tensor, "b 1 h w"],
    place: Float[Tensor, " b"] | Tensor,
    low: float,
    high: float,
    g: torch.Generator,
) -> Float[Tensor, "b 1 h w"]:
    """One pixel of each image black or white."""
    changed = x.flatten(1).clone()
    ends = torch.where(torch.rand(len(x), generator=g) < 0.5, low, high)
    changed[torch.arange(len(x)), place] = ends
    return changed.view_as(x)


def pictured(
    net: torch.nn.Module,
    x: Float[Tensor, "b 1 h w"],
    attacked: Float[Tensor, "b 1 h w"],
    t: Tensor,
    low: float,
    high: float,
) -> list[tuple[Float[Tensor, "2 h w"], list[str]]]:
    """Four images that were turned, before and after, with the answers."""
    answers = net(attacked).argmax(1)
    return [
        (
            (torch.stack([x[i, 0], attacked[i, 0]]) - low) / (high - low),
            [str(t[i].item()), f"now {answers[i].item()}"],
        )
        for i in (answers != t).nonzero()[:4, 0].tolist()
    ]
