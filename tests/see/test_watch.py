"""A scope sees what autograd sees, and changes nothing."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import cutaway as ca
from cutaway.errors import UsageError
from cutaway.see.watched import Watched


def lenet() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.5), nn.Flatten(),
        nn.Linear(54, 8), nn.Tanh(), nn.Linear(8, 3),
    )  # fmt: skip


def learn(model: nn.Module, steps: int, rate: float = 0.1) -> torch.Tensor:
    """SGD on random images; gives a draw from the random stream afterwards."""
    torch.manual_seed(1)
    optimizer = torch.optim.SGD(model.parameters(), rate)
    for _ in range(steps):
        x, t = torch.randn(16, 1, 8, 8), torch.randint(3, (16,))
        optimizer.zero_grad()
        F.cross_entropy(model(x), t).backward()
        optimizer.step()
    return torch.rand(1)


def hooks(model: nn.Module) -> int:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    mine = sum(len(getattr(m, kind)) for m in model.modules() for kind in kinds)
    return mine + sum(len(p._post_accumulate_grad_hooks or ()) for p in model.parameters())


def test_watching_changes_nothing_to_the_bit():
    alone, seen = lenet(), lenet()
    draw = learn(alone, 5)
    with ca.watch(seen, every=1):
        assert torch.equal(learn(seen, 5), draw)
    for a, b in zip(alone.parameters(), seen.parameters(), strict=True):
        assert torch.equal(a, b)


def test_no_hook_remains():
    model = lenet()
    with ca.watch(model, every=2):
        learn(model, 5)
    assert hooks(model) == 0


def test_no_hook_remains_after_an_exception_inside():
    model = lenet()
    with pytest.raises(RuntimeError), ca.watch(model, every=1):
        model(torch.randn(2, 3, 8, 8))
    assert hooks(model) == 0


def test_between_watched_steps_only_the_model_is_hooked():
    model = lenet()
    with ca.watch(model, every=3) as scope:
        learn(model, 1)
        assert hooks(model) > 10
        learn(model, 1)
        assert hooks(model) == 1
    assert scope.watched.steps == [1]


def test_figures_are_those_of_autograd():
    model = lenet().eval()  # no dropout
    x, t = torch.randn(16, 1, 8, 8), torch.randint(3, (16,))
    z = model[1](model[0](x))
    z.retain_grad()
    F.cross_entropy(model[2:](z), t).backward()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    with ca.watch(model) as scope:
        scope.begin(1)
        model.zero_grad()
        F.cross_entropy(model(x), t).backward()
        torch.optim.SGD(model.parameters(), 0.1).step()
    seen = scope.watched
    at = seen.layers.index("1")
    assert seen.figure("mean")[0, at].item() == pytest.approx(z.mean().item(), rel=1e-5)
    assert seen.figure("spread")[0, at].item() == pytest.approx(z.std().item(), rel=1e-4)
    assert z.grad is not None
    value = seen.figure("spread", "gradients")[0, at].item()
    assert value == pytest.approx(z.grad.std().item(), rel=1e-4)
    for i, (name, p) in enumerate(model.named_parameters()):
        assert seen.parameters[i] == name
        weight, gradient, update = seen.norms[0, i].tolist()
        assert weight == pytest.approx(before[name].norm().item(), rel=1e-5)
        assert p.grad is not None
        assert gradient == pytest.approx(p.grad.norm().item(), rel=1e-5)
        assert update == pytest.approx(0.1 * gradient, rel=1e-3)


def test_planted_dead_units_are_found():
    model = lenet()
    with torch.no_grad():
        model[0].bias[:4] = -100
    with ca.watch(model) as scope:
        learn(model, 1)
    seen = scope.watched
    assert seen.figure("idle")[0, seen.layers.index("1")].item() == pytest.approx(4 / 6)
    assert seen.figure("idle")[0, seen.layers.index("0")].isnan()


def test_saturation_is_the_share_near_the_bounds():
    model = nn.Sequential(nn.Linear(1, 1000), nn.Tanh())
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias[:250], model[0].bias[250:] = 10, 0
    with ca.watch(model) as scope:
        model(torch.zeros(1, 1)).sum().backward()
    assert scope.watched.share_beyond(-0.99, 0.99)[0, 1].item() == pytest.approx(0.25, abs=1 / 64)


def test_a_layer_that_is_used_twice_is_seen_twice():
    relu = nn.ReLU()
    model = nn.Sequential(nn.Linear(4, 4), relu, nn.Linear(4, 4), relu)
    with ca.watch(model) as scope:
        model(torch.randn(3, 4)).sum().backward()
    assert scope.watched.layers == ["0", "1", "2", "1 (2)"]


class Several(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.out = nn.LSTM(4, 5, batch_first=True), nn.Linear(5, 2)

    def forward(self, x):
        h, _ = self.lstm(x)
        return {"last": self.out(h[:, -1]), "all": h}


def test_several_outputs_are_seen():
    model = Several()
    with ca.watch(model) as scope:
        output = model(torch.randn(3, 6, 4))
        (output["last"].sum() + output["all"].sum()).backward()
    assert scope.watched.layers == ["lstm", "lstm (2)", "lstm (3)", "out"]
    assert scope.watched.norm("gradient").isfinite().all()


def test_mixed_precision_is_watched():
    model = lenet()
    with ca.watch(model) as scope, torch.autocast("cpu", torch.bfloat16):
        model(torch.randn(4, 1, 8, 8)).float().sum().backward()
    assert scope.watched.figure("spread", "gradients").isfinite().all()


def test_what_is_not_differentiated_is_not_seen():
    model = lenet()
    with ca.watch(model) as scope:
        with torch.no_grad():
            model(torch.randn(4, 1, 8, 8))
        model.eval()(torch.randn(4, 1, 8, 8))
    assert scope.watched.steps == []


class Root(nn.Module):
    def forward(self, x):
        return x.sqrt()


def test_the_first_number_that_is_not_finite_is_named():
    model = nn.Sequential(nn.Identity(), Root(), nn.ReLU())
    x = torch.ones(5, 2)
    x[3, 1] = -1
    with ca.watch(model) as scope:
        model(x)
    assert str(scope.watched.fault) == (
        "step 1: the output (Root) of '1' is not finite, first for example 3 of the batch"
    )


def test_a_gradient_that_is_not_finite_is_named():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), Root())
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.zero_()  # the root of zero has an infinite slope
    with ca.watch(model) as scope:
        model(torch.ones(2, 2)).sum().backward()
    fault = scope.watched.fault
    assert fault is not None
    assert (fault.layer, fault.operation) == ("1", "the gradient")


def test_memory_is_bounded():
    model = lenet()
    with ca.watch(model, every=1, most=20_000) as scope:
        learn(model, 50)
    seen = scope.watched
    assert 2 <= len(seen.steps) <= 10
    assert scope.every > 1
    gaps = {b - a for a, b in zip(seen.steps, seen.steps[1:], strict=False)}
    assert len(gaps) == 1


def test_what_was_seen_survives_a_file():
    model = lenet()
    with ca.watch(model, every=2) as scope:
        learn(model, 4)
    seen = scope.watched
    again = Watched.of(*seen.parts())
    assert again.steps == seen.steps
    for a, b in zip(again.parts()[0].values(), seen.parts()[0].values(), strict=True):
        assert torch.equal(a.nan_to_num(7), b.nan_to_num(7))


def test_bad_requests_are_refused():
    with pytest.raises(UsageError, match="not 0"):
        ca.watch(lenet(), every=0)
    with pytest.raises(UsageError, match="no layer 'conv'"):
        ca.watch(lenet(), only=["conv"])


@pytest.mark.slow
def test_of_a_compiled_network_the_weights_are_watched():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    compiled = torch.compile(model, backend="eager")
    with ca.watch(compiled) as scope:
        compiled(torch.randn(3, 4)).sum().backward()
        torch.optim.SGD(model.parameters(), 0.1).step()
    assert "compiled" in scope.note
    assert scope.watched.layers == []
    assert scope.watched.parameters == ["0.weight", "0.bias"]
    assert (scope.watched.ratio > 0).all()
