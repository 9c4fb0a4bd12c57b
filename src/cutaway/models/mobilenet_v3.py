"""MobileNetV3: gated inverted residuals and cheaper activations, found by search, then trimmed."""

from collections.abc import Sequence
from functools import partial
from itertools import groupby

from torch import nn

from cutaway.models.inverted_residual import MobileNet, Shape, SqueezeExcitation, conv_norm
from cutaway.models.mobile_names import timm_names, torchvision_names
from cutaway.models.registry import Counterpart, Size, register

RE, HS = nn.ReLU, nn.Hardswish
Row = tuple[int, int, int, bool, type[nn.Module], int]

# Tables 1 and 2: k (kernel), maps inside, maps, whether a block has a gate, activation, stride.
LARGE: tuple[Row, ...] = (
    (3, 16, 16, False, RE, 1),
    (3, 64, 24, False, RE, 2),
    (3, 72, 24, False, RE, 1),
    (5, 72, 40, True, RE, 2),
    (5, 120, 40, True, RE, 1),
    (5, 120, 40, True, RE, 1),
    (3, 240, 80, False, HS, 2),
    (3, 200, 80, False, HS, 1),
    (3, 184, 80, False, HS, 1),
    (3, 184, 80, False, HS, 1),
    (3, 480, 112, True, HS, 1),
    (3, 672, 112, True, HS, 1),
    (5, 672, 160, True, HS, 2),
    (5, 960, 160, True, HS, 1),
    (5, 960, 160, True, HS, 1),
)
SMALL: tuple[Row, ...] = (
    (3, 16, 16, True, RE, 2),
    (3, 72, 24, False, RE, 2),
    (3, 88, 24, False, RE, 1),
    (5, 96, 40, True, HS, 2),
    (5, 240, 40, True, HS, 1),
    (5, 240, 40, True, HS, 1),
    (5, 120, 48, True, HS, 1),
    (5, 144, 48, True, HS, 1),
    (5, 288, 96, True, HS, 2),
    (5, 576, 96, True, HS, 1),
    (5, 576, 96, True, HS, 1),
)


def in_eights(maps: float) -> int:
    """The nearest multiple of 8 that is at least 8 and at least nine tenths of `maps`."""
    near = max(8, int(maps + 4) // 8 * 8)
    return near + 8 if near < 0.9 * maps else near


def stages_of(table: Sequence[Row]) -> list[list[Shape]]:
    """The blocks of a table, those with equally many maps in one stage."""
    shapes, c_in = list[Shape](), 16
    for k, wide, maps, gated, tau, s in table:
        narrow = in_eights(wide / 4) if gated else 0
        shapes.append(Shape(c_in, wide, maps, k, s, tau, narrow))
        c_in = maps
    return [list(stage) for _, stage in groupby(shapes, lambda shape: shape.c_out)]


# TensorFlow's normalisation, with which the published weights of torchvision were learned.
CONV_NORM = partial(conv_norm, eps=1e-3, momentum=0.01)
GATE = partial(SqueezeExcitation, tau=nn.ReLU, sigma=nn.Hardsigmoid)


def register_form(
    form: str, table: Sequence[Row], hidden: int, parameters: int, source: str, tag: str
) -> None:
    """Register the large or the small form."""
    stages = stages_of(table)
    top, last = 6 * table[-1][2], len(table) + 1
    dense = {"dense.0": "classifier.0", "output": "classifier.3"}
    torchvision = {f"top.{i}": f"features.{last}.{i}" for i in (0, 1)} | dense
    timm = {"top.0": f"blocks.{len(stages)}.0.conv", "top.1": f"blocks.{len(stages)}.0.bn1"}

    @register(
        f"mobilenet_v3_{form}",
        title=f"MobileNetV3-{form.capitalize()}, for telephones",
        source=source,
        data="rocks",
        example=(3, 1000, 224),
        min_size=32,
        parameters=parameters,
        counterparts=(
            Counterpart(
                "torchvision", f"mobilenet_v3_{form}",
                torchvision_names(stages, lambda a, b, k: f"features.{k + 1}.block", torchvision),
            ),
            Counterpart(
                "timm", f"mobilenetv3_{form}_100",
                timm_names(stages, timm | {"dense.0": "conv_head"}), tag, eps=1e-5,
            ),
        ),
    )  # fmt: skip
    def build(channels: int, classes: int, size: Size, dropout: float = 0.2) -> MobileNet:
        """`dropout` is the share of what reaches the output that is left out while it learns."""
        return MobileNet(
            channels, classes, stages, top, conv_norm=CONV_NORM, tau=nn.Hardswish, gate=GATE,
            hidden=hidden, dropout=dropout,
        )  # fmt: skip


# The counts are those of the published weights; the paper prints 5.4 and 2.5 million.
register_form("large", LARGE, 1280, 5_483_032, "Howard et al. 2019, table 1", "ra_in1k")
register_form("small", SMALL, 1024, 2_542_856, "Howard et al. 2019, table 2", "lamb_in1k")
