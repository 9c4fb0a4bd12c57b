"""The equations of convolution with the text's numbers, and how many weights it has."""

from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.byhand.operations.convolution import Convolution
from cutaway.data.sources import load
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact
from cutaway.lab.experiment import claim
from cutaway.lab.figures import Part
from cutaway.lab.settings import Range, Seed
from cutaway.models.registry import count
from cutaway.randomness import generator

# The text's example of an RGB image of 3 x 3 pixels with zeros about it: what the grey node sees,
# and the three channels of the kernel.
SEEN = [
    [[0, 0, 0], [0, 1, 1], [0, 2, 1]],
    [[0, 0, 0], [0, 2, 2], [0, 1, 0]],
    [[0, 0, 0], [0, 0, 3], [0, 1, 0]],
]
KERNEL = [
    [[0, 0, 0], [0, 0, 1], [0, 1, 0]],
    [[0, 2, 0], [0, 2, 0], [0, 2, 0]],
    [[1, 0, 0], [0, 2, 0], [0, 0, 1]],
]


def equation_10(z: Float[Tensor, "n"], u: Float[Tensor, "h"]) -> Float[Tensor, "m"]:
    """s(i) = sum_x z(i + x) u(x), x from -(h-1)/2 to (h-1)/2, where all of z(i + x) exist."""
    half = len(u) // 2
    s = z.new_zeros(len(z) - 2 * half)
    for i in range(half, len(z) - half):
        for x in range(-half, half + 1):
            s[i - half] += z[i + x] * u[x + half]
    return s


def equation_11(z: Float[Tensor, "n m"], u: Float[Tensor, "h h"]) -> Float[Tensor, "p q"]:
    """s(j, i) = sum_y sum_x z(j + y, i + x) u(y, x): equation 4.10 along each row, summed."""
    half, places = len(u) // 2, len(z) - len(u) + 1
    rows = [
        sum(equation_10(z[j + y + half], u[y + half]) for y in range(-half, half + 1))
        for j in range(places)
    ]
    return torch.stack([torch.as_tensor(row) for row in rows])


def as_worked(example: Effect, line: Effect, plane: Effect) -> Verdict:
    """Holds if the example gives 9 and both equations, written as loops, give exactly what PyTorch
    and our own operation compute; else it does not hold."""
    agree = example.value == 9 and line.value == plane.value == 0
    return Verdict.HOLDS if agree else Verdict.FAILS


@claim(
    "5.1",
    says="A convolution multiplies what lies under the kernel number by number and sums it up "
    "(equations 4.10 and 4.11); in the example of an RGB image the grey node gets 9.",
    source="textbook 4.3.1, equations 4.10 and 4.11, figure 4-14",
    rule=as_worked,
    baseline="The text's own 9, and the equations written as loops: whole numbers, so that nothing "
    "is rounded. A kernel turned round already gives other numbers.",
    otherwise="Another order of the kernel: with the kernel turned round, as mathematicians define "
    "convolution, the numbers differ.",
    full={"trials": 1000},
)
def worked_example(
    trials: Annotated[int, Range(1, 100_000)] = 20,
    side: Annotated[int, Range(5, 64)] = 9,
    seed: Seed = 0,
) -> Evidence:
    """The example is computed as printed; then the equations, written as loops, meet PyTorch and
    the operation written by hand on random whole numbers, on which no rounding can hide."""
    seen, kernel = torch.tensor(SEEN).double(), torch.tensor(KERNEL).double()
    parts = (seen * kernel).sum((1, 2)).tolist()
    node = Convolution().forward(seen[None], kernel[None])
    g, wrong, turned = generator(seed, "5.1"), [0.0, 0.0], 0
    for _ in range(trials):
        z = torch.randint(-9, 10, (side, side), generator=g).double()
        u = torch.randint(-9, 10, (3, 3), generator=g).double()
        line, plane = equation_10(z[0], u[0]), equation_11(z, u)
        for k, (s, x, w) in enumerate(((line, z[0], u[0]), (plane, z, u))):
            x, w = x[None, None], w[None, None]
            torchs = (nn.functional.conv1d, nn.functional.conv2d)[k](x, w)
            ours = Convolution().forward(x, w)
            wrong[k] = max(wrong[k], *((s - y[0, 0]).abs().max().item() for y in (torchs, ours)))
        turned += bool((equation_11(z, u.flip(0, 1)) != plane).any())
    record = Record()
    record.effects(
        example=exact("the grey node", node),
        line=exact("largest difference, equation 4.10", wrong[0]),
        plane=exact("largest difference, equation 4.11", wrong[1]),
        turned=exact("kernels whose turned form differs", 100 * turned / trials, "%"),
    )
    record.table("The grey node", zip("RGB", parts, strict=True), "channel | sum")
    record.images(
        "What the node sees (above) and the kernel (below); black is 0, white 3",
        torch.cat([seen, kernel]) / 3,
        ("R", "G", "B", "c1", "c2", "c3"),
        columns=3,
    )
    return record.because(f"""
        The channels give {parts[0]:g}, {parts[1]:g} and {parts[2]:g}, together {sum(parts):g}. The
        loops of equations 4.10 and 4.11 agree with both implementations to the last digit on
        {trials} random images. What the equations define is cross-correlation: in mathematics a
        convolution turns the kernel round, which changed the map for {100 * turned / trials:.0f} %
        of the kernels. For kernels that are learned the two differ in name only, as the turned
        kernel is learned instead.
    """)


def as_counted(bank: Effect, weights: Effect, filters: Effect) -> Verdict:
    """Holds if 64 kernels of 7 x 7 on one channel have 3200 parameters, a filter of 3 x 3 on RGB 27
    weights, and a bank from 3 to 96 channels 96 filters; else it does not hold."""
    same = (bank.value, weights.value, filters.value) == (3200, 27, 96)
    return Verdict.HOLDS if same else Verdict.FAILS


@claim(
    "5.2",
    says="64 kernels of 7 x 7 have (7 x 7 + 1) x 64 = 3200 parameters; a filter of 3 x 3 on an RGB "
    "image has 27 weights, and a bank that makes 96 channels of 3 has 96 filters.",
    source="textbook 4.3.1, feature learning; statistics week 4, pages 50-51",
    rule=as_counted,
    baseline="The text's and the lecture's own numbers, 3200, 27 and 96, beside the parameters of "
    "layers that were built.",
    otherwise="More channels: the 3200 are of a grey image, and every filter of the bank has a "
    "bias that the quiz leaves out.",
)
def parameter_counts(side: Annotated[int, Range(8, 512)] = 128) -> Evidence:
    """Layers are built and their parameters counted, beside dense layers that give as many
    numbers."""
    grey, rgb, quiz = nn.Conv2d(1, 64, 7), nn.Conv2d(3, 64, 7), nn.Conv2d(3, 96, 3)
    layers = {"64 of 7x7, grey": grey, "64 of 7x7, RGB": rgb, "96 of 3x3, RGB": quiz}
    numbers = [u.in_channels * side**2 for u in layers.values()]
    outputs = [u.out_channels * side**2 for u in layers.values()]
    dense = [(n + 1) * m for n, m in zip(numbers, outputs, strict=True)]
    counted = [count(u) for u in layers.values()]
    rows = [
        (name, u.weight[0].numel(), len(u.weight), total, whole)
        for (name, u), total, whole in zip(layers.items(), counted, dense, strict=True)
    ]
    record = Record()
    record.effects(
        bank=exact("parameters of 64 kernels of 7 x 7", counted[0]),
        weights=exact("weights of a filter of 3 x 3 on RGB", quiz.weight[0].numel()),
        filters=exact("filters from 3 to 96 channels", len(quiz.weight)),
    )
    record.table(
        f"Counted; the dense layer maps {side} x {side} pixels to as many numbers",
        rows,
        "layer | weights a filter | filters | parameters | dense parameters",
    )
    parts = [
        Part("convolution", tuple(map(float, counted))),
        Part(f"dense, {side} x {side} pixels", tuple(map(float, dense))),
    ]
    record.bars("Parameters", "parameters", layers, *parts, log=True)
    return record.because(f"""
        All three counts are right, for the shapes that they are of: 3200 is of a grey image, on RGB
        the same bank has {counted[1]} parameters, as a filter spans all channels. The quiz counts
        weights alone; with its bias a filter has {quiz.weight[0].numel() + 1} parameters and the
        bank {counted[2]}. None of the counts depends on the size of the image, where a dense layer
        between maps of {side} x {side} would have {dense[0]:.1e} to {dense[2]:.1e}.
    """)


def as_lecture(wrong: Effect, weights: Effect, products: Effect, pooled: Effect) -> Verdict:
    """Holds if at every place that is asked each map has exactly what one neuron with the kernel's
    weights gives there, the layer has as many weights and takes as many products as the sizes say,
    and pooling leaves fewer numbers; else it does not hold."""
    right = wrong.value == weights.value == products.value == 0
    return Verdict.HOLDS if right and pooled.value < 100 else Verdict.FAILS


@claim(
    "5.16",
    says="A kernel, of 10 x 10 say, is one neuron that is moved across an image of 256 x 256 and "
    "makes a feature map; with several kernels there are a hundred maps or more, which pooling "
    "then makes smaller.",
    source="lecture 6.034, convolutional networks",
    rule=as_lecture,
    baseline="Layers that give as many numbers without the same neuron everywhere: one whose "
    "neurons see 10 x 10 pixels each with weights of its own, and a dense one.",
    otherwise="Padding: an even kernel has no middle, so no equal padding keeps 256 x 256.",
)
def hundred_maps(
    side: Annotated[int, Range(16, 512)] = 256,
    kernel: Annotated[int, Range(1, 15)] = 10,
    maps: Annotated[int, Range(1, 200)] = 100,
    places: Annotated[int, Range(1, 10_000)] = 200,
    seed: Seed = 0,
) -> Evidence:
    """The layer is built and applied to a photograph, in whole numbers, and compared with its
    neurons at places drawn at random; its products are counted by a layer of ones on an image of
    ones, which adds 1 for each."""
    g, left = generator(seed, "5.16"), side - kernel + 1
    x = load("china", image_size=side).images[..., 0].float()[None]
    layer = nn.Conv2d(1, maps, kernel)
    layer.weight.data = torch.randint(-9, 10, layer.weight.shape, generator=g).float()
    bias = torch.randint(-9, 10, (maps,), generator=g).float()
    layer.bias = nn.Parameter(bias)
    with torch.no_grad():
        z, wrong = layer(x)[0], 0.0
        for j, i in torch.randint(left, (places, 2), generator=g).tolist():
            seen = x[0, 0, j : j + kernel, i : i + kernel].flatten()
            neurons = layer.weight.flatten(1) @ seen + bias
            wrong = max(wrong, (neurons - z[:, j, i]).abs().max().item())
        pooled = nn.functional.max_pool2d(z, 2).numel()
        ones = torch.ones(1, 1, side, side)
        one_map = nn.functional.conv2d(ones, torch.ones(1, 1, kernel, kernel)).double().sum()
    products = maps * int(one_map)
    parameters = {
        "convolution": count(layer),
        "a kernel for each place": (kernel**2 + 1) * z.numel(),
        "dense": (side**2 + 1) * z.numel(),
    }
    off = count(layer) - maps * (kernel**2 + 1), products - maps * kernel**2 * left**2
    record = Record()
    record.effects(
        wrong=exact("largest difference between a map and its neuron", wrong),
        weights=exact("parameters beyond maps x (kernel^2 + 1)", off[0]),
        products=exact("products beyond maps x kernel^2 x places", off[1]),
        pooled=exact("numbers after pooling 2 x 2, of those before", 100 * pooled / z.numel(), "%"),
    )
    record.table("Parameters for as many numbers", parameters.items(), "layer | parameters")
    sizes = {"image": side**2, f"{maps} maps": z.numel(), "pooled": pooled, "products": products}
    record.table("Sizes", sizes.items(), " | numbers")
    bars = Part("parameters", tuple(map(float, parameters.values())))
    record.bars("Parameters", "parameters", parameters, bars, log=True)
    return record.because(f"""
        Each map has {left} x {left} numbers, {z.numel():,} in all, from {count(layer):,}
        parameters and {products:,} multiplications. At {places} places all maps are, to the last
        digit, what one neuron gives there. With weights of its own for each place the layer would
        have {parameters["a kernel for each place"]:,} parameters, a dense one
        {parameters["dense"]:.1e}. The maps hold {z.numel() / side**2:.0f} times as many numbers as
        the image, and pooled by 2 x 2 still {pooled / side**2:.0f} times: pooling makes maps
        smaller, not the picture's description.
    """)
