"""Weights of eight bits."""

import copy
from functools import partial
from typing import Annotated

import torch
from jaxtyping import Float
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import linear

from cutaway.data.sources import load
from cutaway.lab.chapters.practice.attacks import taught
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, exact, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import over, part
from cutaway.lab.settings import Range, Replicates, Seed, Steps
from cutaway.lab.tools.clock import in_turn
from cutaway.lab.tools.samples import samples
from cutaway.models.mlp import MLP


class Few(nn.Module):
    """A dense layer whose weights are whole numbers of -m to m with a scale for each row,
    m = 2^(bits - 1) - 1; multiplied back at each call."""

    q: Tensor
    scale: Tensor
    bias: Tensor

    def __init__(self, layer: nn.Linear, bits: int = 8):
        super().__init__()
        most = 2 ** (bits - 1) - 1
        w = layer.weight.detach()
        scale = w.abs().amax(1, keepdim=True).clamp(min=1e-12) / most
        self.register_buffer("q", (w / scale).round().to(torch.int8))
        self.register_buffer("scale", scale)
        self.register_buffer("bias", layer.bias.detach())

    def forward(self, x: Float[Tensor, "b n"]) -> Float[Tensor, "b m"]:
        return linear(x, self.q.float() * self.scale, self.bias)


def alone(net: nn.Module, widths: list[int]) -> MLP:
    """A network out of its stack, whose weights lie in memory as a layer's own do."""
    copied = MLP(64, widths, 10)
    copied.load_state_dict(net.state_dict())
    return copied


def quantised(net: MLP, bits: int = 8) -> MLP:
    """The same network with `Few` in place of its dense layers."""
    small = copy.deepcopy(net)
    for name, layer in list(small.named_modules()):
        if isinstance(layer, nn.Linear):
            small.set_submodule(name, Few(layer, bits))
    return small


def size_of(net: nn.Module) -> int:
    """Bytes of its file of weights."""
    return len(save({k: v.contiguous() for k, v in net.state_dict().items()}))


def smaller(size: Effect, lost: Effect, faster: Effect) -> Verdict:
    """Holds if the file is less than 0.3 of what it was, less than a point of accuracy is lost
    (the interval's upper end) and an answer takes less time (the ratio's interval above 1); with
    limits if it is smaller and as good, but not faster; does not hold if it is not smaller, or
    more than a point is lost (lower end); else undecided."""
    if size.value >= 0.3 or lost.low > 1:
        return Verdict.FAILS
    if lost.high >= 1:
        return Verdict.UNDECIDED
    return Verdict.HOLDS if faster.low > 1 else Verdict.LIMITED


@claim(
    "8.2",
    says="Weights of eight bits instead of 32 take a quarter of the space, are faster and lose "
    "little accuracy.",
    source="statistics lecture, week 4, quantisation",
    rule=smaller,
    otherwise="A runtime with kernels that multiply eight-bit numbers, on a processor with "
    "instructions for it: PyTorch itself has no public one for processors.",
    full={"replicates": 32, "width": 1024, "steps": 600},
)
def eight_bits(
    width: Annotated[int, Range(8, 8192)] = 256,
    steps: Steps = 150,
    bits: tuple[Annotated[int, Range(2, 8)], ...] = (2, 3, 4, 6, 8),
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """Networks learn digits; their weights are then rounded to whole numbers with one scale for
    each row. The file's bytes are counted, and test accuracy and the processor's time are taken for
    one image and for 256, where the rounded weights are multiplied back at each call."""
    learned, tested = samples(load("digits"), seed)
    widths = [width, width]
    nets = [alone(net, widths) for net in taught(learned, widths, replicates, steps, seed).networks]
    few = {b: [quantised(net, b) for net in nets] for b in bits}
    right = torch.tensor([accuracy(net, tested.x, tested.t) for net in nets])
    after = torch.tensor([[accuracy(net, tested.x, tested.t) for net in few[b]] for b in bits])
    most = max(bits)
    pairs = list(zip(nets, few[most], strict=True))
    seconds = torch.stack(
        [torch.tensor([answered(pair, tested.x[:b]) for pair in pairs]).T for b in (1, 256)]
    )
    before, now = size_of(nets[0]), size_of(few[most][0])
    faster = ratio(f"time, 32 bits / {most} bits, one image", seconds[0, 1], seconds[0, 0])
    lost = difference("accuracy lost", after[-1], right, "points")
    record = Record()
    record.effects(
        size=exact("size of the file, of what it was", now / before),
        lost=lost,
        faster=faster,
        many=ratio("the same, 256 images at once", seconds[1, 1], seconds[1, 0]),
    )
    rows = [
        ("32 bits", before / 1000, right.mean(), *means(seconds[:, 0])),
        (f"{most} bits", now / 1000, after[-1].mean(), *means(seconds[:, 1])),
    ]
    columns = "weights | file (kB) | accuracy (%) | one image (us) | 256 images (us)"
    record.table("32 bits and fewer", rows, columns)
    axes = "bits of a weight", "test accuracy (%)"
    series = over("rounded", bits, after)
    record.curves("Accuracy by bits", *axes, series, levels={right.mean().item(): "32 bits"})
    title = "Time of an answer"
    parts = [part("32 bits", seconds[:, 0]), part(f"{max(bits)} bits", seconds[:, 1])]
    record.bars(title, "time of the processor (us)", ("one image", "256 images"), *parts, log=True)
    each = ", ".join(f"{a:.1f} % with {b}" for b, a in zip(bits, after.mean(1), strict=True))
    return record.because(f"""
        The file shrinks from {before / 1000:.0f} to {now / 1000:.0f} kB, to {now / before:.3f} of
        it, the scales and biases being left as they were; accuracy falls by {lost.value:.2f} points
        ({lost.low:.2f} to {lost.high:.2f}). Faster it is not by itself: where weights are turned
        back into 32 bits to be multiplied, one image takes {1 / faster.value:.1f} times as long as
        before. Memory is saved, and time only where the processor is given eight-bit numbers to
        multiply, which PyTorch does not offer for processors without a further runtime. Accuracy by
        bits: {each}.
    """)


@torch.no_grad()
def accuracy(net: MLP, x: Float[Tensor, "n c h w"], t: Tensor) -> float:
    """Right answers (%)."""
    return 100 * (net(x).argmax(1) == t).float().mean().item()


@torch.no_grad()
def answered(nets: tuple[MLP, MLP], x: Float[Tensor, "n c h w"]) -> list[float]:
    """Microseconds of an answer of each, taken in turn."""
    return [1e6 * s for s in in_turn([partial(net, x) for net in nets], 100)]


def means(seconds: Float[Tensor, "b r"]) -> tuple[float, ...]:
    return tuple(seconds.mean(1).tolist())
