"""What an optimizer begins with, unless told otherwise."""

import pytest

from cutaway.api import fit
from cutaway.errors import UsageError
from cutaway.learn.optim import METHODS
from cutaway.learn.options import OPTIMIZERS
from cutaway.recipes import pair, starting_point


def test_another_optimizer_brings_its_own_rates():
    before = pair("lenet5", "mnist")
    newton = before.with_options(optimizer="newton")
    assert (newton.lr, newton.schedule, newton.augment) == (1.0, "constant", "none")
    assert before.with_options(optimizer="sgd").momentum == 0.0


def test_what_the_user_says_counts():
    found = pair("lenet5", "mnist").with_options(optimizer="newton", lr=0.5)
    assert found.lr == 0.5


def test_the_same_optimizer_changes_nothing():
    before = pair("lenet5", "mnist")
    assert before.with_options(optimizer=before.optimizer) == before


def test_a_name_may_be_spelled_without_hyphens_and_in_capitals():
    before = pair("mlp", "mnist")
    assert before.with_options(optimizer="LBFGS").lr == 1.0
    assert before.with_options(optimizer="AdamW") == before.override(optimizer="AdamW")


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_every_name_is_an_optimizer(name):
    assert name in METHODS


@pytest.mark.parametrize("gate", ["and", "or", "nand", "nor", "xor"])
def test_a_truth_table_is_learned_whole_and_without_early_stopping(gate, tmp_path):
    """Of four examples none is left for validation, which early stopping would need."""
    recipe = starting_point("mlp", gate)
    assert (recipe.val, recipe.patience) == (0.0, 0)
    run = fit(recipe=recipe, epochs=50, out=tmp_path / "run", progress=False)
    assert run.results["accuracy"] == 1.0


def test_early_stopping_without_validation_images_is_refused(tmp_path):
    with pytest.raises(UsageError, match="leave none: give --patience 0"):
        fit("mlp", "xor", val=0.1, patience=3, out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
