"""What rooms tell to be right is what their pieces compute."""

import pytest
import torch

from cutaway.byhand.cost import paths
from cutaway.lab.chapters.neurons.gates import table_of, unit_for
from cutaway.studio.rooms import graphs as graphs_room
from cutaway.studio.rooms import piece_of


@pytest.fixture(autouse=True)
def one_thread():
    """As in the process that computes pieces."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def last(room, name, **settings):
    """The figures that stay."""
    piece = piece_of(room, name)
    *_, figures = piece.draw(piece.settled(settings))
    return figures


def series(figure):
    return {one.name: torch.tensor(one.y) for one in figure.series}


def test_one_unit_computes_and_and_or_but_not_xor():
    assert unit_for(table_of("and"))
    assert unit_for(table_of("or"))
    assert unit_for(table_of("xor")) is None


def test_xor_is_the_and_of_nand_and_or():
    tried = {
        gates: last(1, "three", last=gates[0], first=gates[1], second=gates[2])[0].caption[0]
        for gates in (("and", "and", "or"), ("or", "and", "nor"), ("and", "nand", "or"))
    }  # fmt: skip
    assert [gates for gates, right in tried.items() if right == "4"] == [("and", "nand", "or")]


def test_whether_two_units_learn_xor_depends_on_the_start():
    ends = {start: last(1, "learned", start=start)[0].caption for start in (0, 1)}
    assert "4 of the 4" in ends[0]
    assert "4 of the 4" not in ends[1]
    assert "4 of the 4" in last(1, "learned", start=1, hidden=16)[0].caption


def test_what_arrives_at_x_is_added_up():
    diagram, means = last(2, "small", graph="two paths")
    shares = [one.share for one in diagram.arrows if one.start == "x"]
    box = next(one for one in diagram.boxes if one.name == "x")
    assert len(shares) == 2
    assert box.gradient == pytest.approx(sum(shares))
    assert means.parts[0].values == pytest.approx(means.parts[1].values)
    assert means.parts[0].values == pytest.approx(means.parts[2].values, rel=1e-6)


def test_twelve_blocks_of_two_ways_have_4096_paths():
    assert paths(graphs_room.chain(12, 2))["z0"] == 4096
    found = series(last(2, "reused")[0])
    assert found["path by path"][-1] > 100 * found["with reuse"][-1]


def test_the_best_step_of_a_difference_lies_in_the_middle():
    error = torch.tensor(last(2, "differences")[0].series[0].y)
    assert 3 < error.argmin() < len(error) - 3
    assert error.min() < 0.01 * min(error[0], error[-1])


def test_plain_descent_swings_across_the_valley_and_creeps_along_it():
    path = last(3, "way")[0].lines[0]
    x, y = torch.tensor(path.x), torch.tensor(path.y)
    assert (y[1:] * y[:-1] < 0).all()
    assert x[-1].abs() > 0.2 * x[0].abs()
    assert (x[1:] - x[:-1] > 0).all()


def test_too_much_momentum_swings_along_the_valley():
    along = series(last(3, "rates")[0])
    assert (along["momentum 0.99"] < 0).any()
    assert not (along["momentum 0"] < 0).any()
    assert "diverges" in last(3, "rates", rate=0.021, momentum=0.0)[1].caption


def test_newton_takes_one_step():
    for x, y in ((-1.6, 1.4), (0.3, -2.0)):
        assert last(3, "newton", x=x, y=y)[1].series[0].y[-1] < 1e-12


def test_the_gradient_of_a_deep_stack_of_sigmoids_vanishes():
    gradient = last(4, "layers")[0].series[0].y
    assert gradient[0] < 1e-6 * gradient[-1]
    assert last(4, "trained")[0].series[0].y[-1] < 0.2
    assert last(4, "trained", norm=True)[0].series[0].y[-1] > 0.8


def test_the_kernel_of_upright_edges_finds_those():
    piece = piece_of(5, "convolved")
    kernel = torch.tensor(last(5, "convolved")[1].values)
    assert piece.settings().kernel == "upright edges"
    assert kernel.sum() == 0
    assert (kernel.sum(1) == 0).all()  # nothing where left and right are alike
    assert kernel.sum(0).abs().max() > 0


def test_a_kernel_of_5_with_stride_2_leaves_12_of_28():
    assert last(5, "sized")[0].title == "The map has 12 x 12 numbers"


def test_eight_kernels_learn_digits():
    assert last(5, "learned")[2].series[0].y[-1] > 0.9


def test_skips_keep_the_gradient_and_learn():
    found = series(last(6, "gradients")[0])
    rise = {name: (y[0] / y[-1]).log().abs() for name, y in found.items()}
    assert rise["with skips"] < 0.6 * rise["plain"]
    right, losses = map(series, last(6, "trained"))
    assert right["with skips"][-1] > right["plain"][-1] + 0.3
    assert losses["with skips"][-10:].mean() < losses["plain"][-10:].mean() - 0.3


def test_most_weights_of_alexnet_are_dense():
    convolution, dense, _ = last(6, "counted")[0].parts[0].values
    assert dense > 10 * convolution


def test_a_discriminator_of_equal_distributions_says_one_half():
    said = series(last(7, "best", place=0.0, spread=1.0)[1])
    assert (said["p / (p + q)"] == 0.5).all()
    middle = slice(40, 81)
    assert (said["learned"][middle] - 0.5).abs().max() < 0.15


def test_no_player_wins():
    losses = series(last(7, "match")[1])
    assert all(y[-20:].mean() > 0.4 for y in losses.values())


def test_two_pixels_and_aimed_noise_fool_it():
    before, after = (torch.tensor(part.values) for part in last(8, "one")[1].parts)
    assert before.max() > 0.9
    assert before.argmax() != after.argmax()
    right = series(last(8, "many")[0])
    assert right["by chance"][-1] > right["one step of the gradient"][-1] + 0.5
