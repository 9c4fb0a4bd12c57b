"""Chapter 5, what is learned: sharing, sizes, features."""

import pytest
import torch

from cutaway import lab
from cutaway.lab.chapters.convolution.lessons import Lesson, dense, scattered, shared
from cutaway.lab.chapters.convolution.sharing import better, blind, hungrier, reordered
from cutaway.lab.evidence import Effect, Verdict, exact
from cutaway.models.registry import count
from cutaway.randomness import generator


def about(value: float, half: float = 1) -> Effect:
    """Planted, with its interval."""
    return Effect("planted", value, value - half, value + half, 8)


def test_scattered_digits_are_whole_and_anywhere():
    x = torch.ones(64, 1, 2, 2)
    x[:, :, 0, 0] = 0
    found = scattered(x, 3, generator(0))
    assert found.shape == (64, 1, 5, 5)
    assert torch.equal(found.sum((1, 2, 3)), x.sum((1, 2, 3)))
    assert len(found.flatten(1).unique(dim=0)) == 16


def test_as_many_parameters():
    for side, maps in ((8, 4), (12, 6), (28, 8)):
        apart = abs(count(shared(side, maps)) - count(dense(side, maps)))
        assert apart <= (side**2 + 11) / 2


def test_reordered_networks_answer_the_same_to_permuted_images():
    lesson = Lesson("digits", 4, 8, 0)
    x = lesson.tested.x.clone()
    order = lesson.permuted()
    torch.manual_seed(1)
    plain = dense(12, 4)
    torch.manual_seed(1)
    there = reordered(order, 12, 4)
    torch.testing.assert_close(plain(x), there(lesson.tested.x))


def test_5_7_sharing():
    times = exact("planted", 18)
    assert hungrier(times, about(3), about(9)) is Verdict.HOLDS
    assert hungrier(times, about(0), about(9)) is Verdict.LIMITED
    assert hungrier(times, about(0), about(0)) is Verdict.FAILS
    assert hungrier(exact("planted", 1), about(3), about(9)) is Verdict.FAILS


def test_5_9_cnn_and_mlp():
    assert better(about(2), about(9), about(3)) is Verdict.HOLDS
    assert better(about(0), about(9), about(3)) is Verdict.LIMITED
    assert better(about(2), about(9), about(-3)) is Verdict.LIMITED
    assert better(about(-2), about(0), about(3)) is Verdict.FAILS


def test_5_10_permuted_pixels():
    assert blind(about(0), about(-40)) is Verdict.HOLDS
    assert blind(about(5), about(-40)) is Verdict.UNDECIDED
    assert blind(about(0), about(0)) is Verdict.UNDECIDED
    assert blind(about(0), about(1)) is Verdict.FAILS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "settings", "verdict"),
    [
        ("5.7", {"maps": 3, "steps": 100, "sizes": (1400,)}, Verdict.LIMITED),
        ("5.9", {"maps": 3, "steps": 100, "sizes": (50, 1400)}, Verdict.LIMITED),
        ("5.10", {"maps": 3, "steps": 100}, Verdict.HOLDS),
    ],
)
def test_found(number, settings, verdict):
    assert lab.claim(number).run(**settings).verdict is verdict
