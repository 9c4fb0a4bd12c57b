"""LeNet-5, AlexNet and those after them: nodes and weights, counted; LeNet-5's error."""

from itertools import pairwise
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from cutaway.data.sources import load
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, mean
from cutaway.lab.experiment import claim
from cutaway.lab.figures import Part, over
from cutaway.lab.settings import Batch, Range, Replicates, Seed
from cutaway.lab.tools.samples import Samples, batch_of, samples
from cutaway.models import build, find
from cutaway.see.probe import answers, resting

SIDE = 224
NODES = (290_400, 186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000)
"""AlexNet's, of its convolutions and dense layers."""
CONVOLUTION, DENSE, TIMES = 2e6, 65e6, 30
"""AlexNet's weights in convolutions and in dense layers, says the text, and their ratio."""
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
PAPER = 0.95
"""Its error on MNIST in per cent, LeCun et al. 1998, section III.B."""


def new(name: str, side: int = SIDE) -> nn.Module:
    """A network of the registry without numbers in it: for counting shapes alone."""
    channels, classes, _ = find(name).example
    with torch.device("meta"):
        return build(name, channels, classes, side)


def shapes(net: nn.Module, x: Float[Tensor, "b c h w"]) -> dict[str, tuple[int, ...]]:
    """Shape of each layer's output for one image, without the batch's axis."""
    return {name: tuple(y.shape[1:]) for name, y in answers(net, x).items()}


def weights(net: nn.Module) -> dict[str, int]:
    """Numbers that are learned, by kind of layer."""
    totals = {"convolution": 0, "dense": 0, "other": 0}
    for module in net.modules():
        kind = {nn.Conv2d: "convolution", nn.Linear: "dense"}.get(type(module), "other")
        totals[kind] += sum(p.numel() for p in module.parameters(recurse=False))
    return totals


def as_drawn(differ: Effect, error: Effect, images: Effect) -> Verdict:
    """Holds if every layer has the shape that is drawn and the error on MNIST is not above the 0.95
    % of 1998 (the interval begins there or lower) with all 60,000 images; does not hold if a shape
    differs; with fewer images than all the error decides nothing: undecided; else with limits."""
    if differ.value:
        return Verdict.FAILS
    if error.low <= PAPER:
        return Verdict.HOLDS
    return Verdict.UNDECIDED if images.value < 60_000 else Verdict.LIMITED


@claim(
    "6.1",
    says="LeNet-5's five layers C-P-C-P-C turn 28 x 28 pixels into 120 features, and two dense "
    "layers read digits from them; on MNIST it errs on 0.95 %.",
    source="textbook 4.3.3, figure 4-19; the error from LeCun et al. 1998, section III.B",
    rule=as_drawn,
    otherwise="All 60,000 images for some epochs: `--full` does that.",
    full={"images": 60_000, "epochs": 12, "tests": 10_000},
    needs=("mnist",),
)
def lenet(
    images: Annotated[int, Range(100, 60_000)] = 2000,
    tests: Annotated[int, Range(100, 10_000)] = 2000,
    epochs: Annotated[int, Range(1, 100)] = 3,
    rate: Annotated[float, Range(1e-6, 1)] = 0.003,
    batch: Batch = 50,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """The shape of every layer of `cutaway.models`' LeNet-5; then replicates learn images of MNIST
    (Adam, the rate falling to 0) and answer some of its own test images after each epoch."""
    built = shapes(build("lenet5", 1, 10, 28), torch.zeros(1, 1, 28, 28))
    layers = {"c1": "c1.u", "s2": "c1", "c3": "c3.u", "s4": "c3"}
    net = build("lenet5", 1, 10, 28)
    built |= {
        name: tuple(answers(net, torch.zeros(1, 1, 28, 28), [layer])[layer].shape[1:])
        for name, layer in layers.items()
    }
    differ = [name for name, shape in DRAWN.items() if built[name] != shape]
    learned, tested = samples(load("mnist"), seed, train=images, test=tests)
    nets = [build("lenet5", 1, 10, 28) for _ in range(replicates)]
    each = [read(net, learned, tested, seed, epochs, batch, rate) for net in nets]
    wrong = torch.stack(each, 1)
    error = mean("error on MNIST's test images", wrong[-1], "%")
    record = Record()
    record.effects(
        differ=exact("layers whose shape is not as drawn, of 7", len(differ)),
        error=error,
        images=exact("images that it learned from", len(learned)),
    )
    rows = [(name, spelled(shape), spelled(built[name])) for name, shape in DRAWN.items()]
    record.table("LeNet-5, layer by layer", rows, "layer | drawn | built")
    record.curves(
        "Error on MNIST",
        "epochs",
        "test error (%)",
        over(f"{len(learned)} images", range(1, epochs + 1), wrong),
        levels={PAPER: "LeCun et al. 1998, 60,000 images"},
    )
    record.takes(f"All 60,000 images instead of {len(learned)}: `cutaway prove 6.1 --full`.")
    return record.because(f"""
        {len(DRAWN) - len(differ)} of {len(DRAWN)} layers have the shape of the drawing, 28 x 28
        pixels becoming {built["c5"][0]} features. With {len(learned)} images and {epochs} epochs it
        errs on {error.value:.2f} % of the test images (interval {error.low:.2f} to
        {error.high:.2f}). The network of 1998 had tanh units and scaled means instead of ReLU and
        max pooling.
    """)


def read(
    net: nn.Module, data: Samples, tested: Samples, seed: int, epochs: int, batch: int, rate: float
) -> Float[Tensor, "epochs"]:
    """Learn digits; the error in per cent after each epoch."""
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
            wrong.append(100 * (y != tested.t).double().mean())
    return torch.stack(wrong)


def spelled(shape: tuple[int, ...]) -> str:
    """`6 of 28 x 28`, or `120`."""
    return f"{shape[0]} of {shape[1]} x {shape[2]}" if len(shape) > 1 else str(shape[0])


def counted(nodes: Effect, convolution: Effect, dense: Effect, times: Effect) -> Verdict:
    """Holds if all nodes are as printed and the three numbers of weights differ by less than 5 %
    from the text's; with limits if the nodes are and dense layers have ten times the weights of
    convolutions at least; else it does not hold."""
    if nodes.value or times.value < 10:
        return Verdict.FAILS
    said = ((convolution, CONVOLUTION / 1e6), (dense, DENSE / 1e6), (times, TIMES))
    near = all(abs(effect.value / value - 1) < 0.05 for effect, value in said)
    return Verdict.HOLDS if near else Verdict.LIMITED


@claim(
    "6.2",
    says="AlexNet has 290400-186624-64896-64896-43264-4096-4096-1000 nodes, 2 million weights in "
    "convolutions and 65 million in dense layers, 30 times as many.",
    source="textbook 4.4.1",
    rule=counted,
    otherwise="Nothing but another network: counts are exact.",
    doubt="Are they 2 million, 65 million and 30 to 1?",
)
def alexnet_counted() -> Evidence:
    """Nodes are counted from the shapes of the maps that a picture of 224 x 224 makes, weights
    layer by layer; without the two groups of 2012 too."""
    net = new("alexnet")
    maps = shapes(net, torch.empty(1, 3, SIDE, SIDE, device="meta"))
    layers = [name for name, m in net.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    nodes = [int(torch.tensor(maps[name]).prod()) for name in layers]
    of = {name: sum(p.numel() for p in net.get_submodule(name).parameters()) for name in layers}
    kinds = weights(net)
    convolution, dense = kinds["convolution"], kinds["dense"]
    convolutions = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    one = sum(m.weight.numel() * m.groups + m.out_channels for m in convolutions)
    said = (CONVOLUTION, DENSE, TIMES)
    differ = sum(a != b for a, b in zip(nodes, NODES, strict=True))
    record = Record()
    record.effects(
        nodes=exact("layers whose nodes are not as printed, of 8", differ),
        convolution=exact("weights in convolutions", convolution / 1e6, "million"),
        dense=exact("weights in dense layers", dense / 1e6, "million"),
        times=exact("dense to convolution", dense / convolution),
        one_group=exact("weights in convolutions without groups", one / 1e6, "million"),
    )
    rows = [
        (name, spelled(maps[name]), n, m, of[name])
        for name, n, m in zip(layers, nodes, NODES, strict=True)
    ]
    record.table(
        "AlexNet for 224 x 224 pixels", rows, "layer | maps and side | nodes | as printed | weights"
    )
    parts = Part("AlexNet", tuple(float(of[name]) for name in layers))
    record.bars("Weights of each layer", "weights", layers, parts, log=True)
    return record.because(f"""
        The nodes agree. The weights are {convolution:,} in convolutions and {dense:,} in dense
        layers, {dense / convolution:.1f} to 1, where the text has {said[0] / 1e6:g} and
        {said[1] / 1e6:g} million and {TIMES} to 1 (65 by 2 would be 32.5). 65 million is more than
        the whole network has ({(convolution + dense) / 1e6:.1f}). Without the two groups of 2012
        convolutions have {one / 1e6:.2f} million, and the ratio is {dense / one:.1f}. What the text
        concludes from it stands: nearly all weights are in the dense layers.
    """)


def spend_less(rises: Effect, last: Effect, most: Effect) -> Verdict:
    """Holds if from AlexNet on the share of weights in dense layers falls with each network, ends
    below a fifth, and none has more dense weights than AlexNet; with limits if a network has more
    and the share falls all the same; else it does not hold."""
    if rises.value or last.value >= 20:
        return Verdict.FAILS
    return Verdict.LIMITED if most.value > 1 else Verdict.HOLDS


@claim(
    "6.3",
    says="After AlexNet convolutional networks spend fewer of their weights on dense layers.",
    source="textbook 4.4.1 to 4.4.4",
    rule=spend_less,
    otherwise="Nothing but other networks: counts are exact.",
)
def later_networks() -> Evidence:
    """The weights of AlexNet, VGG-16, GoogLeNet (as it answers, without the heads that only
    training uses) and ResNet-50, by kind of layer."""
    names = {
        "AlexNet (2012)": "alexnet",
        "VGG-16 (2014)": "vgg16",
        "GoogLeNet (2014)": "googlenet",
        "ResNet-50 (2015)": "resnet50",
    }
    nets = {title: new(name) for title, name in names.items()}
    if isinstance(heads := getattr(nets["GoogLeNet (2014)"], "auxiliary", None), nn.ModuleList):
        del heads[:]
    kinds = {title: weights(net) for title, net in nets.items()}
    total = {title: sum(of.values()) for title, of in kinds.items()}
    shares = {title: 100 * of["dense"] / total[title] for title, of in kinds.items()}
    dense = [of["dense"] for of in kinds.values()]
    rises = sum(b > a for a, b in pairwise(shares.values()))
    titles = tuple(kinds)
    record = Record()
    record.effects(
        rises=exact("networks whose share is above that of the one before", rises),
        last=exact("share of the last", list(shares.values())[-1], "%"),
        most=exact("most dense weights of a later network, in AlexNets", max(dense[1:]) / dense[0]),
    )
    rows = [
        (title, total[title], of["convolution"], of["dense"], shares[title])
        for title, of in kinds.items()
    ]
    record.table(
        "Weights for 1000 classes", rows, "network | all | convolution | dense | dense (%)"
    )
    parts = [
        Part(kind, tuple(of[kind] / 1e6 for of in kinds.values()))
        for kind in ("convolution", "dense")
    ]
    record.bars("Weights in millions", "weights (million)", titles, *parts)
    each = ", ".join(f"{share:.1f} % are dense in {title}" for title, share in shares.items())
    return record.because(f"""
        Of the weights {each}. The share falls each time. But VGG-16 spends {dense[1] / 1e6:.0f}
        million on dense layers, {dense[1] / dense[0]:.1f} times as many as AlexNet: its share is
        lower only because it has more convolutions. What did away with dense layers is the mean
        over places before the output, in GoogLeNet and ResNet.
    """)
