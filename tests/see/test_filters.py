"""Weights and maps that are known, as pictures."""

import pytest
import torch
from torch import nn

from cutaway.errors import UsageError
from cutaway.see.filters import feature_maps, filters


def test_zero_is_grey_and_each_filter_has_its_own_scale():
    conv = nn.Conv2d(1, 2, 2)
    with torch.no_grad():
        conv.weight[0, 0] = torch.tensor([[4.0, -2], [0, 1]])
        conv.weight[1, 0] = torch.tensor([[0.0, 0], [0, -0.1]])
    pictures = filters(conv)
    assert pictures.shape == (2, 1, 1, 2, 2)
    assert pictures[0].flatten().tolist() == pytest.approx([1, 0.25, 0.5, 0.625])
    assert pictures[1].flatten().tolist() == pytest.approx([0.5, 0.5, 0.5, 0])
    assert torch.equal(pictures, filters(conv.weight))


def test_three_channels_are_one_picture_others_each_their_own():
    torch.manual_seed(0)
    colour, deep = nn.Conv2d(3, 5, 7), nn.Conv2d(6, 4, 3)
    pictures = filters(colour)
    assert pictures.shape == (5, 1, 3, 7, 7)
    assert (pictures - 0.5).abs().amax((1, 2, 3, 4)).tolist() == pytest.approx([0.5] * 5)
    pictures = filters(deep)
    assert pictures.shape == (4, 6, 1, 3, 3)
    w = deep.weight.detach()
    assert torch.allclose(pictures[2, 4, 0] - 0.5, 0.5 * w[2, 4] / w[2].abs().max())
    assert filters(deep, most=2).shape == (2, 2, 1, 3, 3)
    assert torch.equal(filters(deep, most=2), pictures[:2, :2])


def test_weights_of_a_dense_layer_lie_as_the_images_do():
    torch.manual_seed(0)
    dense = nn.Linear(2 * 3 * 5, 4)
    pictures = filters(dense, (2, 3, 5))
    assert pictures.shape == (4, 2, 1, 3, 5)
    x = torch.zeros(1, 2, 3, 5)
    x[0, 1, 2, 4] = 1
    with torch.no_grad():
        answer = dense(x.flatten(1))[0] - dense.bias
    scale = dense.weight.detach().abs().amax(1)
    assert torch.allclose((pictures[:, 1, 0, 2, 4] - 0.5) * 2 * scale, answer, atol=1e-6)
    assert filters(nn.Linear(9, 2), (1, 3, 3)).shape == (2, 1, 1, 3, 3)


def test_a_transposed_convolution_is_told_by_its_outputs():
    torch.manual_seed(0)
    grouped = nn.ConvTranspose2d(4, 6, 3, groups=2)
    w = grouped.weight.detach()
    pictures = filters(grouped)
    assert pictures.shape == (6, 2, 1, 3, 3)
    unit = torch.stack([w[2, 1], w[3, 1]])  # the fifth output, of the second group
    assert torch.allclose(pictures[4, :, 0], 0.5 + 0.5 * unit / unit.abs().max())
    assert filters(nn.Conv1d(2, 3, 5)).shape == (3, 2, 1, 1, 5)


def test_weights_of_zero_are_grey():
    conv = nn.Conv2d(1, 1, 2)
    nn.init.zeros_(conv.weight)
    assert (filters(conv) == 0.5).all()


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.Dropout(0.5), nn.ReLU(), nn.Flatten(), nn.Linear(96, 5)
    )


def test_maps_are_the_answers_at_rest():
    model, x = network().train(), torch.randn(1, 6, 6)
    stream = torch.get_rng_state()
    maps = feature_maps(model, x, "2")
    assert torch.equal(stream, torch.get_rng_state())
    with torch.no_grad():
        expected = model[0](x[None])[0].relu()
    assert torch.equal(maps.maps, expected)
    assert maps.units.tolist() == list(range(6))
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())
    best = feature_maps(model, x, "2", most=2, strongest=True)
    assert best.units.tolist() == expected.amax((1, 2)).topk(2).indices.tolist()
    assert torch.equal(best.maps, expected[best.units])


def test_units_without_places_signals_and_videos_have_maps_too():
    model, x = network(), torch.randn(1, 6, 6)
    assert feature_maps(model, x, "4").maps.shape == (5, 1, 1)
    assert feature_maps(nn.Conv1d(1, 2, 3), torch.randn(1, 9), "Conv1d").maps.shape == (2, 1, 7)
    maps = feature_maps(nn.Conv3d(1, 2, 1), torch.randn(1, 4, 3, 5), "Conv3d").maps
    assert maps.shape == (2, 12, 5)


def test_bad_requests_are_refused():
    with pytest.raises(UsageError, match="a ReLU has none"):
        filters(nn.ReLU())
    with pytest.raises(UsageError, match="has 9 inputs: give the shape"):
        filters(nn.Linear(9, 2))
    with pytest.raises(UsageError, match=r"are, not \(1, 4, 4\)"):
        filters(nn.Linear(9, 2), (1, 4, 4))
    with pytest.raises(UsageError, match="with 3 spatial dimensions"):
        filters(nn.Conv3d(1, 1, 2))
    with pytest.raises(UsageError, match="no layer '9'"):
        feature_maps(network(), torch.randn(1, 6, 6), "9")
