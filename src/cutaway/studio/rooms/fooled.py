"""Room 8: a few pixels that change what a network says of a digit."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cutaway.figures import Axis, Bars, Curves, Part
from cutaway.figures.build import images, line
from cutaway.lab.chapters.practice.attacks import taught
from cutaway.randomness import generator
from cutaway.see.attack import accuracy_against_size, few_pixels, fgsm, pgd
from cutaway.settings import setting
from cutaway.studio.rooms.base import DRAWING, Figures, Piece, Question, Room, Section
from cutaway.studio.rooms.digits import digits, drawn_digit, ends, seen, shown

STEPS = 600
Images = Float[Tensor, "n 1 h w"]


@lru_cache(4)
def network(hidden: int) -> nn.Module:
    """A perceptron that has learned the digits."""
    torch.manual_seed(0)
    return taught(digits()[0], [hidden], 1, STEPS, 0).networks[0].eval()


@dataclass(frozen=True)
class Attacked:
    """The settings of one digit under attack."""

    drawing: str = setting("", "Draw a digit as large as you can, or take one of the set below.",
                           panel=DRAWING)  # fmt: skip
    example: int = setting(3, "The digit of the set, where nothing is drawn.", low=0, high=9)
    attack: str = setting("pixels", "How it is changed.", choices=("pixels", "one step", "steps"))
    pixels: int = setting(2, "How many pixels may change, for pixels.", low=0, high=12)
    size: float = setting(0.1, "How much each pixel may change, of black to white, for steps.",
                          low=0.0, high=0.5)  # fmt: skip
    hidden: int = setting(64, "Hidden units of the network.", low=8, high=256)


def digit_of(asked: Attacked) -> Float[Tensor, "1 1 8 8"]:
    if asked.drawing:
        return seen(drawn_digit(asked.drawing))[None, None]
    tested = digits()[1]
    return tested.x[(tested.t == asked.example).nonzero()[0]]


def changed(asked: Attacked, net: nn.Module, x: Images, t: Int[Tensor, " n"]) -> Images:
    low, high = ends()
    if asked.attack == "pixels":
        return few_pixels(net, x, t, asked.pixels, low, high) if asked.pixels else x
    attack = fgsm if asked.attack == "one step" else pgd
    return attack(net, x, t, asked.size * (high - low), low, high)


def larger(x: Images) -> Float[Tensor, "n tall wide"]:
    """Each pixel as a square of 16, to be seen one by one."""
    return x[:, 0].repeat_interleave(16, 1).repeat_interleave(16, 2)


def draw_attacked(asked: Attacked) -> Figures:
    net, x = network(asked.hidden), digit_of(asked)
    with torch.no_grad():
        t = net(x).argmax(1)
        after = changed(asked, net, x, t)
        before_p, after_p = (net(one).softmax(1)[0].tolist() for one in (x, after))
    said = int(torch.tensor(after_p).argmax())
    told = f"The network says {int(t)} to the left one and {said} to the right one."
    grey = 0.5 + (shown(after) - shown(x)) / 2
    moved = int((after != x).sum())
    names = (f"said: {int(t)}", f"{moved} of 64 pixels", f"said: {said}")
    pictures = larger(torch.cat([shown(x), grey, shown(after)]))
    yield [
        images("Before, the change, after", pictures, names, 3, told +
               " In the middle: grey has not changed, white is brighter, black darker."),
        Bars("What the network says", Axis("probability", share=True), tuple(map(str, range(10))),
             (Part("before", tuple(before_p)), Part("after", tuple(after_p)))),
    ]  # fmt: skip


@dataclass(frozen=True)
class Many:
    """The settings of many digits under attack."""

    count: int = setting(150, "Test images that are attacked.", low=20, high=400)
    largest: float = setting(0.25, "The largest change of a pixel, of black to white.",
                             low=0.02, high=0.5)  # fmt: skip
    hidden: int = setting(64, "Hidden units of the network.", low=8, high=256)


def at_random(net: nn.Module, x: Images, t: Tensor, size: float, low: float, high: float) -> Images:
    """Each pixel changed by as much, up or down by chance."""
    up = torch.randint(2, x.shape, generator=generator(0, "room 8")) * 2.0 - 1
    return (x + size * up).clamp(low, high)


ATTACKS: dict[str, Callable[..., Images]] = {
    "by chance": at_random, "one step of the gradient": fgsm, "ten steps": pgd,
}  # fmt: skip


def draw_many(asked: Many) -> Figures:
    low, high = ends()
    net, tested = network(asked.hidden), digits()[1].first(asked.count)
    sizes = [asked.largest * i / 6 for i in range(7)]
    scaled = [size * (high - low) for size in sizes]
    series = []
    for name, attack in ATTACKS.items():
        right = accuracy_against_size(net, tested.x, tested.t, attack, scaled, low, high)
        series.append(line(name, sizes, right))
        yield [
            Curves("Right under attack",
                   Axis("largest change of a pixel", share=True, low=0.0, high=asked.largest),
                   Axis("right", share=True, low=0.0, high=1.0), tuple(series), ((0.1, "chance"),),
                   caption=f"{len(tested)} test images that the network did not learn from.")
        ]  # fmt: skip


ONE = Piece(
    "one", "Fool it on your own digit",
    "A network with one hidden layer has learned handwritten digits of 8 x 8 pixels. Draw one of "
    "your own, then let an attack change it. The change is shown as large as the digit.",
    Attacked, draw_attacked,
    Question(
        "The network is sure of its answer. How many of the 64 pixels of this digit have to be set "
        "to black or white before it says something else?",
        ("About 30: half of the image.", "About 10.", "One or two."),
        2,
        "The attack looks for the pixels that count most for this network, which multiplies them "
        "by large weights. A person still reads the digit.",
    ),
)  # fmt: skip
MANY = Piece(
    "many", "By chance and by aim",
    "The same network on many test images. Every pixel is changed by the same amount: up or down "
    "by chance, or in the direction in which the loss grows.",
    Many, draw_many,
    Question(
        "Noise of a given size costs some accuracy. Is a change of the same size along the "
        "gradient much worse?",
        ("No, it is about the same.", "Yes: far fewer answers stay right.", "It is harmless."),
        1,
        "Changes by chance cancel in the sums of a unit. Changes along the gradient all push to "
        "the same side, and 64 small pushes add up.",
    ),
    live=False,
)  # fmt: skip

ROOM = Room(
    8, "A few pixels",
    "How little it takes to make a network say something else, on a digit that you draw.",
    (
        Section(
            "A change that is meant",
            (
                "The gradient that trains a network says how the loss changes with each weight. It "
                "can be taken by each pixel as well: then it says how to change the image so that "
                "the network is wrong.",
                "An attack may change a few pixels as much as it likes, or all of them by a "
                "little, in one step or in several.",
            ),
            ONE, ("8.1",),
        ),
        Section(
            "It is the aim that counts",
            (
                "A photograph is never free of noise, and networks bear a good deal of it. An "
                "attack is not noise: it is looked for.",
            ),
            MANY,
        ),
    ),
    ("mlp", "digits"),
)  # fmt: skip
