"""Receptive fields against worked values, and against what really reaches a unit."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import nn
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.models import build
from cutaway.see.receptive import receptive_fields

SIDE, MARGIN = 41, 6


def fields(name, channels, size, only=()):
    return receptive_fields(build(name, channels, 10, size), torch.zeros(1, channels, *size), only)


def test_vgg16_at_each_layer():
    """The values that are published for VGG-16, such as by Araujo et al. 2019."""
    result = fields("vgg16", 3, (224, 224))
    sizes = [spans[0].size for spans in result.values() if spans]
    assert list(dict.fromkeys(sizes)) == [
        3, 5, 6, 10, 14, 16, 24, 32, 40, 44, 60, 76, 92, 100, 132, 164, 196, 212,
    ]  # fmt: skip
    assert result["features.30"][0].jump == 32
    assert result["dense.0"] is None


def test_lenet5_as_in_the_paper():
    result = fields("lenet5", 1, (32, 32), ["c?.u", "c?.pool"])
    assert [result[name][0].size for name in ("c1.u", "c1.pool", "c3.u", "c3.pool")] == [
        5,
        6,
        14,
        16,
    ]


@pytest.mark.parametrize(
    ("name", "size", "last"),
    [("signal_net", (100,), 50), ("video_net", (8, 32, 32), 22), ("resnet50", (224, 224), 427)],
)
def test_other_ranks_and_skips(name, size, last):
    channels = 3 if name == "resnet50" else 1
    all_spans = [spans for spans in fields(name, channels, size).values() if spans]
    assert [span.size for span in all_spans[-1]] == [last] * len(size)


class Branches(nn.Module):
    """Two ways of different reach, which meet twice."""

    def __init__(self, a, b):
        super().__init__()
        self.a, self.b, self.end = a, b, nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, x):
        a, b = self.a(x), self.b(x)
        return self.end(torch.cat([F.relu(a), a + b], 1))


def conv(kernel, stride, padding, dilation):
    return nn.Conv2d(1, 2, kernel, stride, padding, dilation)


def layer(kind, channels, kernel, stride, padding, dilation):
    if kind == "conv":
        return nn.Conv2d(channels, 2, kernel, stride, padding, dilation)
    if kind == "up":
        return nn.ConvTranspose2d(channels, 2, kernel, stride, padding)
    return {
        "max": nn.MaxPool2d(kernel, stride, padding), "mean": nn.AvgPool2d(kernel, stride, padding),
        "nearest": nn.Upsample(scale_factor=2), "pad": nn.ZeroPad2d(padding),
    }[kind]  # fmt: skip


@some.composite
def networks(draw):
    """Small stacks with everything that moves places."""
    layers, channels = [], 1
    for _ in range(draw(some.integers(1, 4))):
        kernel, stride = draw(some.integers(1, 4)), draw(some.integers(1, 2))
        padding, dilation = draw(some.integers(0, kernel // 2)), draw(some.integers(1, 2))
        kind = draw(some.sampled_from(["conv", "max", "mean", "up", "nearest", "pad"]))
        layers.append(layer(kind, channels, kernel, stride, padding, dilation))
        channels = 2 if kind in ("conv", "up") else channels
    return nn.Sequential(*layers)


def reached(model, place):
    """The rows that reach row `place` of the output, where they are marked one by one."""
    x = torch.zeros(SIDE, 1, SIDE, SIDE)
    x[range(SIDE), :, range(SIDE)] = torch.nan
    with torch.no_grad():
        rows = model.eval()(x)[:, :, place].isnan().flatten(1).any(1).nonzero()[:, 0]
    return (rows.min().item(), rows.max().item()) if len(rows) else None


def agree(model):
    try:
        height = model(torch.zeros(1, 1, SIDE, SIDE)).shape[2]
    except RuntimeError:  # nothing is left of the image
        return
    (spans,) = receptive_fields(
        model, torch.zeros(1, 1, SIDE, SIDE), [type(model).__name__]
    ).values()
    for place in {0, height // 3, height // 2, height - 1}:
        first, last = spans[0].at(place, SIDE)
        reach = reached(model, place) or (first, first)
        coarse = any(isinstance(m, nn.ConvTranspose2d | nn.Upsample) for m in model.modules())
        if MARGIN <= first <= last < SIDE - MARGIN and not coarse:
            assert reach == (first, last)
        else:  # a border between layers, or a phase of a finer map, may keep something away
            assert reach[0] >= first
            assert reach[1] <= max(first, last)


@settings(max_examples=30)
@given(networks())
def test_a_field_is_what_reaches_the_unit(model):
    agree(model)


def test_branches_see_together_what_each_sees():
    short, long = conv(1, 2, 0, 1), conv(5, 2, 2, 1)
    agree(Branches(short, long))


def test_a_reused_layer_has_a_field_for_each_call():
    same = nn.Conv2d(1, 1, 3, padding=1)
    fields = receptive_fields(nn.Sequential(same, same), torch.zeros(1, 1, 9, 9))
    assert [spans[0].size for spans in fields.values()] == [3, 5]
    assert list(fields) == ["0", "0 (2)"]


def test_bilinear_places_lie_between_two():
    model = nn.Upsample(scale_factor=2, mode="bilinear")
    (spans,) = receptive_fields(model, torch.zeros(1, 1, 8, 8)).values()
    assert [spans[0].at(i, 8) for i in range(4)] == [(0, 0), (0, 1), (0, 1), (1, 2)]


def test_the_model_is_as_it_was():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).train()
    receptive_fields(model, torch.zeros(1, 1, 9, 9))
    assert model.training
    assert model[1].training
    assert model[0].weight.device.type == "cpu"
    assert not any(module._forward_hooks for module in model.modules())


class Deciding(nn.Module):
    def forward(self, x):
        return x * 2 if x.sum() > 0 else x


def test_a_network_that_decides_by_values_is_refused():
    with pytest.raises(UsageError, match="cannot be followed"):
        receptive_fields(Deciding(), torch.zeros(1, 1, 9, 9))


class Written(nn.Module):
    """What comes of a wider way is written into part of the maps of a narrower one."""

    def __init__(self, way):
        super().__init__()
        self.way, self.one = way, nn.Conv2d(1, 4, 3, padding=1)
        self.wide, self.end = nn.Conv2d(2, 2, 5, padding=2), nn.Conv2d(4, 1, 1)

    def forward(self, x):
        y = self.one(x)
        return self.end(self.way(y, self.wide(y[:, 2:].clone())))


def added(y, z):
    y[:, :2] += z
    return y


def put(y, z):
    new = torch.zeros_like(y)
    new[:, :2] = z
    return new


def beside(y, z):
    y[:, :2, 1:] = z[:, :, :-1]
    return y


@pytest.mark.parametrize("way", [added, put])
def test_what_is_written_in_place_into_a_part_is_seen_by_the_whole(way):
    fields = receptive_fields(Written(way), torch.zeros(1, 1, 16, 16))
    assert [span.size for span in fields["wide"]] == [7, 7]
    assert [span.size for span in fields["end"]] == [7, 7]


def test_what_is_written_to_other_places_is_not_followed():
    assert receptive_fields(Written(beside), torch.zeros(1, 1, 16, 16))["end"] is None
