import pytest
from torch import nn

from cutaway.errors import UsageError
from cutaway.see.layers import layers, tensors


def network():
    inner = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    return nn.Sequential(inner, nn.Flatten(), inner, nn.Dropout(), nn.Linear(2, 1))


def test_layers_are_those_that_compute():
    assert list(layers(network())) == ["0.0", "0.1", "4"]


def test_a_network_that_is_one_layer_has_its_type_for_a_name():
    assert list(layers(nn.Linear(1, 1))) == ["Linear"]


def test_names_and_patterns_choose():
    assert list(layers(network(), ["0", "?.1"])) == ["0", "0.1"]


def test_an_unknown_layer_offers_the_nearest():
    with pytest.raises(UsageError, match=r"no layer 'fc'. Did you mean 'fc1'"):
        layers(nn.ModuleDict({"fc1": nn.ReLU()}), ["fc"])


def test_tensors_are_found_however_they_are_packed():
    import torch

    x, indices = torch.zeros(1), torch.zeros(1, dtype=torch.long)
    assert len(list(tensors({"a": x, "b": [(x, indices), None]}))) == 2
