"""What cannot be done is refused, with numbers and with what to do."""

import sys

import pytest
import torch
from torch import nn

import cutaway
from cutaway.errors import UsageError
from cutaway.learn.optim import METHODS, find, make
from cutaway.learn.optim.factory import amount
from cutaway.learn.recipe import Recipe


def refused(weights: int = 4, **changes) -> str:
    with torch.device("meta"):
        parameter = nn.Parameter(torch.empty(weights))
    with pytest.raises(UsageError) as caught:
        make(Recipe(**changes), [parameter])
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_curvature_of_twelve_million_weights():
    for name in ("newton", "gauss-newton"):
        sentence = refused(12_000_000, optimizer=name)
        assert (
            "up to 16,384 weights. This one has 12,000,000, whose matrix would fill 576 TB"
            in sentence
        )
        assert "--optimizer l-bfgs or hessian-free" in sentence


def test_covariances_of_twelve_million_weights():
    sentence = refused(12_000_000, optimizer="cma-es")
    assert "whose matrix would fill 1,152 TB" in sentence
    assert "--optimizer evolution" in sentence


@pytest.mark.parametrize("size", [(999, "999 bytes"), (4e6, "4.0 MB"), (2.5e10, "25 GB")])
def test_amounts(size):
    assert amount(size[0]) == size[1]


TRIALS = [name for name, method in METHODS.items() if method.trials]
TWICE = [name for name, method in METHODS.items() if method.twice]


@pytest.mark.parametrize("name", TRIALS)
def test_several_evaluations_do_not_go_with_everything(name):
    assert "--clip 0" in refused(optimizer=name, clip=1.0)
    assert "--compile no" in refused(optimizer=name, compile="yes")


@pytest.mark.parametrize("name", TRIALS)
def test_a_rule_has_no_values_to_compare(name, tmp_path):
    with pytest.raises(UsageError, match=r"the task 'threshold' has a rule .* --optimizer sgd"):
        cutaway.fit("gates", "xor", optimizer=name, out=tmp_path / "run", progress=False)


@pytest.mark.parametrize("name", TWICE)
def test_second_derivatives_take_the_whole_batch(name):
    assert "--accumulate 1" in refused(optimizer=name, accumulate=2)


@pytest.mark.parametrize("name", sorted({*TRIALS} - {*TWICE}))
def test_the_others_take_a_batch_in_parts_and_an_average(name):
    recipe = Recipe(optimizer=name, accumulate=2, ema=0.9, device="cpu")
    assert make(recipe, [nn.Parameter(torch.zeros(3))])


@pytest.mark.parametrize(
    ("name", "option", "hint"),
    [
        ("newton", "dampin", "Did you mean 'damping'"),
        ("hessian-free", "iteration", "Did you mean 'iterations'"),
        ("cma-es", "populaton", "Did you mean 'population'"),
        ("evolution", "sigmaa", "Did you mean 'sigma'"),
        ("random-search", "trails", "Did you mean 'trials'"),
        ("random-search", "seed", "has no option 'seed'"),
        ("l-bfgs", "history", "Did you mean 'history_size'"),
        ("muon", "ns_step", "Did you mean 'ns_steps'"),
    ],
)
def test_misspelt_options(name, option, hint):
    assert hint in refused(optimizer=name, optimizer_options={option: 1})


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("newton", {"damping": -1}), ("newton", {"trials": 0}), ("cma-es", {"population": 2}),
        ("evolution", {"sigma": 0}), ("evolution", {"pairs": 0}), ("random-search", {"trials": 0}),
        ("hessian-free", {"iterations": 0}), ("hessian-free", {"damping": -1}),
        ("newton", {"curvature": "round"}),
    ],
)  # fmt: skip
def test_impossible_options(name, options):
    sentence = refused(optimizer=name, optimizer_options=options)
    assert sentence.startswith(f"The optimizer '{name}' cannot be used: ")


@pytest.mark.parametrize("name", ["newton", "hessian-free", "random-search", "cma-es", "l-bfgs"])
def test_all_weights_move_together(name):
    fast, slow = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))
    recipe = Recipe(optimizer=name, backbone_rate=0.1, device="cpu")
    with pytest.raises(UsageError, match="--backbone-rate 1"):
        make(recipe, [fast, slow], [slow])


def test_names():
    assert find("L_BFGS") is find("lbfgs") is METHODS["l-bfgs"]
    assert find("CMAES") is METHODS["cma-es"]
    with pytest.raises(UsageError, match="Did you mean 'newton'"):
        find("neuton")
    with pytest.raises(UsageError, match="There is no optimizer 'sparseadam'"):
        find("sparseadam")


def test_every_method_says_where_it_comes_from():
    assert {method.knows for method in METHODS.values()} == {"values", "gradients", "curvature"}
    assert all(any(c.isdigit() for c in method.source) for method in METHODS.values())


def test_a_library_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch_optimizer", None)
    assert "pip install 'cutaway[optimizers]'" in refused(optimizer="soap")


def test_a_step_without_a_closure(monkeypatch):
    class Deaf(torch.optim.SGD):
        def step(self):
            """Asks for nothing."""

    monkeypatch.setattr("torch.optim.Deaf", Deaf, raising=False)
    assert "takes no closure" in refused(optimizer="torch.optim:Deaf")


def test_no_decay_is_none_at_all():
    """AdamW pulls by 0.01 unless it is told not to."""
    optimizer = make(Recipe(optimizer="adamw", weight_decay=0.0), [nn.Parameter(torch.zeros(2, 2))])
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.0]
