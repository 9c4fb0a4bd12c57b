"""Boundaries of linear networks, which are straight, and of a bent one."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import nn

from cutaway.errors import UsageError
from cutaway.see.boundary import between, decision_regions, plane_of


def linear(weight, bias) -> nn.Sequential:
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(*torch.tensor(weight).T.shape))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor(weight))
        model[1].bias.copy_(torch.tensor(bias))
    return model.train()


def test_regions_of_a_linear_network_are_half_planes():
    model = linear([[1.0, 2.0], [0.0, 0.0]], [0.5, 0.0])
    regions = decision_regions(model, (-1, -2), (1, 2), 21)
    x, y = torch.meshgrid(regions.first, regions.second, indexing="xy")
    s = x + 2 * y + 0.5
    assert regions.first[[0, -1]].tolist() == [-1, 1]
    assert regions.second[[0, -1]].tolist() == [-2, 2]
    assert torch.allclose(regions.margin, s.abs(), atol=1e-5)
    clear = s.abs() > 1e-4
    assert torch.equal(regions.classes[clear], (s < 0).long()[clear])
    assert model.training
    assert model[0].training


def test_a_single_score_is_that_of_class_one():
    model = linear([[1.0, 0.0]], [-0.25])
    regions = decision_regions(model, (0, 0), (1, 1), 5)
    assert regions.classes[0].tolist() == [0, 0, 1, 1, 1]
    assert regions.margin[3].tolist() == pytest.approx([0.25, 0, 0.25, 0.5, 0.75])


@settings(max_examples=20)
@given(some.integers(0, 1000))
def test_a_linear_network_flips_where_its_scores_cross(seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).double()
    a, b = torch.randn(2, 3, 4, dtype=torch.double).unbind()
    line = between(model, a, b, 17)
    with torch.no_grad():
        d = (model(torch.stack([a, b])) @ torch.tensor([1.0, -1]).double()).tolist()
        ends = model(torch.stack([a, b])).softmax(1)
    assert torch.allclose(line.probabilities[[0, -1]], ends)
    assert line.answers[0] == ends[0].argmax()
    assert line.answers[-1] == ends[1].argmax()
    if d[0] * d[1] < 0:
        assert line.flips.tolist() == pytest.approx([d[0] / (d[0] - d[1])], abs=1e-6)
    else:
        assert len(line.flips) == 0
        assert len(line.answers) == 1


def test_every_answer_on_the_way_is_told():
    model = linear([[-1.0], [0.0], [1.0]], [0.0, 0.5, 0.0])
    line = between(model, torch.tensor([-2.0]), torch.tensor([2.0]), 50)
    assert line.answers.tolist() == [0, 1, 2]
    assert line.flips.tolist() == pytest.approx([(2 - 0.5) / 4, (2 + 0.5) / 4], abs=1e-5)


def test_a_plane_holds_its_three_examples_where_they_are():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(18, 9), nn.Tanh(), nn.Linear(9, 3))
    three = torch.randn(3, 2, 3, 3)
    plane = plane_of(model, *three, n=150, beyond=0.5)
    assert torch.allclose(
        torch.cdist(plane.places, plane.places),
        torch.cdist(three.flatten(1), three.flatten(1)),
        atol=1e-2,
    )
    assert plane.places[0].tolist() == [0, 0]
    assert plane.places[1, 1] == 0
    low, high = plane.places.amin(0), plane.places.amax(0)
    assert plane.first[0].item() == pytest.approx((low - (high - low) / 2)[0].item(), rel=1e-4)
    with torch.no_grad():
        best = model(three).topk(2, dim=1)
    for i in range(3):
        column = (plane.first - plane.places[i, 0]).abs().argmin()
        row = (plane.second - plane.places[i, 1]).abs().argmin()
        assert plane.classes[row, column] == best.indices[i, 0]
        lead = (best.values[i, 0] - best.values[i, 1]).item()
        assert plane.margin[row, column].item() == pytest.approx(lead, abs=0.05)


def test_nothing_of_the_model_is_changed():
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    stream = torch.get_rng_state()
    plane_of(model, *torch.eye(4)[:3].view(3, 1, 2, 2), n=5)
    between(model, torch.zeros(1, 2, 2), torch.ones(1, 2, 2), 5)
    assert torch.equal(stream, torch.get_rng_state())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert all(p.grad is None for p in model.parameters())


def test_bad_requests_are_refused():
    model = nn.Linear(2, 2)
    with pytest.raises(UsageError, match="two corners of two"):
        decision_regions(model, (0, 0, 0), (1, 1, 1))
    with pytest.raises(UsageError, match="does not take inputs of two numbers"):
        decision_regions(nn.Linear(3, 2), (0, 0), (1, 1))
    a, b = torch.zeros(2), torch.ones(2)
    for c in (b, 3 * b, a):
        with pytest.raises(UsageError, match="on one line"):
            plane_of(model, a, b, c)
    with pytest.raises(UsageError, match="on one line"):
        plane_of(model, a, a, b)
