"""Networks that other libraries have too: their files fill ours, and then the answers are theirs.

Weights are made by a rule from the names that a file has for them, so that the answers to one image
are known without the library; `EXPECTED` was computed by torchvision 0.28 and timm 1.0.31.
"""

from pathlib import Path
from zlib import crc32

import pytest
import torch
from helpers.model_packages import package
from safetensors.torch import save_file
from torch import Tensor, nn

from cutaway.learn.pretrained import load_pretrained
from cutaway.models import MODELS, Counterpart, build, count, find

ALIKE = {"resnet101", "resnet152", "vgg13", "vgg16", "vgg19"}  # the same code, deeper: minutes
SLOW = {"vgg11", "resnet50", "convnext_tiny"}
PAIRS = [
    pytest.param(
        model.name, one, id=f"{model.name}-{one.library}",
        marks=pytest.mark.slow if model.name in SLOW else (),
    )
    for model in MODELS.values()
    for one in model.counterparts
    if model.name not in ALIKE
]  # fmt: skip

# The first logits, by network.
EXPECTED = {
    "convnext_tiny-torchvision": (1.30892649, -1.79083506, -0.0700455819, 3.39390669),
    "convnext_tiny-timm": (0.799104973, -1.27357946, -0.77931059, -1.02857037),
    "efficientnet_b0-torchvision": (-0.066172312, -0.0328492799, -0.440106932, 0.0569139673),
    "efficientnet_b0-timm": (-0.0635810061, 0.0699715222, -0.0024975255, 0.158071385),
    "efficientnet_lite0-timm": (-5.11652299, 0.00711836144, 3.09246512, 3.94847683),
    "mobilenet_v2-torchvision": (-3.17793512, 2.84474567, 1.32133818, -6.67855963),
    "mobilenet_v2-timm": (-1.68855036, -1.01341533, 4.9270402, 1.14838306),
    "mobilenet_v3_large-torchvision": (1015.96098, 216.366125, 727.778556, 37.0889221),
    "mobilenet_v3_large-timm": (-113.084128, 166.732137, 171.877906, -283.339892),
    "mobilenet_v3_small-torchvision": (0.217591832, 0.0661919347, -0.365484954, 0.543846894),
    "mobilenet_v3_small-timm": (-0.0514443108, 0.168411764, 0.124708999, 0.284999598),
    "resnet18-torchvision": (2.67811472, 14.1241663, 78.8841569, -28.2074533),
    "resnet18-timm": (2.67811472, 14.1241663, 78.8841569, -28.2074533),
    "resnet34-torchvision": (518.763474, 1366.79842, 1761.06009, -899.033592),
    "resnet34-timm": (518.763474, 1366.79842, 1761.06009, -899.033592),
    "resnet50-torchvision": (9052.28543, 9045.16074, -9302.32955, 4221.97195),
    "resnet50-timm": (9052.28543, 9045.16074, -9302.32955, 4221.97195),
    "vgg11-torchvision": (1.2992928, -0.835721827, -2.55698828, -0.282019107),
    "vgg11-timm": (-7.34143651, -5.97814018, 4.6877104, -6.16170218),
}


def noise(name: str, shape: tuple[int, ...]) -> Tensor:
    """Numbers between -1/2 and 1/2 without a pattern, decided by the name."""
    k = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    z = (k * 12.9898 + crc32(name.encode()) % 1000).sin() * 43758.5453
    return (z - z.floor() - 0.5).view(shape)


def weight(name: str, shape: tuple[int, ...]) -> Tensor:
    """A tensor of a weight file that keeps activations near 1."""
    value = noise(name, shape)
    field, axes = name.rpartition(".")[2], [n for n in shape if n > 1]
    if field == "num_batches_tracked":
        return torch.tensor(0)
    if field in ("bias", "running_mean"):
        return value / 5
    if field == "weight" and len(axes) > 1:
        return value * (24 * shape[0] / value.numel()) ** 0.5
    return 1 + value  # variances and scales


def filled(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    return {name: weight(name, shape) for name, shape in shapes.items()}


def theirs(one: Counterpart) -> nn.Module:
    """The library's own network, with random weights."""
    library = package(one.library)
    if one.library == "timm":
        return library.create_model(one.model)
    return library.models.get_model(one.model, weights=None)


def image() -> Tensor:
    return 3 * noise("image", (1, 3, 64, 48))


def answer(network: nn.Module) -> Tensor:
    """In double precision, which is the same on any processor."""
    with torch.no_grad():
        return network.double().eval()(image())[0]


def empty(name: str) -> nn.Module:
    with torch.device("meta"):
        return build(name, 3, 1000, 224)


@pytest.mark.parametrize(("name", "one"), PAIRS)
def test_their_file_gives_their_answers(name, one, tmp_path):
    network = theirs(one)
    shapes = {k: tuple(v.shape) for k, v in network.state_dict().items()}
    tensors = filled(shapes)
    network.double().load_state_dict(tensors)
    expected = answer(network)
    save_file(tensors, tmp_path / "w.safetensors")
    ours = empty(name).double().to_empty(device="cpu")
    found = load_pretrained(ours, find(name), str(tmp_path / "w.safetensors"))
    assert (found.new, found.size) == ((), 224)
    torch.testing.assert_close(answer(ours), expected, rtol=1e-9, atol=1e-9)
    known = torch.tensor(EXPECTED[f"{name}-{one.library}"], dtype=torch.float64)
    torch.testing.assert_close(expected[: len(known)], known, rtol=1e-6, atol=1e-6)
    assert count(network) == find(name).parameters


@pytest.mark.parametrize(("name", "one"), PAIRS)
def test_the_answers_are_known_without_the_library(name, one, tmp_path):
    ours = empty(name)
    shapes = {one.names(k): tuple(v.shape) for k, v in ours.state_dict().items()}
    assert len(shapes) == len(ours.state_dict())
    save_file(filled(shapes), tmp_path / "w.safetensors")
    ours = ours.double().to_empty(device="cpu")
    load_pretrained(ours, find(name), str(tmp_path / "w.safetensors"))
    known = torch.tensor(EXPECTED[f"{name}-{one.library}"], dtype=torch.float64)
    torch.testing.assert_close(answer(ours)[: len(known)], known, rtol=1e-6, atol=1e-6)


def test_the_page_tells_every_network_with_its_weights():
    rows = (Path(__file__).parents[2] / "docs" / "backbones.md").read_text().splitlines()
    for model in MODELS.values():
        if model.counterparts:
            (row,) = [row for row in rows if row.startswith(f"| `{model.name}` ")]
            assert f"| {model.parameters:,} |" in row
            assert f"`{model.hub}` |" in row
            for one in model.counterparts:
                assert f"`{one.model}`" in row or one.library == "timm"


@pytest.mark.parametrize("name", [model.name for model in MODELS.values() if model.hub])
def test_the_hub_has_the_weights_that_are_named(name):
    registry = package("timm").models
    repository = find(name).hub
    assert registry.get_pretrained_cfg(repository.removeprefix("timm/")).hf_hub_id == repository
