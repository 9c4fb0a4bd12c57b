"""A module beside its graph."""

import torch
from torch import nn

from cutaway.byhand import trace


class Of(nn.Module):
    """A function as a module, with a weight."""

    def __init__(self, function, side=3):
        super().__init__()
        torch.manual_seed(0)
        self.function, self.u = function, nn.Parameter(torch.randn(side, side))

    def forward(self, *x):
        return self.function(self.u, *x)


def x_of(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def agrees(model, *x):
    """The graph's value and gradients are the module's own; gives the graph."""
    graph, learned = trace(model, *x), dict(model.named_parameters())
    y = model(*x)
    y = y[0] if isinstance(y, tuple) else y
    g = x_of(*y.shape)
    slopes = torch.autograd.grad(y, list(learned.values()), g, allow_unused=True)
    torch.testing.assert_close(graph.forward(*x), y)
    found = by_tensor(graph.backward(g), graph)
    assert len(found) == sum(slope is not None for slope in slopes)
    for value, slope in zip(learned.values(), slopes, strict=True):
        if slope is not None:
            torch.testing.assert_close(found[value.data_ptr()], slope, rtol=1e-4, atol=1e-5)
    return graph


def by_tensor(gradients, graph):
    """A tensor that has two names is known by where it lies."""
    return {graph.parameters[name].data_ptr(): g for name, g in gradients.items()}


def kinds(graph):
    return [node.title for node in graph.operations]


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.n1 = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.c2, self.act = nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(inplace=True)

    def forward(self, x):
        return self.act(x + self.c2(self.act(self.n1(self.c1(x)))))
