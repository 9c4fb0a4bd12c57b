"""Chapter 5: equations, counts, edges and shifts, which are exact; sharing, sizes and features."""

import pytest
import torch
from helpers.effects import at, exactly

from cutaway import lab
from cutaway.lab.chapters.convolution.edges import keeps_size, quartered
from cutaway.lab.chapters.convolution.equations import as_counted, as_worked, equation_10
from cutaway.lab.chapters.convolution.features import (
    edges_and_abstraction,
    hand_made,
    hog,
    known,
    shapes,
)  # fmt: skip
from cutaway.lab.chapters.convolution.lessons import Lesson, dense, scattered, shared
from cutaway.lab.chapters.convolution.sharing import better, blind, hungrier, reordered
from cutaway.lab.chapters.convolution.shifts import commutes, dulled, same_matrix
from cutaway.lab.chapters.convolution.sizes import any_rank, any_size
from cutaway.lab.evidence import Effect, Verdict, exact
from cutaway.models.registry import count
from cutaway.randomness import generator


def test_5_1_worked_example():
    assert as_worked(*exactly(9, 0, 0)) is Verdict.HOLDS
    assert as_worked(*exactly(8, 0, 0)) is Verdict.FAILS
    assert as_worked(*exactly(9, 0, 1)) is Verdict.FAILS
    finding = lab.claim("5.1").run(trials=5)
    assert finding.verdict is Verdict.HOLDS
    assert [row[1] for row in finding.evidence.tables[0].rows] == [3, 6, 0]


def test_equation_4_10_by_hand():
    s = equation_10(torch.tensor([1.0, 2.0, 4.0, 8.0]), torch.tensor([1.0, 0.0, -1.0]))
    assert s.tolist() == [-3, -6]


def test_5_2_counts():
    assert as_counted(*exactly(3200, 27, 96)) is Verdict.HOLDS
    assert as_counted(*exactly(3136, 27, 96)) is Verdict.FAILS
    rows = lab.claim("5.2").run(side=8).evidence.tables[0].rows
    assert [row[3] for row in rows] == [3200, 9472, 2688]
    assert rows[0][4] == 65 * 64 * 64


def test_5_3_padding():
    assert keeps_size(*exactly(0, 0, 20)) is Verdict.HOLDS
    assert keeps_size(*exactly(0, 0, 0)) is Verdict.UNDECIDED
    assert keeps_size(*exactly(1, 0, 20)) is Verdict.FAILS
    assert keeps_size(*exactly(0, 3, 20)) is Verdict.FAILS
    finding = lab.claim("5.3").run(side=16, kernels=(3, 4, 5))
    assert finding.verdict is Verdict.HOLDS
    assert [row[2] for row in finding.evidence.tables[0].rows] == [14, 12]


def test_5_4_strides():
    assert quartered(*exactly(100, 100)) is Verdict.HOLDS
    assert quartered(*exactly(100, 0)) is Verdict.LIMITED
    assert quartered(*exactly(90, 0)) is Verdict.FAILS
    finding = lab.claim("5.4").run(sides=(8, 9), most=2)
    assert finding.verdict is Verdict.LIMITED
    assert finding.evidence.effects["excess"].value == 4 * 25 / 81


def test_5_5_shifts():
    assert commutes(*exactly(0, 0, 90)) is Verdict.HOLDS
    assert commutes(*exactly(0, 50, 90)) is Verdict.LIMITED
    assert commutes(*exactly(1, 0, 90)) is Verdict.FAILS
    assert commutes(*exactly(0, 0, 0)) is Verdict.FAILS
    finding = lab.claim("5.5").run(digits=2)
    assert finding.verdict is Verdict.LIMITED
    assert finding.evidence.tables[0].rows[3][2] == 0  # stride 2 follows a shift by 2


def test_5_6_matrix():
    assert same_matrix(*exactly(0, 0, 0, 12)) is Verdict.HOLDS
    assert same_matrix(*exactly(0, 1e-9, 0, 12)) is Verdict.FAILS
    assert same_matrix(*exactly(0, 0, 5, 12)) is Verdict.FAILS
    finding = lab.claim("5.6").run(side=5)
    assert finding.verdict is Verdict.HOLDS
    # On a side of 5 the taps -1, 0 and 1 meet 4, 5 and 4 pixels.
    assert finding.evidence.effects["filled"].value == pytest.approx(100 * 13 * 13 / 25**2)


def test_5_8_pooling():
    below, above = Effect("planted", -5, -6, -4, 9), Effect("planted", -1, -3, 1, 9)
    none, some = exactly(0, 3)
    assert dulled(below, none, none) is Verdict.HOLDS
    assert dulled(above, none, none) is Verdict.LIMITED
    assert dulled(below, some, none) is Verdict.FAILS
    assert dulled(below, none, some) is Verdict.FAILS
    assert lab.claim("5.8").run(replicates=8, side=32, maps=4).verdict is Verdict.HOLDS


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
    assert hungrier(times, at(3, 1), at(9, 1)) is Verdict.HOLDS
    assert hungrier(times, at(0, 1), at(9, 1)) is Verdict.LIMITED
    assert hungrier(times, at(0, 1), at(0, 4)) is Verdict.UNDECIDED
    assert hungrier(times, at(0, 1), at(-0.5, 1)) is Verdict.UNDECIDED
    assert hungrier(times, at(-1, 1), at(-0.5, 1)) is Verdict.FAILS
    assert hungrier(exact("planted", 1), at(3, 1), at(9, 1)) is Verdict.FAILS


def test_5_9_cnn_and_mlp():
    assert better(at(2, 1), at(9, 1), at(3, 1)) is Verdict.HOLDS
    assert better(at(0, 1), at(9, 1), at(3, 1)) is Verdict.LIMITED
    assert better(at(2, 1), at(9, 1), at(-3, 1)) is Verdict.LIMITED
    assert better(at(-2, 1), at(0, 4), at(3, 1)) is Verdict.UNDECIDED
    assert better(at(-2, 1), at(-0.5, 1), at(3, 1)) is Verdict.FAILS


def test_5_10_permuted_pixels():
    assert blind(at(0, 1), at(-40, 1)) is Verdict.HOLDS
    assert blind(at(5, 1), at(-40, 1)) is Verdict.UNDECIDED
    assert blind(at(0, 1), at(0, 1)) is Verdict.UNDECIDED
    assert blind(at(0, 1), at(1, 1)) is Verdict.FAILS


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
    finding = lab.claim("5.11").run(sizes=(20, 36), margins=(4, 8), maps=2, steps=10)
    assert finding.verdict is Verdict.LIMITED


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
    assert edges_and_abstraction(at(60, 1), at(50, 1), at(10, 1)) is Verdict.HOLDS
    assert edges_and_abstraction(at(25, 1), at(17, 1), at(10, 1)) is Verdict.LIMITED
    assert edges_and_abstraction(at(60, 1), at(50, 1), at(0, 1)) is Verdict.LIMITED
    assert edges_and_abstraction(at(8, 1), at(0, 1), at(0, 1)) is Verdict.FAILS


def test_5_13_videos():
    none = exact("planted", 0)
    assert any_rank(none, at(70, 1), at(25, 1)) is Verdict.HOLDS
    assert any_rank(none, at(0, 1), at(25, 1)) is Verdict.UNDECIDED
    assert any_rank(none, at(20, 1), at(80, 1)) is Verdict.UNDECIDED
    assert any_rank(none, at(-9, 1), at(25, 1)) is Verdict.FAILS
    assert any_rank(exact("planted", 1), at(70, 1), at(25, 1)) is Verdict.FAILS


def test_5_14_an_edge_has_one_direction():
    x = torch.zeros(1, 1, 8, 8)
    x[..., 4:] = 1  # an upright edge: gradients point across
    blocks = hog(x).view(9, 8, 4)  # 3 x 3 blocks, 8 directions, 4 cells
    assert blocks[:, 1:].abs().max() == 0
    assert blocks[:, 0].max() > 0.5
    turned = hog(x.mT).view(9, 8, 4)
    assert turned[:, 4].max() > 0.5


def test_5_14_hand_made():
    assert hand_made(at(3, 1), at(3, 1)) is Verdict.HOLDS
    assert hand_made(at(-3, 1), at(3, 1)) is Verdict.LIMITED
    assert hand_made(at(3, 1), at(-3, 1)) is Verdict.LIMITED
    assert hand_made(at(-3, 1), at(0, 1)) is Verdict.UNDECIDED
    assert hand_made(at(-3, 1), at(-3, 1)) is Verdict.FAILS
