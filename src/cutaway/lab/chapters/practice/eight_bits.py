"""Weights of eight bits."""

import copy
import warnings
from functools import partial
from typing import Annotated

import torch
from jaxtyping import Float
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import linear

from cutaway.data.sources import load
from cutaway.lab.chapters.practice.attacks import taught
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, exact, mean, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import SHARE, over
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


def with_kernels(net: MLP) -> nn.Module | None:
    """The same network in whole numbers of eight bits, weights rounded by row and inputs as they
    come, multiplied as whole numbers; None where this PyTorch has no kernels for it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch will take them out, for another package
        try:
            from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

            found: nn.Module = quantize_dynamic(net, {nn.Linear: per_channel_dynamic_qconfig})
        except (ImportError, RuntimeError, AttributeError):
            return None
    return found


def smaller(
    size: Effect, lost: Effect, coarse: Effect, right: Effect, small: Effect, large: Effect
) -> Verdict:
    """Decides where the networks are right on more than 80 % of the test images and rounding to the
    fewest bits costs more than a point, so that a loss would be seen (whole intervals). Does not
    hold if the file is not below 0.3 of what it was, or eight bits lose more than a point (whole
    interval). Holds if they lose less and answer faster in both networks, narrow and wide (whole
    intervals); with limits if they lose less, and it is clear of both whether they are faster
    (intervals on one side of 1), but not so of both; else undecided."""
    if size.value >= 0.3 or lost.low > 1:
        return Verdict.FAILS
    if right.low <= 80 or coarse.low <= 1 or not lost.high < 1:
        return Verdict.UNDECIDED
    if small.low > 1 and large.low > 1:
        return Verdict.HOLDS
    clear = all(one.low > 1 or one.high < 1 for one in (small, large))
    return Verdict.LIMITED if clear else Verdict.UNDECIDED


@claim(
    "8.2",
    says="Weights of eight bits instead of 32 take a quarter of the space, are faster and lose "
    "little accuracy.",
    source="statistics lecture, week 4, quantisation",
    rule=smaller,
    baseline="The same networks with weights of 32 bits: size 1, time ratio 1, no point lost; and "
    "rounding to the fewest bits, which shows that a loss would be seen.",
    otherwise="A processor without instructions for eight-bit numbers, or one whose memory is as "
    "fast as its arithmetic.",
    revised="2026-11-29: the first design multiplied the eight-bit weights back into 32 bits at "
    "each call, which can only be slower. Now PyTorch's own kernels multiply whole numbers, in a "
    "narrow and in a wide network; and a measure that shows no loss even of two bits decides "
    "nothing. At the unseen seeds 3 to 5: with limits.",
    full={"replicates": 32, "width": 512, "steps": 600},
)
def eight_bits(
    width: Annotated[int, Range(8, 8192)] = 256,
    wide: Annotated[int, Range(8, 8192)] = 1024,
    steps: Steps = 150,
    bits: tuple[Annotated[int, Range(2, 8)], ...] = (2, 3, 4, 6, 8),
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """Networks learn digits; their weights are rounded to whole numbers with one scale for each
    row, and the bytes of the file are counted. Accuracy is that of the network which multiplies in
    eight bits. The processor's time is taken for one image and for 256, also of a wider network."""
    learned, tested = samples(load("digits"), seed)
    widths = [width, width]
    nets = [alone(net, widths) for net in taught(learned, widths, replicates, steps, seed).networks]
    few = {b: [quantised(net, b) for net in nets] for b in bits}
    right = torch.tensor([accuracy(net, tested.x, tested.t) for net in nets])
    after = torch.tensor([[accuracy(net, tested.x, tested.t) for net in few[b]] for b in bits])
    ready = [with_kernels(net) or few[max(bits)][i] for i, net in enumerate(nets)]
    multiplied = torch.tensor([accuracy(net, tested.x, tested.t) for net in ready])
    before, now = size_of(nets[0]), size_of(few[max(bits)][0])
    one, many = (times([width, wide], tested.x[:n], replicates) for n in (1, 256))
    faster = {w: ratio(f"time, 32 bits / 8 bits, {w} units, one image", *one[w]) for w in one}
    lost = difference("accuracy lost by 8 bits", multiplied, right, "points")
    record = Record()
    record.effects(
        size=exact("size of the file, of what it was", now / before),
        lost=lost,
        coarse=difference(f"accuracy lost by {min(bits)} bits", after[0], right, "points"),
        right=mean("accuracy with 32 bits", right, "%", SHARE),
        small=faster[width],
        large=faster[wide],
    )
    rows = [
        (w, n, *(t.mean() for t in of[w]), ratio("", *of[w]).value)
        for n, of in ((1, one), (256, many))
        for w in of
    ]
    columns = "units a layer | images | 8 bits (us) | 32 bits (us) | 32 bits / 8 bits"
    record.table("Time of an answer", rows, columns)
    axes = "bits of a weight", "test accuracy (%)"
    levels = {right.mean().item(): "32 bits"}
    record.curves("Accuracy by bits", *axes, over("rounded", bits, after), levels=levels)
    record.takes("kernels for whole numbers, which this PyTorch has not, or a quieter processor")
    each = ", ".join(f"{a:.1f} % with {b}" for b, a in zip(bits, after.mean(1), strict=True))
    return record.because(f"""
        The file shrinks from {before / 1000:.0f} to {now / 1000:.0f} kB, to {now / before:.3f} of
        it; accuracy falls by {lost.value:.2f} points ({lost.low:.2f} to {lost.high:.2f}). One image
        takes the wide network of {wide} units {1 / faster[wide].value:.2f} times as long in eight
        bits as in 32, the narrow one of {width} units {1 / faster[width].value:.2f} times. Eight
        bits save products and the way from memory, and cost the rounding of the inputs at each
        layer, which weighs most where matrices are small. Accuracy by bits of the weights alone:
        {each}.
    """)


Times = Float[Tensor, "r"]


def times(
    widths: list[int], x: Float[Tensor, "n c h w"], replicates: int
) -> dict[int, tuple[Times, Times]]:
    """Microseconds of an answer in eight bits and in 32, by width, taken in turn; not numbers
    where there are no kernels. What weights are makes no difference to the time."""
    found = {}
    for width in widths:
        net = MLP(64, [width, width], 10).eval()
        small = with_kernels(net)
        pair = [small or net, net]
        calls = [partial(one, x) for one in pair]
        with torch.no_grad():
            us = 1e6 * torch.tensor([in_turn(calls, 25) for _ in range(replicates)]).T
        found[width] = (us[0] if small else us[0] * torch.nan, us[1])
    return found


@torch.no_grad()
def accuracy(net: nn.Module, x: Float[Tensor, "n c h w"], t: Tensor) -> float:
    """Right answers (%)."""
    return 100 * (net(x).argmax(1) == t).float().mean().item()
