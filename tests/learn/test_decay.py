"""Weight decay of each kind against the optimizer of PyTorch that has it as its own."""

import pytest
import torch
from helpers.small_loop import RECIPE, trained, weights


def pulled(**changes) -> torch.Tensor:
    """The weights after some steps with a strong decay."""
    return weights(trained(RECIPE.override(lr=0.01, weight_decay=0.3, **changes), 6))


@pytest.mark.parametrize(
    ("other", "decay", "own"),
    [
        ("adamw", "l2", "adam"),
        ("adam", "decoupled", "adamw"),
        ("adam", "l2", "adam"),
        ("adamw", "decoupled", "adamw"),
        ("nesterov", "l2", "nesterov"),
    ],
)
def test_it_is_that_of_the_optimizer_that_has_it(other, decay, own):
    found, wanted = pulled(optimizer=other, decay=decay), pulled(optimizer=own)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    assert (found - pulled(optimizer=other, decay=decay, accumulate=2)).abs().max() < 1e-3


def test_the_two_kinds_differ():
    assert (pulled(optimizer="adam", decay="l2") - pulled(optimizer="adamw")).abs().max() > 1e-3


def test_optimizers_without_one_get_one():
    plain, held = pulled(optimizer="rprop"), pulled(optimizer="rprop", decay="decoupled")
    assert held.norm() < plain.norm()
