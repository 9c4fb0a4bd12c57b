"""Watching where it is less simple: several outputs, reused layers, low precision, fleets."""

from dataclasses import dataclass

import pytest
import torch
from helpers.digits import digits
from torch import nn

import cutaway as ca
from cutaway.errors import UsageError
from cutaway.learn.checkpoint import load_tensors
from cutaway.learn.fleet import launch
from cutaway.learn.watching import FILE
from cutaway.recipes import pair
from cutaway.see.watched import Watched


class Twice(nn.Module):
    """A layer and a ReLU that are used twice, dropout, two outputs."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.hidden, self.relu = nn.Linear(4, 4), nn.ReLU(inplace=True)
        self.drop, self.out = nn.Dropout(0.5), nn.Linear(4, 2)

    def forward(self, x):
        h = self.relu(self.hidden(self.drop(self.relu(self.hidden(x)))))
        return self.out(h), h


def learn(model: Twice, dtype: torch.dtype, autocast: bool) -> torch.Tensor:
    torch.manual_seed(1)
    optimizer = torch.optim.AdamW(model.parameters(), 0.01)
    for _ in range(4):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            s, h = model(torch.randn(16, 4, dtype=dtype))
        (s.float().square().mean() + h.float().mean()).backward()
        optimizer.step()
    return torch.rand(1)


KINDS = [(torch.float32, True), (torch.bfloat16, False), (torch.float64, False)]


@pytest.mark.parametrize(("dtype", "autocast"), KINDS)
def test_in_any_precision_nothing_is_changed_to_the_bit(dtype, autocast):
    alone, seen = Twice().to(dtype), Twice().to(dtype)
    draw = learn(alone, dtype, autocast)
    with ca.watch(seen, every=1) as scope:
        assert torch.equal(learn(seen, dtype, autocast), draw)
    for a, b in zip(alone.parameters(), seen.parameters(), strict=True):
        assert torch.equal(a, b)
    watched = scope.watched
    assert watched.layers == ["hidden", "relu", "hidden (2)", "relu (2)", "out"]
    assert watched.fault is None
    for of in ("activations", "gradients"):
        assert watched.figure("spread", of).isfinite().all()
        assert (watched.quantiles(of).diff(dim=-1) >= 0).all()
    assert (watched.norm("update") > 0).all()


def test_figures_of_low_precision_are_those_of_its_values():
    model = Twice().eval()  # no dropout
    kept = []
    handle = model.hidden.register_forward_hook(lambda module, inputs, y: kept.append(y.clone()))
    x = torch.randn(64, 4)
    with ca.watch(model) as scope, torch.autocast("cpu", torch.bfloat16):
        scope.begin(1)
        model(x)[0].float().sum().backward()
    handle.remove()
    assert [y.dtype for y in kept] == [torch.bfloat16] * 2
    watched = scope.watched
    for name, y in zip(("hidden", "hidden (2)"), kept, strict=True):
        at = watched.layers.index(name)
        mean, spread = y.float().mean().item(), y.float().std().item()
        assert watched.figure("mean")[0, at].item() == pytest.approx(mean, rel=1e-4)
        assert watched.figure("spread")[0, at].item() == pytest.approx(spread, rel=1e-3)
        assert watched.quantiles()[0, at, 0].item() == y.min().item()
        assert watched.quantiles()[0, at, -1].item() == y.max().item()


RECIPE = pair("mlp", "digits").override(epochs=1, batch_size=32, replicates=2)


def test_each_member_of_a_fleet_is_watched(tmp_path):
    seen, alone = (
        launch(RECIPE.override(watch=every), digits(), way="in-turn", out=tmp_path / str(every))
        for every in (2, 0)
    )
    statistics = [Watched.of(*load_tensors(run.path / FILE)) for run in seen.members]
    assert statistics[0].steps == statistics[1].steps
    assert len(statistics[0].steps) > 1
    assert not torch.equal(statistics[0].norms, statistics[1].norms)  # other seeds
    for a, b in zip(seen.members, alone.members, strict=True):
        for p, q in zip(a.model.parameters(), b.model.parameters(), strict=True):
            assert torch.equal(p, q)
        assert not (b.path / FILE).exists()


def test_a_stack_says_that_it_cannot_be_watched(tmp_path):
    with pytest.raises(UsageError, match=r"watch 2 is for each network by itself. Give --way auto"):
        launch(RECIPE.override(watch=2), digits(), way="batched", out=tmp_path / "x")


def test_what_has_no_plain_values_is_left_out_and_named():
    torch.manual_seed(0)
    words, out = nn.Embedding(5, 3, sparse=True), nn.Linear(3, 2)
    model = nn.Sequential(words, out)
    with ca.watch(model) as scope:
        model(torch.tensor([0, 2, 2])).sum().backward()
    assert scope.watched.norm("gradient")[0, 1:].isfinite().all()
    assert scope.note == "Not watched, because their tensors have no plain values: 0.weight."


def test_a_step_under_vmap_goes_on():
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())

    def loss(weights, x):
        return torch.func.functional_call(model, weights, (x,)).sum()

    weights = dict(model.named_parameters())
    with ca.watch(model) as scope:
        torch.func.vmap(torch.func.grad(loss), (None, 0))(weights, torch.randn(4, 3))
    assert "Not watched" in scope.note


def test_lazy_layers_are_seen_when_they_are_there():
    model = nn.Sequential(nn.LazyLinear(2), nn.Tanh())
    with ca.watch(model, every=1) as scope:
        for _ in range(2):
            model(torch.randn(4, 3)).sum().backward()
    assert scope.watched.layers == ["0", "1"]
    assert scope.watched.norm("weight")[1].isfinite().all()


def test_attention_is_a_layer():
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
    with ca.watch(model) as scope:
        model(torch.randn(2, 5, 8)).sum().backward()
    assert scope.watched.layers[0] == "self_attn"
    assert "self_attn.out_proj" not in scope.layers


class Wrapped(Twice):
    """Its answers lie in a dataclass in a mapping, or nothing of it learns."""

    def forward(self, x):
        y, h = super().forward(x)
        return {"kept": Kept(y, [h])}


@dataclass
class Kept:
    scores: torch.Tensor
    rest: list[torch.Tensor]


def test_answers_in_mappings_and_dataclasses_and_frozen_layers_are_watched():
    model = Wrapped()
    model.hidden.requires_grad_(False)
    optimizer = torch.optim.SGD(model.out.parameters(), 0.1)
    with ca.watch(model, every=1, only=["Wrapped", "hidden"]) as scope:
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.randn(8, 4))["kept"].scores.square().sum().backward()
            optimizer.step()
    seen = scope.watched
    assert seen.layers == ["hidden", "hidden (2)", "Wrapped", "Wrapped (2)"]
    assert seen.figure("spread").isfinite().all()
    assert seen.figure("spread", "gradients")[:, 2].isfinite().all()
    assert seen.figure("spread", "gradients")[:, :2].isnan().all()
    update = dict(zip(seen.parameters, seen.norm("update").T, strict=True))
    assert (update["out.weight"] > 0).all()
    assert (update["hidden.weight"] == 0).all()
    assert scope.note == ""


def test_where_no_step_can_be_seen_it_is_said():
    model = Twice().eval()
    with ca.watch(model) as scope:
        model(torch.randn(4, 4))[0].sum().backward()
    assert "No step was seen" in scope.note
    assert scope.watched.steps == []
    with torch.no_grad(), ca.watch(model.train()) as scope:
        model(torch.randn(4, 4))
    assert "No step was seen" in scope.note


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.torch.jit.* is deprecated")  # torch 2.14
def test_what_torchscript_hides_is_said():
    model = Twice()
    model.out = torch.jit.script(model.out)
    with ca.watch(model, every=1) as scope:
        model(torch.randn(4, 4))[0].sum().backward()
    assert "out" not in scope.watched.layers
    assert scope.note.endswith("out.")
    with pytest.raises(UsageError, match="give the module that it was made from"):
        ca.watch(torch.jit.script(nn.Linear(2, 2)))
