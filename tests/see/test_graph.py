"""Graphs against counts by hand and published ones, and against networks of known shape."""

import gc
import weakref

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from cutaway.errors import UsageError
from cutaway.models import MODELS, build, find
from cutaway.see.graph import IN, Graph, graph

NAMES = sorted(MODELS)
DEEP = ("32", "44", "56", "110", "1202")
SMALL = [n for n in NAMES if (find(n).parameters or 0) < 2e6 and not n.endswith(DEEP)]


def example(name: str) -> tuple[nn.Module, Tensor]:
    """A registered network as in its source, and one example of what it takes."""
    model = find(name)
    torch.manual_seed(0)
    net = build(name, *model.example)
    channels, _, size = model.example
    grid = (size, size) if isinstance(size, int) else size
    if model.task == "implicit":
        return net, torch.rand(5, len(grid))
    if model.task in ("adversarial", "semi-supervised"):
        return net, torch.randn(2, net.latent)
    return net, torch.rand(1, channels, *grid)


def names(result: Graph, at: int = 0, back: bool = False) -> list[str]:
    """What is in a call: operations, and calls in brackets."""
    run = result.backward if back else result.forward
    return [
        f"({result.calls[p.call].name})"
        if p.call is not None
        else run.operations[p.operation or 0].name
        for p in run.levels[at].parts
    ]


def edges(result: Graph, at: int = 0) -> set[tuple[str, str]]:
    words = [*names(result, at), "out", "in"]
    return {(words[a], words[b]) for a, b in result.forward.levels[at].edges}


def test_lenet_costs_what_one_counts_by_hand():
    result = graph(*example("lenet5"), times=1)
    convolutions = 28 * 28 * 6 * 25 + 10 * 10 * 16 * 6 * 25
    products = 400 * 120 + 120 * 84 + 84 * 10
    whole = result.calls[0]
    assert whole.forward.flops == 2 * (convolutions + products)
    assert whole.parameters == 61_706
    first = next(c for c in result.calls if c.name == "c1.u")
    assert (first.type, first.inputs, first.outputs) == (
        "Conv2d",
        ((1, 1, 32, 32),),
        ((1, 6, 28, 28),),
    )
    assert first.forward.read == 4 * (32 * 32 + 6 * 25 + 6)
    assert first.forward.written == 4 * 6 * 28 * 28
    # Back: one such sum for the weights, and none for the image, which does not learn.
    assert first.backward.flops == first.forward.flops
    assert whole.backward.flops == 2 * whole.forward.flops - first.forward.flops


def test_a_chain_is_a_chain():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    result = graph(net, torch.rand(5, 3))
    assert names(result) == ["(0)", "(1)", "(2)"]
    assert result.forward.levels[0].edges == ((IN, 0), (0, 1), (1, 2), (2, 3))
    assert names(result, 1) == ["t", "addmm"]
    assert result.forward.levels[1].edges == ((IN, 1), (0, 1), (1, 2))
    product = result.forward.operations[1]
    assert (product.inputs, product.outputs) == (((4,), (5, 3), (3, 4)), ((5, 4),))
    assert product.cost.flops == 2 * 5 * 3 * 4
    assert result.forward.operations[0].cost.read == 0  # a view


class Skip(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.f, self.g, self.relu = nn.Linear(3, 3), nn.Linear(3, 3), nn.ReLU()
        self.rest = nn.Identity()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        y = self.relu(self.f(x)) + self.rest(x)
        return {"whole": self.relu(torch.cat([y, self.g(y)], 1)), "part": [y.exp()]}


def test_skips_branches_functions_and_reused_modules_are_drawn_as_they_are():
    result = graph(Skip(), torch.rand(2, 3))
    assert names(result) == ["(f)", "(relu)", "(rest)", "add", "(g)", "cat", "(relu (2))", "exp"]
    assert edges(result) == {
        ("in", "(f)"), ("(f)", "(relu)"), ("(relu)", "add"), ("in", "(rest)"), ("(rest)", "add"),
        ("add", "(g)"), ("add", "cat"), ("(g)", "cat"), ("cat", "(relu (2))"),
        ("(relu (2))", "out"), ("add", "exp"), ("exp", "out"),
    }  # fmt: skip
    assert [c.parameters for c in result.calls] == [24, 12, 0, 0, 12, 0]


def test_parameters_count_once_and_where_nobody_calls_their_module_too():
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.head = nn.Linear(4, 4), nn.Linear(4, 4, bias=False)
            self.head.weight = self.one.weight
            self.aside = nn.Linear(4, 1)
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x: Tensor) -> Tensor:
            x = self.one(self.one(self.head(x)))
            return nn.functional.linear(x, self.aside.weight) * self.scale

    result = graph(Tied(), torch.rand(2, 4))
    assert {c.name: c.parameters for c in result.calls} == {
        "Tied": 26, "head": 0, "one": 20, "one (2)": 0,
    }  # fmt: skip


def test_the_backward_pass_is_the_forward_pass_in_reverse():
    result = graph(Skip(), torch.rand(2, 3))
    nodes, run = result.backward.operations, result.forward.operations
    assert {n.name.removesuffix("Backward0").lower(): run[n.forward or 0].name for n in nodes} == {
        "add": "add", "addmm": "addmm", "cat": "cat", "exp": "exp", "relu": "relu", "t": "t",
    }  # fmt: skip
    for number, node in enumerate(nodes):
        assert node.call == run[node.forward or 0].call
        assert all(a < number for a in node.sources)
    ahead = {(a, b) for b, one in enumerate(run) for a in one.sources if a != IN}
    back = {(nodes[a].forward, n.forward) for n in nodes for a in n.sources if a != IN}
    assert {(b, a) for a, b in back} <= ahead
    product = next(n for n in nodes if n.name == "AddmmBackward0")
    assert product.inputs == ((2, 3),)
    assert product.cost.flops == 2 * 2 * (2 * 3 * 3)  # for the weights and for what came in


def test_views_and_changes_in_place_are_followed():
    class Views(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x * 2
            rows = y.view(-1)
            y.add_(1)
            return rows.sum()

    result = graph(Views(), torch.rand(2, 2))
    assert names(result) == ["mul", "view", "add_", "sum"]
    assert result.forward.operations[3].sources == (1, 2)
    assert "no backward" in result.note


@pytest.mark.parametrize("name", SMALL)
def test_every_small_network_has_a_graph(name: str):
    net, x = example(name)
    check(net, x, graph(net, x, times=1))


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in NAMES if n not in SMALL])
def test_every_large_network_has_a_graph(name: str):
    net, x = example(name)
    check(net, x, graph(net, x, times=1))


def check(net: nn.Module, x: Tensor, result: Graph) -> None:
    """What holds for any network."""
    whole = result.calls[0]
    assert whole.parameters == sum(p.numel() for p in net.parameters())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.eval()(x)
    assert whole.forward.flops == counter.get_total_flops()
    for run in (result.forward, result.backward):
        assert len(run.levels) == len(result.calls)
        for level in run.levels:
            assert all(a < b for a, b in level.edges)  # in time: no cycles
    assert result.backward.operations or result.note
    reached = set(result.forward.results)
    for number in reversed(range(len(result.forward.operations))):
        if number in reached:
            reached.update(result.forward.operations[number].sources)
    assert IN in reached  # the input leads to the output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "giga"), [("resnet50", 4.09), ("vgg16", 15.47), ("resnet18", 1.81), ("resnet101", 7.8)]
)
def test_published_counts_of_multiplications(name: str, giga: float):
    result = graph(*example(name), times=1)
    assert result.calls[0].forward.flops / 2e9 == pytest.approx(giga, rel=0.01)


def test_attention_and_recurrence_count_too():
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(6, 8, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            y, _ = self.lstm(x)
            return nn.functional.scaled_dot_product_attention(y, y, y)

    result = graph(Reader(), torch.rand(2, 5, 6))
    assert result.calls[0].forward.flops == 2 * 2 * 5 * 32 * (6 + 8) + 2 * 2 * 2 * 5 * 5 * 8


def test_nothing_changes_and_no_hook_remains():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2)).train()
    net[1].eval()
    x = torch.rand(3, 4)
    net(x).sum().backward()
    state = {name: value.clone() for name, value in net.state_dict().items()}
    slopes = [p.grad.clone() for p in net.parameters()]
    before, chance, modes = x.clone(), torch.get_rng_state(), [m.training for m in net.modules()]
    with torch.no_grad():
        graph(net, x)
    assert torch.equal(torch.get_rng_state(), chance)
    assert torch.equal(x, before)
    assert [m.training for m in net.modules()] == modes
    assert all(torch.equal(state[name], value) for name, value in net.state_dict().items())
    assert all(torch.equal(p.grad, g) for p, g in zip(net.parameters(), slopes, strict=True))
    unhooked(net)


def unhooked(net: nn.Module) -> None:
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
    assert not any(p._backward_hooks for p in net.parameters())


class Draws(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.ReLU(), nn.Linear(3, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x + torch.randn_like(x))


def test_a_network_that_fails_says_where_and_is_left_as_it_was():
    net, x = Draws().train(), torch.rand(2, 4)
    chance = torch.get_rng_state()
    with pytest.raises(UsageError, match=r"fails in its layer 'inner.1' \(Linear\): mat1 and mat2"):
        graph(net, x)
    assert torch.equal(torch.get_rng_state(), chance)
    assert net.training
    unhooked(net)
    with pytest.raises(UsageError, match=r"fails in its own forward pass: The size of tensor"):
        graph(Bad(), torch.rand(2, 4))


class Bad(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.ones(3)


def test_what_cannot_learn_or_go_back_says_so():
    net = nn.Linear(2, 2).requires_grad_(False)
    assert graph(net, torch.rand(1, 2)).backward.operations == ()

    class Torn(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise RuntimeError("no way back")

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.ones(2))

        def forward(self, x: Tensor) -> Tensor:
            return Torn.apply(x * self.w)

    result = graph(Net(), torch.rand(1, 2))
    assert result.note == "Its backward pass fails: no way back"
    assert [o.name for o in result.forward.operations] == ["mul", "mul"]


def test_checkpoints_count_what_is_computed_again():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.f = nn.Sequential(nn.Linear(3, 3), nn.Tanh())

        def forward(self, x: Tensor) -> Tensor:
            return checkpoint(self.f, x, use_reentrant=False)

    result = graph(Net(), torch.rand(2, 3))
    assert [call.name for call in result.calls] == ["Net", "f", "f.0", "f.1"]
    assert result.calls[0].backward.flops == 2 * result.calls[0].forward.flops


@pytest.mark.slow
def test_a_compiled_network_is_seen_as_it_was_written():
    net, x = nn.Sequential(nn.Linear(3, 4), nn.ReLU()), torch.rand(2, 3)
    plain = graph(net, x)
    for compiled in (torch.compile(net, backend="eager"), net):
        net.compile(backend="eager")
        result = graph(compiled, x)
        assert [call.name for call in result.calls] == [call.name for call in plain.calls]
        assert result.forward.levels == plain.forward.levels
        assert result.backward.levels == plain.backward.levels


def test_activations_are_not_held():
    kept: list[weakref.ref] = []

    class Watched(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            y = super().forward(x)
            kept.append(weakref.ref(y.untyped_storage()))
            alive = sum(ref() is not None for ref in kept)
            assert alive <= 2, "activations are held"
            return y

    net = nn.Sequential(*(Watched(4, 4) for _ in range(8))).requires_grad_(False)
    graph(net, torch.rand(1, 4), times=1)
    gc.collect()


def test_times_are_taken_and_sum_up():
    result = graph(nn.Sequential(nn.Linear(64, 64), nn.Tanh()), torch.rand(32, 64))
    for run in (result.forward, result.backward):
        assert all(one.cost.ms > 0 for one in run.operations)
    whole, first, second = result.calls
    assert whole.forward.ms == pytest.approx(first.forward.ms + second.forward.ms)
    assert whole.backward.ms == pytest.approx(first.backward.ms + second.backward.ms)
