import pytest
import torch
from torch import nn

from cutaway.errors import UsageError
from cutaway.see.agreement import layer_agreement
from cutaway.see.layer_statistics import cka
from cutaway.see.probe import answers


def network(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(64, 6), nn.Tanh()
    )


def images() -> torch.Tensor:
    return torch.randn(30, 1, 6, 6, generator=torch.Generator().manual_seed(0))


def test_each_entry_is_the_cka_of_two_layers():
    one, other, x = network(0), network(1), images()
    agreement = layer_agreement(one, other, x, ["0", "1", "4"])
    assert agreement.rows == ("0", "1", "4")
    assert agreement.columns == ("0", "1", "4", "5")
    mine, theirs = answers(one, x), answers(other, x)
    for i, a in enumerate(agreement.rows):
        for j, b in enumerate(agreement.columns):
            expected = cka(mine[a].flatten(1), theirs[b].flatten(1))
            assert agreement.cka[i, j].item() == pytest.approx(expected, abs=1e-5)


def test_a_network_whose_units_are_rotated_agrees():
    one, other, x = network(0), network(0), images()
    with torch.no_grad():
        q = torch.linalg.qr(torch.randn(6, 6)).Q
        other[4].weight.copy_(3 * q @ one[4].weight)
        other[4].bias.zero_()
    agreement = layer_agreement(one, other, x, ["4", "0"], ["0", "4"])
    assert agreement.rows == ("0", "4")
    assert agreement.cka.diagonal().tolist() == pytest.approx([1, 1])
    assert agreement.cka[0, 1] < 0.95


def test_a_layer_that_answers_one_thing_agrees_with_none():
    one = network(0)
    with torch.no_grad():
        one[4].weight.zero_()
    agreement = layer_agreement(one, one, images(), ["4"], ["0"])
    assert agreement.cka.isnan().all()


def test_nothing_of_the_models_is_changed():
    one, other = network(0).train(), network(1).eval()
    stream = torch.get_rng_state()
    layer_agreement(one, other, images())
    assert torch.equal(stream, torch.get_rng_state())
    assert all(module.training for module in one.modules())
    assert not any(module.training for module in other.modules())
    assert not any(module._forward_hooks for both in (one, other) for module in both.modules())


def test_bad_requests_are_refused():
    with pytest.raises(UsageError, match="no layer '9'"):
        layer_agreement(network(0), network(1), images(), ["9"])
    with pytest.raises(UsageError, match="at least two examples"):
        layer_agreement(network(0), network(1), images()[:1])
