"""Chapter 5, what is learned: sharing, sizes, features."""

import pytest
import torch

from cutaway import lab
from cutaway.lab.chapters.convolution.features import (
    edges_and_abstraction,
    hand_made,
    hog,
    known,
    shapes,
)  # fmt: skip
from cutaway.lab.chapters.convolution.lessons import Lesson, dense, scattered, shared
from cutaway.lab.chapters.convolution.sharing import better, blind, hungrier, reordered
from cutaway.lab.chapters.convolution.sizes import any_rank, any_size
from cutaway.lab.evidence import Effect, Verdict, exact
from cutaway.models.registry import count
from cutaway.randomness import generator


def about(value: float, half: float = 1) -> Effect:
    """Planted, with its interval."""
    return Effect("planted", value, value - half, value + half, 8)


def test_scattered_digits_are_whole_and_anywhere():
    x = torch.ones(256, 1, 2, 2)
    x[:, :, 0, 0] = 0
    found = scattered(x, 3, generator(0))
    assert found.shape == (256, 1, 5, 5)
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
    assert hungrier(times, about(0), about(0, 4)) is Verdict.UNDECIDED
    assert hungrier(times, about(0), about(-0.5)) is Verdict.UNDECIDED
    assert hungrier(times, about(-1), about(-0.5)) is Verdict.FAILS
    assert hungrier(exact("planted", 1), about(3), about(9)) is Verdict.FAILS


def test_5_9_cnn_and_mlp():
    assert better(about(2), about(9), about(3)) is Verdict.HOLDS
    assert better(about(0), about(9), about(3)) is Verdict.LIMITED
    assert better(about(2), about(9), about(-3)) is Verdict.LIMITED
    assert better(about(-2), about(0, 4), about(3)) is Verdict.UNDECIDED
    assert better(about(-2), about(-0.5), about(3)) is Verdict.FAILS


def test_5_10_permuted_pixels():
    assert blind(about(0), about(-40)) is Verdict.HOLDS
    assert blind(about(5), about(-40)) is Verdict.UNDECIDED
    assert blind(about(0), about(0)) is Verdict.UNDECIDED
    assert blind(about(0), about(1)) is Verdict.FAILS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "settings", "verdict"),
    [
        ("5.7", {"maps": 3, "sizes": (100,)}, Verdict.LIMITED),
        ("5.9", {"maps": 3, "steps": 100, "sizes": (50, 1400)}, Verdict.LIMITED),
        ("5.10", {"maps": 3, "steps": 100}, Verdict.HOLDS),
    ],
)
def test_found(number, settings, verdict):
    assert lab.claim(number).run(**settings).verdict is verdict


def test_5_11_variable_sizes():
    all_, none = exact("planted", 100), exact("planted", 0)
    assert any_size(all_, all_, none) is Verdict.HOLDS
    assert any_size(all_, none, none) is Verdict.LIMITED
    assert any_size(exact("planted", 80), none, none) is Verdict.FAILS
    assert any_size(all_, none, all_) is Verdict.FAILS
    found = lab.claim("5.11").run(sizes=(20, 36), margins=(4, 8), maps=2, steps=10)
    assert found.verdict is Verdict.LIMITED


def test_5_12_shapes_of_kernels():
    at = torch.linspace(-2, 2, 5)
    y, x = torch.meshgrid(at, at, indexing="ij")
    window = (-(x**2 + y**2) / 2 / 1.2**2).exp()
    for k, kernel in enumerate((window, (0.3 * x - y) * window, x * y * window)):
        assert shapes(kernel[None])[k].item() == pytest.approx(100, abs=1e-3)
    noise = shapes(torch.randn(20_000, 5, 5, generator=generator(0)))
    torch.testing.assert_close(noise, torch.tensor([4, 8, 12, 76]).double(), atol=0.5, rtol=0)


def test_5_12_variance_between_classes():
    t = torch.tensor([0, 0, 1, 1])
    assert known(torch.tensor([[1.0], [1.0], [3.0], [3.0]]), t) == pytest.approx(100)
    assert known(torch.tensor([[1.0], [3.0], [1.0], [3.0]]), t) == pytest.approx(0)


def test_5_12_learned_kernels():
    assert edges_and_abstraction(about(60), about(50), about(10)) is Verdict.HOLDS
    assert edges_and_abstraction(about(25), about(17), about(10)) is Verdict.LIMITED
    assert edges_and_abstraction(about(60), about(50), about(0)) is Verdict.LIMITED
    assert edges_and_abstraction(about(8), about(0), about(0)) is Verdict.FAILS


def test_5_13_videos():
    none = exact("planted", 0)
    assert any_rank(none, about(70), about(25)) is Verdict.HOLDS
    assert any_rank(none, about(0), about(25)) is Verdict.UNDECIDED
    assert any_rank(none, about(20), about(80)) is Verdict.UNDECIDED
    assert any_rank(none, about(-9), about(25)) is Verdict.FAILS
    assert any_rank(exact("planted", 1), about(70), about(25)) is Verdict.FAILS


def test_5_14_an_edge_has_one_direction():
    x = torch.zeros(1, 1, 8, 8)
    x[..., 4:] = 1  # an upright edge: gradients point across
    blocks = hog(x).view(9, 8, 4)  # 3 x 3 blocks, 8 directions, 4 cells
    assert blocks[:, 1:].abs().max() == 0
    assert blocks[:, 0].max() > 0.5
    turned = hog(x.mT).view(9, 8, 4)
    assert turned[:, 4].max() > 0.5


def test_5_14_hand_made():
    assert hand_made(about(3), about(3)) is Verdict.HOLDS
    assert hand_made(about(-3), about(3)) is Verdict.LIMITED
    assert hand_made(about(3), about(-3)) is Verdict.LIMITED
    assert hand_made(about(-3), about(0)) is Verdict.UNDECIDED
    assert hand_made(about(-3), about(-3)) is Verdict.FAILS
