"""LeNet-5: its layers as drawn, and its error on MNIST."""

import math
from typing import Annotated

import torch
from jaxtyping import Bool
from scipy.special import expit, logit, stdtrit  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from cutaway.data.sources import load
from cutaway.figures import Series
from cutaway.lab.chapters.architectures.counts import shapes, spelled
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, share_of
from cutaway.lab.experiment import claim
from cutaway.lab.settings import Batch, Range, Replicates, Seed
from cutaway.lab.tools.samples import Samples, batch_of, samples
from cutaway.models import build
from cutaway.see.probe import answers, resting

DRAWN = {
    "c1": (6, 28, 28),
    "s2": (6, 14, 14),
    "c3": (16, 10, 10),
    "s4": (16, 5, 5),
    "c5": (120,),
    "f6": (84,),
    "output": (10,),
}
"""LeNet-5's maps and nodes in figure 4-19."""
PAPER, MARGIN = 0.95, 0.2
"""Its error on MNIST in per cent, LeCun et al. 1998, section III.B; and what one network of 1998
leaves open: trained anew, such networks differ by 0.1 to 0.2."""
TESTS = 10_000
"""MNIST's test images, the same then and now."""


def as_drawn(differ: Effect, error: Effect, images: Effect) -> Verdict:
    """Holds if every layer has the shape that is drawn and the whole interval of the error on MNIST
    lies at or below 1.15 % (the 0.95 % of 1998, and 0.2 by which such networks differ);
    with limits if all 60,000 images were learned from and all of it lies above that but at or below
    1.9 (twice 0.95); does not hold if a shape differs, or if it lies above 1.9 with all images;
    else undecided."""
    if differ.value:
        return Verdict.FAILS
    if error.high <= PAPER + MARGIN:
        return Verdict.HOLDS
    if images.value < 60_000 or error.low <= PAPER + MARGIN:
        return Verdict.UNDECIDED
    if error.low > 2 * PAPER:
        return Verdict.FAILS
    return Verdict.LIMITED if error.high <= 2 * PAPER else Verdict.UNDECIDED


@claim(
    "6.1",
    says="LeNet-5's five layers C-P-C-P-C turn 28 x 28 pixels into 120 features, and two dense "
    "layers read digits from them; on MNIST it errs on 0.95 %.",
    source="textbook 4.3.3, figure 4-19; the error from LeCun et al. 1998, section III.B",
    rule=as_drawn,
    baseline="The 0.95 % of 1998. A constant answer errs on 89 to 91 % of the digits, a linear "
    "classifier on about 8 %.",
    otherwise="Fewer images: with 1000 of them it errs ten times as often and more.",
    evening={"images": 60_000, "tests": 10_000, "epochs": 8, "batch": 100, "replicates": 5},
    full={"images": 60_000, "tests": 10_000, "epochs": 20, "batch": 100, "replicates": 20},
    needs=("mnist",),
    revised="On 2026-11-29: the rule had asked that the interval begin at 0.95 % or lower, which "
    "the widest of intervals does. It now asks that all of it lie at or below 1.15 %; the interval "
    "counts the test images that are left out, too, and cannot leave 0 to 100 %. Run then with "
    "seeds 3, 4 and 5.",
    differs="Evening: it learns from as many images as the network of 1998.",
)
def lenet(
    images: Annotated[int, Range(100, 60_000)] = 1000,
    tests: Annotated[int, Range(100, 10_000)] = 1000,
    epochs: Annotated[int, Range(1, 100)] = 3,
    rate: Annotated[float, Range(1e-6, 1)] = 0.003,
    batch: Batch = 50,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """The shape of every layer of `cutaway.models`' LeNet-5; then replicates learn images of MNIST
    (Adam, the rate falling to 0) and answer some of its own test images after each epoch."""
    net, blank = build("lenet5", 1, 10, 28), torch.zeros(1, 1, 28, 28)
    layers = {"c1": "c1.u", "s2": "c1", "c3": "c3.u", "s4": "c3"}
    built = shapes(net, blank) | {
        name: tuple(answers(net, blank, [layer])[layer].shape[1:]) for name, layer in layers.items()
    }
    differ = [name for name, shape in DRAWN.items() if built[name] != shape]
    learned, tested = samples(load("mnist"), seed, train=images, test=tests)
    nets = [build("lenet5", 1, 10, 28) for _ in range(replicates)]
    wrong = torch.stack([read(net, learned, tested, seed, epochs, batch, rate) for net in nets], 1)
    errors = [error_of("error on MNIST's test images", one) for one in wrong]
    error = errors[-1]
    record = Record()
    record.effects(
        differ=exact("layers whose shape is not as drawn, of 7", len(differ)),
        error=error,
        images=exact("images that it learned from", len(learned)),
    )
    rows = [(name, spelled(shape), spelled(built[name])) for name, shape in DRAWN.items()]
    record.table("LeNet-5, layer by layer", rows, "layer | drawn | built")
    each = 100 * wrong[-1].double().mean(1)
    record.table("Error of each network", enumerate(each, 1), "network | test error (%)")
    y, low, high = zip(*((e.value, e.low, e.high) for e in errors), strict=True)
    series = Series(f"{len(learned)} images", tuple(range(1, epochs + 1)), y, low, high)
    levels = {PAPER: "LeCun et al. 1998, 60,000 images"}
    record.curves("Error on MNIST", "epochs", "test error (%)", series, levels=levels)
    record.takes(f"All 60,000 images instead of {len(learned)}: `cutaway prove 6.1 --evening`.")
    return record.because(f"""
        {len(DRAWN) - len(differ)} of {len(DRAWN)} layers have the shape of the drawing, 28 x 28
        pixels becoming {built["c5"][0]} features. With {len(learned)} images and {epochs} epochs it
        errs on {error.value:.2f} % of {len(tested)} test images (interval {error.low:.2f} to
        {error.high:.2f}, over networks and images). The network of 1998 had tanh units and scaled
        means instead of ReLU and max pooling.
    """)


def error_of(what: str, wrong: Bool[Tensor, "replicates images"], of: int = TESTS) -> Effect:
    """The error (%) on `of` images, some of which were answered; its interval is made on the scale
    of log odds.

    The variance of the mean p is that of the networks' means, s^2 / r, and that of the images'
    shares, s^2 / n (1 - n / of), which is 0 where all were answered. Divided by p (1 - p) its root
    is that of log (p / (1 - p)), whose interval never leaves 0 to 100 %. Student's t has
    Satterthwaite's degrees of freedom. Where nothing or all is wrong, Wilson's interval for as many
    images is taken.
    """
    r, n = wrong.shape
    p = wrong.double().mean().item()
    if p in (0, 1):
        return share_of(what, wrong[0])
    networks = wrong.double().mean(1).var().item() / r
    images = wrong.double().mean(0).var().item() / n * (1 - n / of)
    below = networks**2 / (r - 1) + images**2 / (n - 1)
    df = (networks + images) ** 2 / below if below else r - 1
    half = float(stdtrit(df, 0.975)) * math.sqrt(networks + images) / (p * (1 - p))
    low, high = (100 * float(expit(logit(p) + side * half)) for side in (-1, 1))
    return Effect(what, 100 * p, low, high, r, "%")


def read(
    net: nn.Module, data: Samples, tested: Samples, seed: int, epochs: int, batch: int, rate: float
) -> Bool[Tensor, "epochs images"]:
    """Learn digits; whether each test image was answered wrongly after each epoch."""
    steps, wrong = len(data) // batch, []
    optimizer = torch.optim.Adam(net.parameters(), rate)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, steps * epochs)
    for step in range(steps * epochs):
        index = batch_of(seed, step, len(data), batch)
        optimizer.zero_grad()
        cross_entropy(net(data.x[index]), data.t[index]).backward()
        optimizer.step()
        falling.step()
        if (step + 1) % steps == 0:
            with torch.no_grad(), resting(net):
                y = torch.cat([net(x).argmax(1) for x in tested.x.split(1000)])
            wrong.append(y != tested.t)
    return torch.stack(wrong)
