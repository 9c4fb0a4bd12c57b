"""What is changed inside a network, against the same done to its weights."""

import pytest
import torch
from torch import nn

from cutaway.errors import UsageError
from cutaway.see.ablation import ablate, modified_outputs, patch_units, set_units, zero_output
from cutaway.see.probe import answers


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5), nn.ReLU(), nn.Linear(5, 3)
    )


def images(seed=0):
    return torch.randn(2, 1, 6, 6, generator=torch.Generator().manual_seed(seed))


def test_a_removed_channel_is_one_without_weights():
    model, other, x = network(), network(), images()
    with torch.no_grad():
        other[0].weight[[1, 3]] = 0
        other[0].bias[[1, 3]] = 0
        with modified_outputs(model, {"0": set_units([3, 1])}):
            assert torch.equal(model(x), other(x))
        assert not torch.equal(model(x), other(x))


def test_a_unit_that_is_set_has_its_value():
    model = network()
    with modified_outputs(model, {"3": set_units([2], 7.0)}):
        outputs = answers(model, images(), ["4"])["4"]
    assert outputs[:, 2].tolist() == [7, 7]


def test_a_zeroed_layer_answers_zero():
    model = network()
    with modified_outputs(model, {"4": zero_output}), torch.no_grad():
        assert torch.equal(model(images()), model[5].bias.detach().expand(2, 3))


def test_patched_units_decide_the_answer():
    model, x, other = network(), images(), images(1)
    source = answers(model, other, ["1"])["1"]
    with torch.no_grad():
        with modified_outputs(model, {"1": patch_units(source)}):
            assert torch.equal(model(x), model(other))
        with modified_outputs(model, {"1": patch_units(source[:1], [0, 2])}):
            outputs = answers(model, x, ["2"])["2"].reshape(2, 4, 4, 4)
    own = answers(model, x, ["1"])["1"]
    assert torch.equal(outputs[:, 1], own[:, 1])
    assert torch.equal(outputs[1, 2], source[0, 2])


def test_ablation_finds_the_unit_that_matters():
    model, x = network(), images()
    with torch.no_grad():
        model[5].weight[:] = 0
        model[5].weight[:, 3] = 1
        model[3].bias[3] = 5
    whole = model(x).sum().item()
    values = ablate(model, lambda: model(x).sum().item(), "3", range(5))
    assert values[[0, 1, 2, 4]].tolist() == pytest.approx([whole] * 4)
    assert values[3].item() == pytest.approx(2 * model[5].bias.sum().item(), rel=1e-5)


def test_no_hook_remains_after_an_exception():
    model = network()
    with (
        pytest.raises(UsageError, match=r"units 0 to 3, not \[4\]"),
        modified_outputs(model, {"0": set_units([4])}),
    ):
        model(images())
    assert not any(module._forward_hooks for module in model.modules())


def test_an_unknown_layer_offers_the_nearest():
    with (
        pytest.raises(UsageError, match="no layer 'conv'"),
        modified_outputs(network(), {"conv": zero_output}),
    ):
        pass


def test_answers_are_copies_in_the_order_of_the_calls():
    relu = nn.ReLU(inplace=True)
    model = nn.Sequential(nn.Linear(2, 2), relu, nn.Linear(2, 2), relu).train()
    outputs = answers(model, torch.randn(3, 2))
    assert list(outputs) == ["0", "1", "2", "1 (2)"]
    assert (outputs["0"] < 0).any()
    assert model.training
