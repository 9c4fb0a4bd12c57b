"""The loop against the plainest loop there is, and the rules of the game."""

import pytest
import torch
from helpers.small_loop import RECIPE, feed, network, trained, weights
from torch import nn
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.learn import runtime as runtimes
from cutaway.learn.loop import (
    MetricTotals,
    NotFinite,
    held_fixed,
    limit_rows,
    optimizers_of,
    training_steps,
)
from cutaway.learn.optim import make, optimizer_class
from cutaway.learn.recipe import Recipe
from cutaway.learn.schedule import rate
from cutaway.learn.task import Player
from cutaway.learn.tasks.classify import Classify


def test_it_is_the_plain_loop():
    oracle, batches = network(), feed(RECIPE)
    decay = [p for p in oracle.parameters() if p.ndim > 1]
    rest = [p for p in oracle.parameters() if p.ndim <= 1]
    optimizer = torch.optim.SGD(
        [{"params": decay, "weight_decay": 5e-4}, {"params": rest, "weight_decay": 0.0}],
        lr=0.1, momentum=0.9, nesterov=True,
    )  # fmt: skip
    for step in range(12):
        for group in optimizer.param_groups:
            group["lr"] = 0.1 * rate("linear", step, 12, 0.25)
        batch = batches.batch(step)
        loss = F.cross_entropy(oracle(batch.x), batch.t, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.testing.assert_close(weights(trained(RECIPE, 12)), weights(oracle))


def test_accumulation_changes_nothing_but_rounding():
    whole = trained(RECIPE, 8)
    in_parts = trained(RECIPE.override(accumulate=3), 8)
    torch.testing.assert_close(weights(whole), weights(in_parts), rtol=1e-4, atol=1e-6)


def test_clipping_bounds_the_first_step():
    recipe = RECIPE.override(
        clip=0.01, optimizer="sgd", momentum=0, weight_decay=0, schedule="constant", warmup=0
    )
    moved = weights(trained(recipe, 1)) - weights(network())
    assert moved.norm().item() == pytest.approx(0.1 * 0.01, rel=1e-3)


def test_max_norm_bounds_each_row_and_leaves_short_ones():
    recipe = RECIPE.override(max_norm=0.5, weight_decay=0)
    free, held = trained(RECIPE.override(weight_decay=0), 6), trained(recipe, 6)
    for name, p in held.named_parameters():
        if p.ndim > 1:
            assert p.norm(dim=1).max().item() == pytest.approx(0.5, rel=1e-5), name
    assert max(p.flatten(1).norm(dim=1).max() for p in free.parameters() if p.ndim > 1) > 0.6
    w = nn.Parameter(torch.tensor([[3.0, 4.0], [0.3, 0.4]]))
    limit_rows([w, nn.Parameter(torch.tensor([9.0]))], 1.0)
    assert torch.allclose(w, torch.tensor([[0.6, 0.8], [0.3, 0.4]]))


def test_tally_means_are_over_images():
    model, totals = network(), MetricTotals()
    runtime = runtimes.choose(RECIPE, model)
    table = optimizers_of(Classify().players(model), RECIPE.override(lr=1e-9), runtime)
    batches = feed(RECIPE)
    for _ in training_steps(table, batches, totals, 0, batches.batches_per_epoch):
        pass
    x = torch.cat([b.x for b in batches.in_order()])
    t = torch.cat([b.t for b in batches.in_order()])
    s = model(x)
    means = totals.means()
    assert means["loss"] == pytest.approx(F.cross_entropy(s, t).item(), rel=1e-5)
    assert means["accuracy"] == pytest.approx((s.argmax(1) == t).double().mean().item())


def test_players_move_in_turn_while_the_others_are_held():
    """A game of two: f = x y, one minimises, the other maximises; x moves twice a turn."""
    x, y = nn.Parameter(torch.tensor([[1.0]])), nn.Parameter(torch.tensor([[1.0]]))
    seen = []

    def loss(sign):
        def value(batch):
            seen.append((x.requires_grad, y.requires_grad))
            return sign * (x * y).sum(), {}

        return value

    recipe = Recipe(
        optimizer="sgd", lr=0.1, momentum=0, weight_decay=0, schedule="constant", warmup=0,
        batch_size=16, device="cpu",
    )  # fmt: skip
    players = (Player("x", (x,), loss(+1), turns=2), Player("y", (y,), loss(-1)))
    runtime = runtimes.choose(recipe, nn.ParameterList([x, y]))
    for _ in training_steps(
        optimizers_of(players, recipe, runtime), feed(recipe), MetricTotals(), 0, 1
    ):
        pass
    assert seen == [(True, False), (True, False), (False, True)]
    assert x.item() == pytest.approx(0.8)  # 1 - 0.1 - 0.1
    assert y.item() == pytest.approx(1.08)  # 1 + 0.1 * 0.8
    assert x.requires_grad
    assert y.requires_grad


def test_held_parameters_are_freed_after_an_exception():
    p = nn.Parameter(torch.zeros(1))
    with pytest.raises(RuntimeError, match="inside False"), held_fixed([p]):
        raise RuntimeError(f"inside {p.requires_grad}")
    assert p.requires_grad


def test_a_loss_that_is_not_finite_ends_the_game():
    with pytest.raises(NotFinite):
        trained(RECIPE.override(lr=1000, schedule="constant", warmup=0), 200)


@pytest.mark.parametrize("name", ["sgd", "nesterov", "adam", "adamw", "RMSprop", "adagrad"])
def test_optimizers_learn(name):
    recipe = RECIPE.override(optimizer=name, lr=0.01, schedule="constant", warmup=0)
    batch = feed(recipe).batch(0)
    before = F.cross_entropy(network()(batch.x), batch.t)
    after = F.cross_entropy(trained(recipe, 40)(batch.x), batch.t)
    assert after.item() < before.item()


def test_any_class_can_be_named():
    assert optimizer_class("torch.optim:Rprop") is torch.optim.Rprop


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"optimizer": "adamm"}, "Did you mean 'adam"),
        ({"optimizer": "sparseadam"}, "no optimizer 'sparseadam'"),
        ({"optimizer": "nowhere:Thing"}, "cannot be imported"),
        ({"optimizer": "torch.nn:Linear"}, r"is not a torch\.optim"),
        ({"optimizer_options": {"esp": 1}}, "has no option 'esp'"),
        ({"optimizer": "adam", "optimizer_options": {"eps": -1.0}}, "cannot be used"),
    ],
)
def test_optimizers_that_cannot_be_are_refused(changes, words):
    with pytest.raises(UsageError, match=words):
        make(RECIPE.override(**changes), tuple(network().parameters()))


def test_nothing_to_learn_is_refused():
    with pytest.raises(UsageError, match="no trainable parameters"):
        make(RECIPE, ())
