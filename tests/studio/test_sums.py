"""Of what a number is made: what is told comes to the number, whatever the operation."""

import pytest
import torch

from cutaway.byhand.node import Node
from cutaway.byhand.operations import (
    AdaptiveMeanPooling,
    BatchNormalisation,
    LayerNormalisation,
    LinearUpsampling,
    Mean,
    MeanPooling,
    NearestUpsampling,
    Softmax,
    Sum,
)
from cutaway.studio.sums import TERMS, made_of


def tensor(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def of(operation, place, *inputs, image=None):
    """What a number of an operation is made of, and the number."""
    names = tuple(f"x{k}" for k in range(len(inputs)))
    y = operation.forward(*inputs)
    rows = len(inputs[0])

    def one(x):
        return x[image : image + 1] if image is not None and len(x) == rows and x.ndim > 1 else x

    own, value = [one(x) for x in inputs], one(y)
    made = made_of(Node("y", operation, names), value, own, inputs, place)
    assert made["value"] == pytest.approx(value.flatten()[place].item())
    return made


def total(made):
    products = [one["input"] * one["weight"] for one in made["terms"]]
    assert products == pytest.approx([one["product"] for one in made["terms"]])
    return sum(products) + made["rest"] + (made["bias"] or 0.0)


@pytest.mark.parametrize(
    ("operation", "terms"),
    [
        (MeanPooling(kernel_size=(2, 2)), 4),
        (MeanPooling(kernel_size=(3, 3), stride=(1, 1), padding=(1, 1)), 4),
        (AdaptiveMeanPooling(output_size=(1, 1)), 36),
        (AdaptiveMeanPooling(output_size=(4, 4)), 4),
        (NearestUpsampling(scale_factors=(2.0, 2.0)), 1),
        (LinearUpsampling(output_size=(12, 12), align_corners=False), 1),
        (Sum(dim=[1]), 3),
        (Mean(dim=[2, 3]), 36),
        (Mean(), 108),
    ],
    ids=repr,
)
def test_what_is_added_comes_to_the_number(operation, terms):
    made = of(operation, 0, tensor(1, 3, 6, 6))
    assert made["how"] == "products"
    assert len(made["terms"]) == min(terms, TERMS)
    assert len(made["terms"]) + made["others"] == terms
    assert total(made) == pytest.approx(made["value"])


def test_a_term_says_where_it_stands():
    made = of(MeanPooling(kernel_size=(2, 2)), 9 + 4, tensor(1, 2, 6, 6))
    assert {one["from"] for one in made["terms"]} == {"1, 2, 2", "1, 2, 3", "1, 3, 2", "1, 3, 3"}


@pytest.mark.parametrize("image", [0, 2])
@pytest.mark.parametrize("place", [0, 40, 71])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("learned", [True, False])
def test_batch_normalisation_is_told_by_the_whole_batch(image, place, training, learned):
    x = tensor(4, 2, 6, 6)
    a, b = (torch.tensor([1.5, -0.5]).double(), torch.tensor([0.1, 2.0]).double())
    kept = torch.tensor([0.2, -0.1]).double(), torch.tensor([1.3, 0.8]).double()
    inputs = (x, a, b, *kept) if learned else (x,)
    made = of(BatchNormalisation(training=training or not learned), place, *inputs, image=image)
    assert made["how"] == "normalised"
    hat = (made["number"] - made["mean"]) / made["spread"]
    scale, shift = (1.0 if made["scale"] is None else made["scale"]), made["shift"] or 0.0
    assert hat * scale + shift == pytest.approx(made["value"])
    assert made["number"] == x[image].flatten()[place].item()
    if learned and not training:
        assert made["mean"] == kept[0][place // 36].item()


def test_layer_normalisation_is_told_by_its_example():
    x = tensor(2, 5, 8)
    made = of(LayerNormalisation(normalized_shape=[8]), 17, x, tensor(8), tensor(8), image=1)
    assert made["mean"] == pytest.approx(x[1, 2].mean().item())
    hat = (made["number"] - made["mean"]) / made["spread"]
    assert hat * made["scale"] + made["shift"] == pytest.approx(made["value"])


def test_an_operation_of_another_kind_says_so():
    assert of(Softmax(dim=1), 3, tensor(1, 5))["how"] in ("other", "same place")
