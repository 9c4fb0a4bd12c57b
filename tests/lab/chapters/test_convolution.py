"""Chapter 5: equations, counts, edges and shifts, which are exact; sharing, sizes and features."""

from dataclasses import replace

import pytest
import torch
from helpers.effects import at, exactly

from cutaway import lab
from cutaway.errors import UsageError
from cutaway.lab.chapters.convolution.directions import (
    SOBEL,
    UPRIGHT,
    answers,
    directions,
    each_its_own,
    misread,
    step,
    tiled,
)
from cutaway.lab.chapters.convolution.edges import keeps_size, quartered
from cutaway.lab.chapters.convolution.equations import (
    as_counted,
    as_lecture,
    as_worked,
    equation_10,
)
from cutaway.lab.chapters.convolution.features import hand_made, hog
from cutaway.lab.chapters.convolution.kernels import (
    EDGE,
    components,
    edges_and_abstraction,
    found,
    known,
    likeness,
)
from cutaway.lab.chapters.convolution.leaves import leaves
from cutaway.lab.chapters.convolution.lessons import Lesson, dense, divided, scattered, shared
from cutaway.lab.chapters.convolution.pipeline import (
    end_to_end,
    largest,
    segmented,
    shape_features,
)
from cutaway.lab.chapters.convolution.pooling import (
    LARGER,
    helps,
    multiplications,
    network,
    turned,
)
from cutaway.lab.chapters.convolution.sharing import better, blind, hungrier, reordered
from cutaway.lab.chapters.convolution.shifts import commutes, dulled, moves, same_matrix
from cutaway.lab.chapters.convolution.sizes import any_rank, any_size, films
from cutaway.lab.evidence import Verdict, exact
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
    with pytest.raises(UsageError, match="odd"):
        lab.claim("5.3").run(kernels=(4,))


def test_5_4_strides():
    assert quartered(*exactly(100, 100)) is Verdict.HOLDS
    assert quartered(*exactly(100, 0)) is Verdict.LIMITED
    assert quartered(*exactly(90, 0)) is Verdict.FAILS
    finding = lab.claim("5.4").run(sides=(8, 9), most=2)
    assert finding.verdict is Verdict.LIMITED
    assert finding.evidence.effects["excess"].value == 4 * 25 / 81
    assert lab.claim("5.4").run(sides=(8, 8), most=2).verdict is Verdict.LIMITED


def test_5_5_shifts():
    assert commutes(*exactly(0, 0, 90)) is Verdict.HOLDS
    assert commutes(*exactly(0, 50, 90)) is Verdict.LIMITED
    assert commutes(*exactly(1, 0, 90)) is Verdict.FAILS
    assert commutes(*exactly(0, 0, 0)) is Verdict.UNDECIDED
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
    below, above, open_ = at(-5, 1), at(3, 1), at(-1, 2)
    none, some = exactly(0, 3)
    assert dulled(below, below, below, none, none) is Verdict.HOLDS
    assert dulled(below, above, below, none, none) is Verdict.LIMITED
    assert dulled(below, open_, below, none, none) is Verdict.UNDECIDED
    assert dulled(above, above, above, none, none) is Verdict.FAILS
    assert dulled(below, below, below, some, none) is Verdict.FAILS
    assert dulled(below, below, below, none, some) is Verdict.FAILS
    assert lab.claim("5.8").run(replicates=8, side=32, maps=4).verdict is Verdict.HOLDS


def test_5_8_a_map_that_is_erased_is_as_far_as_its_opposite():
    still = torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]])
    assert moves(still, still) == 0
    assert moves(still, 1 - still) == pytest.approx(200)
    assert moves(still * 0, still * 0) == 200


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
    x = lesson.pool.x.clone()
    order = lesson.permuted()
    torch.manual_seed(1)
    plain = dense(12, 4)
    torch.manual_seed(1)
    there = reordered(order, 12, 4)
    torch.testing.assert_close(plain(x), there(lesson.pool.x))


def test_replicates_divide_the_digits_anew():
    pool = divided(torch.zeros(50, 1, 2, 2), torch.arange(50) % 10, 4, 0)
    assert pool.learned.shape == (4, 40)
    assert pool.tested.shape == (4, 10)
    for own in torch.cat([pool.learned, pool.tested], 1):
        assert own.sort().values.tolist() == list(range(50))
    assert not torch.equal(pool.tested[0], pool.tested[1])
    zero = torch.zeros(4)
    apart = pool.ahead("planted", zero, torch.tensor([1.0, 2, 3, 4]))
    alone = replace(pool, overlap=0.0).ahead("planted", zero, torch.tensor([1.0, 2, 3, 4]))
    assert apart.value == alone.value == 2.5
    assert apart.high - apart.low == pytest.approx(2**0.5 * (alone.high - alone.low))


def test_5_7_sharing():
    times, known = exact("planted", 18), at(70, 5)
    assert hungrier(times, at(3, 1), at(9, 1), known) is Verdict.HOLDS
    assert hungrier(times, at(-2, 1), at(9, 1), known) is Verdict.LIMITED
    assert hungrier(times, at(0, 2), at(9, 1), known) is Verdict.UNDECIDED
    assert hungrier(times, at(0, 1), at(0, 4), known) is Verdict.UNDECIDED
    assert hungrier(times, at(-1, 1), at(-0.5, 1), known) is Verdict.FAILS
    assert hungrier(times, at(-1, 1), at(-0.5, 1), at(10, 1)) is Verdict.UNDECIDED
    assert hungrier(times, at(-1, 1), at(-0.5, 1), at(99, 1)) is Verdict.UNDECIDED
    assert hungrier(exact("planted", 1), at(3, 1), at(9, 1), known) is Verdict.FAILS


def test_5_9_cnn_and_mlp():
    known = at(70, 5)
    assert better(at(2, 1), at(9, 1), at(8, 1), at(3, 1), known) is Verdict.HOLDS
    assert better(at(-1, 1), at(9, 1), at(8, 1), at(3, 1), known) is Verdict.LIMITED
    assert better(at(2, 1), at(9, 1), at(8, 1), at(-3, 1), known) is Verdict.LIMITED
    assert better(at(2, 1), at(9, 1), at(0, 0.5), at(8, 1), known) is Verdict.LIMITED
    assert better(at(2, 1), at(9, 1), at(8, 1), at(1, 3), known) is Verdict.UNDECIDED
    assert better(at(-2, 3), at(0, 4), at(3, 1), at(3, 1), known) is Verdict.UNDECIDED
    assert better(at(-2, 1), at(-0.5, 1), at(3, 1), at(3, 1), known) is Verdict.FAILS
    assert better(*[at(0, 0)] * 4, at(10, 0)) is Verdict.UNDECIDED


def test_5_9_what_widens_in_one_task_and_narrows_in_the_other_is_not_averaged_away():
    """The evening of seed 0: +19 and -11 points, a mean of +4 that said nothing."""
    assert better(at(31, 3), at(39, 3), at(19, 5), at(-11, 5), at(80, 1)) is Verdict.LIMITED


def test_5_10_permuted_pixels():
    known = at(70, 5)
    assert blind(at(0, 1), at(-40, 1), known) is Verdict.HOLDS
    assert blind(at(5, 1), at(-40, 1), known) is Verdict.FAILS
    assert blind(at(2, 1), at(-40, 1), known) is Verdict.UNDECIDED
    assert blind(at(0, 1), at(0, 1), known) is Verdict.UNDECIDED
    assert blind(at(0, 1), at(1, 1), known) is Verdict.FAILS
    assert blind(at(0, 0), at(0, 0), at(10, 0)) is Verdict.UNDECIDED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "settings", "verdict"),
    [
        ("5.9", {}, Verdict.LIMITED),
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


def test_5_12_what_is_an_edge():
    at = torch.linspace(-2, 2, 5)
    y, x = torch.meshgrid(at, at, indexing="ij")
    window = (-(x**2 + y**2) / 2 / 1.2**2).exp()
    for edge in (x, y, 0.3 * x - y):
        assert likeness((edge * window)[None]).item() == pytest.approx(100, abs=1e-3)
    aside = (x - 1) * (-((x - 1) ** 2 + y**2) / 2 / 1.2**2).exp()
    assert likeness((aside - aside.mean())[None]).item() == pytest.approx(100, abs=1e-3)
    sobel = torch.tensor([[0.0, -1, 0, 1, 0]] * 5) * window
    assert likeness(sobel[None]).item() > EDGE
    for other in (window, torch.ones(5, 5), x * y * window, (x**2 - 1) * window):
        assert likeness(other[None]).item() < EDGE


def test_5_12_random_kernels_are_no_edges():
    assert found(torch.randn(20_000, 5, 5, generator=generator(0))) < 0.1


def test_5_12_two_principal_components_are_edges():
    noise = torch.randn(300, 1, 16, 16, generator=generator(1))
    smooth = torch.nn.functional.avg_pool2d(noise, 5, 1)
    assert found(components(smooth, 8)) == 25


def test_5_12_variance_between_classes():
    t = torch.tensor([0, 0, 1, 1])
    assert known(torch.tensor([[1.0], [1.0], [3.0], [3.0]]), t) == pytest.approx(100)
    assert known(torch.tensor([[1.0], [3.0], [1.0], [3.0]]), t) == pytest.approx(0)


def test_5_12_learned_kernels():
    most, some, none = at(75, 9), at(35, 9), at(2, 3)
    lead, equal, back = at(40, 9), at(0, 3), at(-9, 3)
    rise, flat, fall = at(8, 1), at(0, 1), at(-3, 1)
    rule = edges_and_abstraction
    assert rule(most, lead, lead, rise, rise) is Verdict.HOLDS
    assert rule(some, lead, lead, rise, rise) is Verdict.LIMITED
    assert rule(most, lead, back, rise, rise) is Verdict.LIMITED
    assert rule(most, lead, lead, rise, fall) is Verdict.LIMITED
    assert rule(most, lead, lead, rise, flat) is Verdict.UNDECIDED
    assert rule(none, equal, back, rise, fall) is Verdict.FAILS
    assert rule(most, lead, equal, rise, rise) is Verdict.UNDECIDED


def test_5_12_runs():
    finding = lab.claim("5.12").run(replicates=2, steps=5, examples=100)
    assert finding.evidence.effects["edges"].value <= 50
    assert len(finding.evidence.figures) == 4


def test_5_13_films():
    learned, tested = films("digits", 12, 0)
    assert learned.x.shape == (1400, 1, 8, 12, 12)
    assert tested.x.shape[0] == 397
    for x, t in list(zip(learned.x[:, 0], learned.t.tolist(), strict=True))[:20]:
        axis = (1, 1, 0, 0)[t]  # left, right, up, down
        sign = (-1, 1, -1, 1)[t]
        assert any(torch.equal(x[k].roll(sign * v, axis), x[k + 1]) for v in (1, 2) for k in (0,))


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
    some = at(30, 1)
    assert hand_made(at(3, 1), at(3, 1), some) is Verdict.HOLDS
    assert hand_made(at(-3, 1), at(3, 1), some) is Verdict.LIMITED
    assert hand_made(at(3, 1), at(-3, 1), some) is Verdict.LIMITED
    assert hand_made(at(-3, 1), at(0, 1), some) is Verdict.UNDECIDED
    assert hand_made(at(3, 1), at(0, 1), some) is Verdict.UNDECIDED
    assert hand_made(at(-3, 1), at(-3, 1), some) is Verdict.FAILS


def test_5_14_four_networks_leave_open_what_24_decide():
    """An evening with seed 0: four CNNs of CIFAR-10 lead with 50,000 examples, not with 100."""
    many, level = at(9.3, 2.8), at(26, 2)
    assert hand_made(at(0.9, 5.5), many, level) is Verdict.UNDECIDED
    assert hand_made(at(-0.5, 1.5), many, level) is Verdict.LIMITED
    assert hand_made(at(-0.5, 1.5), many, at(11, 2)) is Verdict.UNDECIDED  # nobody knows anything


def test_5_15_three_networks_of_one_size():
    for side, maps in ((16, 6), (28, 8), (28, 16)):
        whole = count(network("pooling", side, maps))
        assert count(network("strided", side, maps)) == whole
        assert count(network("no pooling", side, maps)) == pytest.approx(whole, rel=0.02)
        assert count(network(LARGER, side, maps)) > 5 * whole


def test_5_15_multiplications_by_hand():
    net = network("pooling", 8, 2)
    first, second, last = 64 * 2 * 9, 16 * 4 * 2 * 9, 4 * 4 * 10
    assert multiplications(net, 8) == first + second + last
    assert multiplications(network("strided", 8, 2), 8) == first / 4 + second / 4 + last


def test_5_15_a_picture_is_turned():
    x = torch.zeros(1, 1, 5, 5)
    x[..., 2, 4] = 1
    torch.testing.assert_close(turned(x, 90), x.rot90(1, (2, 3)), atol=1e-5, rtol=0)
    torch.testing.assert_close(turned(x - 3, 90), turned(x, 90) - 3, atol=1e-5, rtol=0)
    torch.testing.assert_close(turned(x, 0), x, atol=1e-5, rtol=0)


def test_5_15_pooling_gains():
    less, more = exactly(0.3, 3)
    up, flat, down, open_ = at(3, 1), at(0, 0.5), at(-3, 1), at(0, 9)
    assert helps(up, up, up, up, more, more) is Verdict.HOLDS
    assert helps(up, up, up, up, less, more) is Verdict.LIMITED
    assert helps(flat, open_, up, up, more, more) is Verdict.LIMITED
    assert helps(open_, open_, up, up, more, more) is Verdict.UNDECIDED
    assert helps(open_, open_, open_, open_, less, more) is Verdict.UNDECIDED
    assert helps(flat, down, flat, flat, more, more) is Verdict.FAILS
    finding = lab.claim("5.15").run(replicates=2, steps=3, examples=30, angles=(0, 20))
    assert [row[1] for row in finding.evidence.tables[0].rows[:2]] == [2650, 2650]


def test_5_16_a_hundred_maps():
    assert as_lecture(*exactly(0, 0, 0, 25)) is Verdict.HOLDS
    for off in ((1, 0, 0, 25), (0, 1, 0, 25), (0, 0, 1, 25), (0, 0, 0, 100)):
        assert as_lecture(*exactly(*off)) is Verdict.FAILS
    finding = lab.claim("5.16").run(side=32, maps=3, places=5)
    assert finding.verdict is Verdict.HOLDS
    assert dict(finding.evidence.tables[1].rows)["products"] == 3 * 100 * 23 * 23


def test_5_17_directions():
    bars = torch.zeros(20, 20).double()
    bars[:, 10:] = 1  # an upright edge
    angle, _, strong = directions(bars, 10)
    assert angle[strong].max() < 1e-6
    assert directions(bars.T, 10)[0][5:15][:, 5:15].min() > 89.9
    assert answers(step(0), torch.tensor(UPRIGHT).double())[4, 4] > 1
    assert answers(step(90), torch.tensor(UPRIGHT).double())[4, 4] == pytest.approx(0)
    assert misread(SOBEL) < misread(UPRIGHT) < 5


def test_5_17_means_of_squares():
    values = torch.arange(64.0).view(8, 8)
    where = torch.ones(8, 8, dtype=torch.bool)
    where[:4, :4] = False
    found = tiled(values, where, 2)
    assert found[0].isnan()
    assert found[3] == values[4:, 4:].mean()


def test_5_17_edge_kernels():
    assert each_its_own(at(4, 1), at(4, 1), at(40, 5)) is Verdict.HOLDS
    assert each_its_own(at(4, 1), at(4, 1), at(70, 5)) is Verdict.LIMITED
    assert each_its_own(at(4, 1), at(4, 1), at(50, 5)) is Verdict.UNDECIDED
    assert each_its_own(at(2, 1), at(4, 1), at(40, 5)) is Verdict.UNDECIDED
    assert each_its_own(at(0.5, 0.1), at(4, 1), at(40, 5)) is Verdict.FAILS
    assert lab.claim("5.17").run().verdict is Verdict.LIMITED


def test_leaves_are_drawn_by_rule():
    made = leaves(60, 24, generator(0))
    assert made.t.bincount().tolist() == [10] * 6
    inside, outside = made.mask > 0.9, made.mask < 0.1
    assert made.x[:, 0][inside].mean() < made.x[:, 0][outside].mean() - 0.1
    assert 0.1 < inside.float().mean() < 0.4
    real = leaves(12, 24, generator(0), real=True)
    assert real.x[:, 0][real.mask < 0.001].unique().numel() > 50


def test_5_18_the_leaf_is_found():
    made = leaves(60, 24, generator(1))
    found, truth = segmented(made.x), made.mask > 0.5
    overlap = (found & truth).sum((1, 2)) / (found | truth).sum((1, 2))
    assert overlap.mean() > 0.9
    assert torch.equal(segmented(1 - made.x), found)


def test_5_18_the_largest_piece_stays():
    mask = torch.zeros(1, 6, 6, dtype=torch.bool)
    mask[0, :3, :3] = mask[0, 5, 5] = True
    assert largest(mask).sum() == 9
    assert largest(mask * False).sum() == 0


def test_5_18_features_of_a_shape_are_those_of_it_turned():
    masks = torch.zeros(2, 20, 20, dtype=torch.bool)
    masks[0, 5:15, 8:12] = True
    masks[1] = masks[0].T
    long = shape_features(masks)
    torch.testing.assert_close(long[0], long[1], atol=1e-4, rtol=0)
    square = torch.zeros(1, 20, 20, dtype=torch.bool)
    square[0, 5:15, 5:15] = True
    assert shape_features(square)[0, 2] > 0.99 > 0.3 > long[0, 2]
    assert shape_features(masks * False).isfinite().all()


def test_5_18_end_to_end():
    up, down, open_ = at(3, 1), at(-3, 1), at(0, 1)
    assert end_to_end(up, up, up, up) is Verdict.HOLDS
    assert end_to_end(down, open_, open_, up) is Verdict.LIMITED
    assert end_to_end(open_, up, up, up) is Verdict.UNDECIDED
    assert end_to_end(down, down, down, down) is Verdict.FAILS
    assert end_to_end(open_, down, down, down) is Verdict.UNDECIDED
    finding = lab.claim("5.18").run(replicates=2, steps=3, sizes=(20, 40), maps=2)
    assert len(finding.evidence.tables[0].rows) == 4
