"""Room 5: kernels on one's own drawing, the size of a map, and kernels that are learned."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.figures import Axis, Curves, Figure, HeatMap, Images
from cutaway.figures.build import images, line
from cutaway.lab.chapters.convolution.edges import MODES, photograph
from cutaway.lab.tools.samples import batch_of
from cutaway.randomness import reseed_global
from cutaway.settings import setting
from cutaway.studio.rooms.base import DRAWING, KERNEL, Figures, Piece, Question, Room, Section
from cutaway.studio.rooms.digits import digits, drawing, drawn_digit, seen

SIDE = 96
"""Pixels of a drawing or photograph along a side."""
OUTSIDE = (0.5, 0.55, 0.65)
"""The colour of what is no part of a map."""
BATCH, SHOWS = 64, 15
KERNELS: dict[str, tuple[float, ...]] = {
    "upright edges": (-1, 0, 1, -1, 0, 1, -1, 0, 1),
    "lying edges": (-1, -1, -1, 0, 0, 0, 1, 1, 1),
    "outline": (-1, -1, -1, -1, 8, -1, -1, -1, -1),
    "blur": (0.111, 0.111, 0.111, 0.111, 0.111, 0.111, 0.111, 0.111, 0.111),
    "sharpen": (0, -1, 0, -1, 5, -1, 0, -1, 0),
    "nothing": (0, 0, 0, 0, 1, 0, 0, 0, 0),
}
OWN = "your own"


@dataclass(frozen=True)
class Convolved:
    """The settings of a convolution."""

    drawing: str = setting("", "Draw something. With nothing drawn it is a photograph.",
                           panel=DRAWING)  # fmt: skip
    kernel: str = setting("upright edges", "What each place is multiplied by.",
                          choices=(*KERNELS, OWN))  # fmt: skip
    weights: tuple[float, ...] = setting(
        (0.0, 1.0, 0.0, 1.0, -4.0, 1.0, 0.0, 1.0, 0.0), "The numbers of your own kernel.",
        panel=KERNEL, many=True, low=-99.0, high=99.0,
    )  # fmt: skip
    stride: int = setting(1, "Pixels from one place of the kernel to the next.", low=1, high=6)
    padding: int = setting(1, "Pixels added on each side.", low=0, high=8)
    edge: str = setting("zero", "What the added pixels are.", choices=tuple(MODES))


def convolved(asked: Convolved) -> tuple[Float[Tensor, "h w"], Float[Tensor, "3 3"], Tensor]:
    """The picture, the kernel, and the map."""
    x = drawing(asked.drawing, SIDE) if asked.drawing else photograph(SIDE)[0, 0].float()
    numbers = asked.weights if asked.kernel == OWN else KERNELS[asked.kernel]
    if len(numbers) != 9:
        numbers = (*numbers, *[0.0] * 9)[:9]
    u = torch.tensor(numbers, dtype=torch.float32).view(3, 3)
    padded = F.pad(x[None, None], [asked.padding] * 4, MODES[asked.edge])
    return x, u, F.conv2d(padded, u[None, None], stride=asked.stride)[0, 0]


def framed(x: Float[Tensor, "h w"], side: int) -> Float[Tensor, "side side 3"]:
    """A map at its own size in a frame of another colour."""
    frame = torch.tensor(OUTSIDE).expand(side, side, 3).clone()
    frame[: len(x), : x.shape[1]] = x[..., None].expand(*x.shape, 3)
    return frame


def draw_convolved(asked: Convolved) -> Figures:
    x, u, y = convolved(asked)
    most = float(y.abs().max()) or 1.0
    side = max(len(x), len(y))
    signed = 0.5 + y / most / 2 if y.min() < 0 else y / most
    pictures = torch.stack([framed(one, side) for one in (x, signed, y.relu() / most)])
    names = (f"{len(x)} x {x.shape[1]}", f"{len(y)} x {y.shape[1]}", "the same after ReLU")
    caption = "In the middle grey is 0, white the most positive and black the most negative."
    yield [
        images("The picture, the map, and what ReLU leaves of it", pictures, names, 3, caption),
        kernel_figure(u),
    ]


def kernel_figure(u: Float[Tensor, "3 3"]) -> HeatMap:
    rows = tuple(tuple(row) for row in u.tolist())
    return HeatMap("The kernel", tuple(" ".join(f"{v:g}" for v in row) for row in rows),
                   ("left", "right"), rows, Axis("weight"))  # fmt: skip


@dataclass(frozen=True)
class Sized:
    """The settings of the size of a map."""

    side: int = setting(28, "Pixels of the input along a side.", low=4, high=32)
    kernel: int = setting(5, "Pixels of the kernel along a side.", low=1, high=9)
    stride: int = setting(2, "Pixels from one place to the next.", low=1, high=6)
    padding: int = setting(0, "Pixels added on each side.", low=0, high=4)


def draw_sized(asked: Sized) -> Figures:
    whole = asked.side + 2 * asked.padding
    kernel = min(asked.kernel, whole)
    ones = torch.ones(1, 1, whole, whole)
    u = torch.ones(1, 1, kernel, kernel)
    y = F.conv2d(ones, u, stride=asked.stride)
    n = y.shape[-1]
    used = F.conv_transpose2d(torch.ones_like(y), u, stride=asked.stride)[0, 0]
    count = torch.zeros(whole, whole)
    count[: len(used), : len(used)] = used
    told = (
        f"({asked.side} + 2 x {asked.padding} - {kernel}) / {asked.stride} + 1, rounded down: {n}."
    )
    rows = tuple(map(tuple, count.tolist()))
    yield [
        HeatMap(f"The map has {n} x {n} numbers", ("",) * whole, ("left", "right"), rows,
                Axis("how many places of the kernel use a pixel"),
                told + " Each place of the kernel gives one number of the map."),
    ]  # fmt: skip


@dataclass(frozen=True)
class Learned:
    """The settings of a small network that learns kernels."""

    drawing: str = setting("", "Draw a digit, to see its maps. With nothing drawn it is one of the "
                           "set.", panel=DRAWING)  # fmt: skip
    kernels: int = setting(8, "Kernels of 3 x 3 weights.", low=1, high=16)
    steps: int = setting(300, "Steps, each on 64 digits.", low=20, high=1000)
    rate: float = setting(0.01, "The rate of Adam.", low=1e-4, high=0.3)


def draw_learned(asked: Learned) -> Figures:
    reseed_global(0, "rooms", "convolution")
    learned, tested = digits()
    net = nn.Sequential(nn.Conv2d(1, asked.kernels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                        nn.Flatten(), nn.Linear(16 * asked.kernels, 10))  # fmt: skip
    optimizer = torch.optim.Adam(net.parameters(), asked.rate)
    own = seen(drawn_digit(asked.drawing))[None, None] if asked.drawing else tested.x[:1]
    right: list[tuple[int, float]] = []
    every = max(1, asked.steps // SHOWS)
    for step in range(asked.steps + 1):
        if step % every == 0 or step == asked.steps:
            with torch.no_grad():
                known = (net(tested.x).argmax(1) == tested.t).float().mean().item()
            right.append((step, known))
            yield inside(net, own, right, asked.steps)
        i = batch_of(0, step, len(learned), BATCH)
        optimizer.zero_grad()
        F.cross_entropy(net(learned.x[i]), learned.t[i]).backward()
        optimizer.step()


def inside(
    net: nn.Sequential, x: Tensor, right: list[tuple[int, float]], steps: int
) -> list[Figure]:
    with torch.no_grad():
        u, maps = net[0].weight[:, 0], net[1](net[0](x))[0]  # type: ignore[index]
        says = int(net(x).argmax())
    at, share = ([one[k] for one in right] for k in (0, 1))
    return [
        pictures("The kernels", 0.5 + u / (2 * u.abs().max()),
                 "White is positive, black negative."),
        pictures("What they find in the digit", maps / maps.max().clamp(min=1e-9),
                 f"After ReLU. The network says {says}."),
        Curves("Digits that it did not learn from", Axis("step", whole=True, low=0, high=steps),
               Axis("right", share=True, low=0.0, high=1.0), (line("", at, share),),
               ((0.1, "chance"),), form="flat"),
    ]  # fmt: skip


def pictures(title: str, x: Float[Tensor, "n h w"], caption: str) -> Images:
    return images(title, x, columns=8, caption=caption)


CONVOLVED = Piece(
    "convolved", "A kernel over your drawing",
    "At each place the nine pixels under the kernel are multiplied by its nine numbers and added "
    "up. Draw, choose a kernel, or write one.",
    Convolved, draw_convolved,
    Question(
        "Each row of the kernel is -1, 0, 1. What does it find in the photograph?",
        ("Upright edges, where left and right differ.",
         "Lying edges, where above and below differ.", "Bright places."),
        0,
        "It subtracts the column on the left from the column on the right. Where both are alike "
        "the sum is 0, however bright they are.",
        {"kernel": "nothing"},
    ),
)  # fmt: skip
SIZED = Piece(
    "sized", "Stride and padding",
    "How often each pixel of the input is used, with the added pixels around it. Look at the "
    "corners, and at what is left over on the right.",
    Sized, draw_sized,
    Question(
        "A 5 x 5 kernel runs over 28 x 28 pixels with stride 2 and without padding. How large is "
        "the map?",
        ("14 x 14", "12 x 12", "24 x 24"),
        1,
        "The kernel fits at 28 - 5 + 1 = 24 places along a side, and every second one is used.",
    ),
)  # fmt: skip
LEARNED = Piece(
    "learned", "Kernels that are learned",
    "A small network begins with random kernels and learns digits. Nobody tells it what to look "
    "for.",
    Learned, draw_learned,
    Question(
        "Eight kernels of nine weights, and one dense layer after them. After 300 steps of 64 "
        "digits each, how many digits that it has not seen does the network know?",
        ("One in ten: such kernels see too little.", "About half.", "More than nine in ten."),
        2,
        "A kernel of 3 x 3 sees where a stroke begins, ends or turns; the dense layer knows where "
        "in the image that was.",
    ),
    live=False,
)  # fmt: skip

ROOM = Room(
    5, "Convolution",
    "The same few numbers at every place: what kernels find, on your own drawing.",
    (
        Section(
            "One kernel",
            (
                "A dense layer has a weight for each pixel and each unit, and knows nothing of "
                "what lies beside what. A convolution has one small kernel, which looks for the "
                "same pattern everywhere; the sums, place by place, are a map.",
            ),
            CONVOLVED, ("5.1", "5.17"),
        ),
        Section(
            "The size of the map",
            (
                "A kernel does not fit at the very edge, so the map is smaller than the input "
                "unless pixels are added around it. A stride leaves places out.",
            ),
            SIZED, ("5.3", "5.4"),
        ),
        Section(
            "Who chooses the numbers",
            (
                "Kernels used to be designed. In a network they are weights like all others: they "
                "begin at random and follow the gradient of the loss.",
            ),
            LEARNED, ("5.12",),
        ),
    ),
    ("lenet5", "digits"),
)  # fmt: skip
