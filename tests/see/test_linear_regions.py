"""Linear pieces along a line, against those that are known and those that are counted point by
point in float64."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.see.layer_statistics import linear_regions

ZERO, ONE = torch.zeros(1), torch.ones(1)


class Said(nn.Module):
    """A function, as a network."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def test_regions_along_a_line_are_its_bends():
    model = nn.Sequential(nn.Linear(1, 5), nn.ReLU(), nn.Linear(5, 1))
    with torch.no_grad():
        model[0].weight.fill_(1)
        model[0].bias.copy_(-torch.tensor([0.1, 0.3, 0.5, 0.7, 2.0]))
    assert linear_regions(model, ZERO, ONE) == 5
    assert linear_regions(nn.Linear(1, 1), ZERO, ONE) == 1
    model[0].bias.data[0] = -0.3  # two bends at one place
    assert linear_regions(model, ZERO, ONE) == 4
    model[2].weight.data[0, 4] = model[2].weight.data[0, 3] = 0  # and one that changes nothing
    assert linear_regions(model, ZERO, ONE) == 3


KNOWN = {
    "relu": (lambda x: F.relu(x - 0.5), 2),
    "relu in place": (lambda x: x.sub_(0.5).relu_(), 2),
    "leaky relu": (lambda x: F.leaky_relu(x - 0.5), 2),
    "prelu": (lambda x: F.prelu(x - 0.5, torch.full((1,), 0.3).to(x)), 2),
    "relu6": (lambda x: F.relu6(20 * x - 5), 3),
    "hardtanh": (lambda x: F.hardtanh(4 * x - 2), 3),
    "clamp": (lambda x: x.clamp(0.25, 0.5), 3),
    "clamp below": (lambda x: x.clamp(min=0.25), 2),
    "abs": (lambda x: (x - 0.5).abs(), 2),
    "maximum": (lambda x: torch.maximum(x, 1 - x), 2),
    "max": (lambda x: torch.stack([x, 1 - x, 0.6 + 0 * x]).max(0).values, 3),
    "amin": (lambda x: torch.cat([x, 1 - x], 1).amin(1), 2),
    "where": (lambda x: torch.where(x > 0.25, 2 * x - 0.25, x), 2),
    "max pooling": (lambda x: F.max_pool1d(torch.cat([x, 1 - x, x, 0 * x], 1)[:, None], 2), 2),
    "a step": (lambda x: (x > 0.5).to(x), 2),
    "a shrinking": (lambda x: F.hardshrink(x - 0.5, 0.25), 3),
    "sorting": (lambda x: torch.cat([x, 1 - x, 0 * x + 0.7], 1).sort(1).values, 4),
    "nothing": (lambda x: 0 * x, 1),
    "a bend at the end": (lambda x: x.abs() + (1 - x).abs(), 1),
}


@pytest.mark.parametrize("name", KNOWN)
def test_pieces_are_those_of_what_is_computed(name):
    function, count = KNOWN[name]
    assert linear_regions(Said(function), ZERO, ONE) == count
    assert linear_regions(Said(function), ZERO, ONE, places=999) == count


class Pooled(nn.Module):
    """Convolutions, functional ReLUs, absolute values and max pooling."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3)
        self.norm, self.head = nn.BatchNorm2d(4), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = F.max_pool2d(F.relu(self.norm(self.one(x))), 2)
        x = F.relu6(self.two(x)).abs()
        return {"aside": x, "logits": self.head(x.amax((2, 3)))}


def counted(model: nn.Module, a: Tensor, b: Tensor, n: int) -> int:
    """Bends of the outputs themselves: second differences on a fine grid in float64; one or two
    neighbouring ones that are not zero are a bend."""
    share = ((torch.arange(n, dtype=torch.double) + 0.3) / n).view(-1, *[1] * a.ndim)
    with torch.no_grad():
        y = model.double().eval()(a.double() + share * (b - a).double())["logits"]
    bent = (y.diff(dim=0).diff(dim=0).abs() > 1e-12).any(1)
    starts = bent & ~torch.cat([bent.new_zeros(1), bent[:-1]])
    return 1 + int(starts.sum())


def test_a_networks_pieces_are_those_that_are_counted_point_by_point():
    draw = torch.Generator().manual_seed(1)
    a, b = torch.randn(2, 1, 10, 10, generator=draw)[:, None]
    model = Pooled()
    count = linear_regions(model, a[0], b[0], places=8192)
    assert count == counted(model, a[0], b[0], 8192)
    assert count > 20


def test_modules_and_functions_count_alike():
    torch.manual_seed(0)
    one, two = nn.Linear(6, 40), nn.Linear(40, 3)
    modules = nn.Sequential(one, nn.ReLU(), two)
    a, b = torch.randn(2, 6)
    functions = Said(lambda x: F.linear(F.relu(F.linear(x, *pair(one, x))), *pair(two, x)))
    assert linear_regions(modules, a, b) == linear_regions(functions, a, b) > 10


def pair(layer: nn.Linear, x: Tensor) -> tuple[Tensor, Tensor]:
    return layer.weight.to(x), layer.bias.to(x)


def test_what_is_not_made_of_pieces_is_refused_and_a_layer_before_it_is_counted():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 30), nn.ReLU(), nn.Linear(30, 3), nn.Softmax(1)).half()
    a, b = torch.randn(2, 2)
    with pytest.raises(UsageError, match=r"not piecewise linear.*name a layer before it"):
        linear_regions(model, a, b)
    assert linear_regions(model, a, b, layer="2") > 5
    with pytest.raises(UsageError, match="no layer '7'"):
        linear_regions(model, a, b, layer="7")
    with pytest.raises(UsageError, match="cannot be run in float64"):
        linear_regions(Said(lambda x: x @ torch.ones(2, 2)), a, b)
    assert all(p.dtype == torch.half and p.grad is None for p in model.parameters())
