"""Planted likes of units, found again."""

import pytest
import torch
from torch import nn

from cutaway.errors import UsageError
from cutaway.see.features import effective_field, excite, field_of, patch, strongest


def detector() -> nn.Sequential:
    """Unit 0 likes a bright pixel, unit 1 a bright row of three."""
    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, bias=False), nn.ReLU(), nn.Flatten())
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].weight[0, 0, 1, 1] = 1
        model[0].weight[1, 0, 1] = 1
    return model


def test_the_strongest_examples_and_their_places_are_found():
    x = torch.zeros(6, 1, 8, 8)
    x[1, 0, 2, 5], x[4, 0, 6, 1], x[3, 0, 4, 2:5] = 3, 2, 1.5
    result = strongest(detector(), x.split(2), "0", k=2)
    assert result.examples.tolist() == [[1, 4], [3, 1]]
    assert result.values.tolist() == [[3, 2], [4.5, 3]]
    assert result.places[0].tolist() == [[2, 5], [6, 1]]
    assert result.places[1, 0].tolist() == [4, 3]


def test_a_patch_is_what_the_unit_sees():
    x = torch.arange(64.0).reshape(1, 8, 8)
    field = field_of(detector(), x[None], "0")
    assert patch(x, field, [2, 5]).tolist() == x[:, 1:4, 4:7].tolist()
    assert patch(x, field, [0, 0]).shape == (1, 2, 2)
    assert patch(x, None, []).shape == (1, 8, 8)


def test_units_without_places_are_ranked_too():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3, bias=False))
    result = strongest(model, [torch.eye(4).reshape(4, 1, 2, 2)], "1", k=9)
    assert result.places.shape == (3, 4, 0)
    assert torch.equal(result.examples[:, 0], model[1].weight.argmax(1))


def test_the_effective_field_of_a_layer_is_its_kernel():
    model = nn.Sequential(nn.Conv2d(1, 1, 3, bias=False), nn.Conv2d(1, 1, 3, bias=False))
    for conv in model:
        nn.init.ones_(conv.weight)
    field = effective_field(model, torch.randn(2, 1, 9, 9), "1")
    once = torch.tensor([1.0, 2, 3, 2, 1])
    assert torch.allclose(field[2:7, 2:7], torch.outer(once, once) / 9)
    assert field.sum().item() == pytest.approx(9)


def test_an_exciting_image_lies_along_the_weights_of_a_linear_unit():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 4))
    image = excite(model, torch.zeros(1, 1, 6, 6), "1", 2, smooth=0, jitter=0)
    w = model[1].weight[2].detach()
    assert (image.flatten().sign() == w.sign()).all()
    assert (model(image[None])[0, 2] > model(torch.zeros(1, 1, 6, 6))[0, 2] + 1).item()


def test_smoothing_makes_neighbours_alike():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 4))
    rough, smooth = (
        excite(model, torch.zeros(1, 1, 6, 6), "1", 0, smooth=s).diff(dim=1).abs().mean()
        for s in (0, 10)
    )
    assert smooth < rough / 2


def test_bad_requests_are_refused():
    with pytest.raises(UsageError, match="units 0 to 1, not 2"):
        excite(detector(), torch.zeros(1, 1, 6, 6), "0", 2)
    with pytest.raises(UsageError, match="'2' are not maps"):
        effective_field(detector(), torch.zeros(1, 1, 6, 6), "2")
    with pytest.raises(UsageError, match="no layer 'conv'"):
        strongest(detector(), [], "conv")
