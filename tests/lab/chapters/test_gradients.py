"""Chapter 2: the rules on planted effects, the helpers against worked values, quick runs."""

import pytest
import torch
from helpers.effects import at, exactly

from cutaway import lab
from cutaway.byhand import check
from cutaway.lab.chapters.gradients import (
    cost,
    equations,
    graphs,
    kinks,
    layer,
    layouts,
    numerical,
    smooth,
)
from cutaway.lab.evidence import Verdict, exact

HOLDS, LIMITED, FAILS, UNDECIDED, *_ = Verdict


def kinked(relu=0.0, between=0.0, learned=None, changed=None, coarse=None, zero_start=None):
    """Effects of claim 2.7, in which the choice changes nothing."""
    others = [e or at(0, 0.01) for e in (changed, coarse, zero_start)]
    return *exactly(relu, between), learned or at(90, 1), *others


@pytest.mark.parametrize(
    ("rule", "effects", "verdict"),
    [
        (numerical.v_shaped, (at(-10, 0.01), at(2, 0.01), at(-1, 0.01)), HOLDS),
        (numerical.v_shaped, (at(-10, 0.01), at(1, 0.01), at(-1, 0.01)), LIMITED),
        (numerical.v_shaped, (at(-10, 0.01), at(2, 0.01), at(0, 0.01)), LIMITED),
        (numerical.v_shaped, (at(-3, 0.01), at(2, 0.01), at(-1, 0.01)), FAILS),
        (numerical.v_shaped, (at(-9, 3), at(2, 0.01), at(-1, 0.01)), UNDECIDED),
        (numerical.v_shaped, (at(-10, 0.01), at(2, 1), at(-1, 0.01)), UNDECIDED),
        (numerical.shaped, (exact("", 0), exact("", 1e-15)), HOLDS),
        (numerical.shaped, (exact("", 1), exact("", 1e-15)), FAILS),
        (numerical.shaped, (exact("", 0), exact("", 1e-3)), FAILS),
        (equations.as_given, (exact("", 1e-15), exact("", 0), exact("", 1e-15)), HOLDS),
        (equations.as_given, (exact("", 1e-15), exact("", 0), exact("", 0.5)), LIMITED),
        (equations.as_given, (exact("", 1e-3), exact("", 0), exact("", 0)), FAILS),
        (graphs.graphs_agree, (*exactly(1e-15, 1e-9), exact("", 1)), HOLDS),
        (graphs.graphs_agree, exactly(1e-6, 1e-9, 1), FAILS),
        (graphs.graphs_agree, exactly(1e-15, 0.1, 1), FAILS),
        (graphs.graphs_agree, exactly(1e-15, 1e-9, 0), UNDECIDED),
        (cost.linear_or_not, exactly(0, 25, 2), HOLDS),
        (cost.linear_or_not, exactly(0, 25, 1), LIMITED),
        (cost.linear_or_not, exactly(3, 25, 2), FAILS),
        (cost.linear_or_not, exactly(0, 0, 2), UNDECIDED),
        (cost.two_forwards, (exact("", 1.6), exact("", 1.9)), HOLDS),
        (cost.two_forwards, (exact("", 1.6), exact("", 9)), LIMITED),
        (cost.two_forwards, (exact("", 1), exact("", 1)), FAILS),
        (cost.two_forwards, (exact("", 9), exact("", 90)), FAILS),
        (kinks.kink, kinked(relu=1), HOLDS),
        (kinks.kink, kinked(between=2), LIMITED),
        (kinks.kink, kinked(zero_start=at(50, 0.01)), LIMITED),
        (kinks.kink, kinked(zero_start=at(1, 5)), UNDECIDED),
        (kinks.kink, kinked(changed=at(0, 5)), UNDECIDED),
        (kinks.kink, kinked(learned=at(10, 1)), UNDECIDED),
        (kinks.kink, kinked(changed=at(4, 0.01)), FAILS),
        (kinks.kink, kinked(relu=0.5), FAILS),
        (layouts.laid_out, exactly(1e-9, 1e-15, 1, 9), LIMITED),
        (layouts.laid_out, exactly(1e-9, 1e-15, 1, 0), HOLDS),
        (layouts.laid_out, exactly(0.1, 1e-15, 1, 9), FAILS),
        (layouts.laid_out, exactly(1e-9, 1, 1, 9), FAILS),
        (layouts.laid_out, exactly(1e-9, 1e-15, 0, 9), UNDECIDED),
        (layer.layer_by_layer, exactly(1e-15, 1e-15, 0.2), HOLDS),
        (layer.layer_by_layer, exactly(1e-15, 0.1, 0.2), LIMITED),
        (layer.layer_by_layer, exactly(0.1, 0.1, 0.2), FAILS),
        (layer.layer_by_layer, exactly(1e-15, 1e-15, 0), UNDECIDED),
        (smooth.smooth, (exact("", 5e-4), exact("", 10), exact("", 10), exact("", 1)), HOLDS),
        (smooth.smooth, (exact("", 0.1), exact("", 10), exact("", 10), exact("", 1)), LIMITED),
        (smooth.smooth, (exact("", 5e-4), exact("", 10), exact("", 1), exact("", 1)), FAILS),
        (smooth.smooth, (exact("", 5e-4), exact("", 10), exact("", 10), exact("", 10)), FAILS),
    ],
)
def test_the_rules(rule, effects, verdict):
    assert rule(*effects) is verdict


def test_a_wrong_gradient_is_seen():
    layers = equations.random_layers([3, 4, 2], torch.Generator().manual_seed(0))
    x, y = torch.randn(5, 3).double(), torch.randn(5, 2).double()
    true = layers.autograd(x, y)
    assert equations.apart(layers.gradients(x, y), true) < 1e-12
    wrong = [true[0], true[1] * 1.001]
    assert equations.apart(wrong, true) > 1e-4


def test_the_equations_in_a_worked_case():
    """One unit: u = (u_0, u_1) = (0, 1), x = 0, y = 1: delta = (1 - 0) (1 - 0) = 1."""
    layers = equations.Layers((torch.tensor([[0.0, 1.0]]).double(),))
    (found,) = layers.gradients(torch.zeros(1, 1).double(), torch.ones(1, 1).double())
    assert found.tolist() == [[-1, 0]]


def test_the_printed_algorithm_is_right_for_one_sample_alone():
    layers = equations.random_layers([3, 3, 3], torch.Generator().manual_seed(0))
    x, y = torch.randn(2, 4, 3).double()
    for t, same in ((1, True), (2, False)):
        found = equations.apart(layers.as_printed(x[:t], y[:t]), layers.autograd(x[:t], y[:t]))
        assert (found < 1e-12) is same


def test_random_graphs_have_what_is_claimed():
    graph = graphs.random_graph(30, torch.Generator().manual_seed(1))
    uses = [name for node in graph.operations for name in node.inputs if name]
    assert max(uses.count(name) for name in uses if name.startswith("n")) > 1  # branches
    assert max(uses.count(f"u{k}") for k in range(3)) > 1  # shared weights
    assert check(graph, torch.randn(2, 4).double()).agrees


def test_the_error_of_a_difference_in_a_worked_case():
    """Central differences of a smooth function: 100 times smaller for 10 times smaller steps."""
    errors = numerical.slope_errors(torch.Generator().manual_seed(0))
    assert errors["central"][0] / errors["central"][1] == pytest.approx(100, rel=0.2)
    assert errors["forward"][1] / errors["forward"][2] == pytest.approx(10, rel=0.2)


def test_spellings_are_one_function():
    s = torch.linspace(-2, 2, 9)
    for f in kinks.SPELLINGS.values():
        assert torch.equal(f(s), s.relu())


def test_each_derivative_at_0_has_a_spelling_whatever_clamp_takes():
    slopes = {name: kinks.slope_at_0(f) for name, f in kinks.SPELLINGS.items()}
    assert slopes["s.clamp(min=0)"] in (0, 1)
    for clamp in (0.0, 1.0):
        taken = kinks.first_of(slopes | {"s.clamp(min=0)": clamp})
        assert list(taken) == [0, 0.5, 1]
        assert all((slopes | {"s.clamp(min=0)": clamp})[f] == v for v, f in taken.items())
    assert kinks.by_slope({"a": 1.0, "b": 0.5, "c": 1.0}) == "0.5 in b; 1 in a and c"


def test_derivatives_of_worked_values():
    x = torch.tensor([0.0, 2.0]).double()
    y, first, second = smooth.derivatives(lambda s: s**3, x)
    assert (y.tolist(), first.tolist(), second.tolist()) == ([0, 8], [0, 12], [0, 12])
    assert smooth.derivatives(torch.nn.functional.gelu, x[:1])[1].item() == 0.5


def test_a_derivative_by_a_matrix_in_a_worked_case():
    """y = a'X b: D = b a', [m x n], so that tr(D dX) = a'dX b."""
    a, b = torch.tensor([1.0, 2, 3]).double(), torch.tensor([4.0, 5]).double()
    found = layouts.gradient(lambda x: a @ x @ b, torch.zeros(3, 2).double())
    assert found.T.tolist() == [[4, 8, 12], [5, 10, 15]]
    g = torch.Generator().manual_seed(0)
    assert (
        layouts.off_definition(lambda x: a @ x @ b, torch.zeros(3, 2).double(), found.T, g) < 1e-9
    )
    worst, shape = layouts.off_chain(
        lambda z: z.square().sum(), torch.randn(4, 3).double(), torch.randn(3, 2).double()
    )
    assert worst < 1e-12
    assert shape == (2, 3)


@pytest.mark.parametrize("f", [layer.dense, layer.gain, layer.bent, layer.softmax, layer.residual])
def test_both_derivatives_of_each_kind_of_layer(f):
    sizes = {layer.dense: 8, layer.gain: 3, layer.residual: 12}
    x, theta = torch.randn(3).double(), torch.randn(sizes.get(f, 0)).double()
    y, by_x, by_theta = f(x, theta)
    true = torch.autograd.functional.jacobian(lambda a, b: f(a, b)[0], (x, theta))
    assert torch.allclose(by_x, true[0], atol=1e-12)
    assert by_theta.shape == (len(y), len(theta))
    assert torch.allclose(by_theta, true[1], atol=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("number", "settings", "verdict"),
    [
        ("2.1", {}, HOLDS),
        ("2.2", {}, LIMITED),
        ("2.3", {"replicates": 8}, HOLDS),
        ("2.6", {"replicates": 16}, HOLDS),
        ("2.9", {"replicates": 8}, LIMITED),
        ("2.10", {"replicates": 8}, HOLDS),
    ],
)
def test_quick_verdicts(number, settings, verdict, seed):
    assert lab.claim(number).run(**settings, seed=seed).verdict is verdict


def test_gelu():
    assert lab.claim("2.8").run().verdict is HOLDS


@pytest.mark.parametrize("seed", [0, 1])
def test_counts_are_exact_and_times_are_there(seed):
    finding = lab.claim("2.4").run(depths=(1, 16, 32), walked=(4, 8), repeats=2, seed=seed)
    assert finding.verdict is HOLDS
    assert finding.evidence.effects["bend"].value == 0
    # c (2^k - 1) operations for k layers: 255 / 15 for four further ones
    assert finding.evidence.effects["doubling"].value == pytest.approx((255 / 15) ** (1 / 4))
    finding = lab.claim("2.5").run(widths=(16, 32), repeats=2, seed=seed)
    assert finding.verdict is HOLDS
    # Four hidden layers and an output: five products forward, nine back.
    effects = finding.evidence.effects
    assert effects["least"].value == effects["most"].value == 9 / 5
    assert effects["measured"].value > 0


@pytest.mark.slow
def test_one_sided_slopes_hold_with_limits():
    assert lab.claim("2.7").run().verdict is LIMITED
