import pytest
import torch
from torch import nn

from cutaway.errors import UsageError
from cutaway.models import build, find
from cutaway.models.autoencoder import Autoencoder, dense
from cutaway.models.parts.strided import halved

NAMES = ["autoencoder", "conv_autoencoder", "shadow_autoencoder"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(28, 28), (7, 10), (13, 5), (1, 33)])
def test_the_output_has_the_inputs_size_and_range(name, size):
    net, x = build(name, 2, 4, size), torch.rand(3, 2, *size)
    again = net(x)
    assert again.shape == x.shape
    assert again.min() >= 0
    assert again.max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_the_code_is_as_narrow_as_asked(name):
    net = build(name, 1, 4, (9, 9), {"bottleneck": 5})
    assert net.encoder(torch.rand(3, 1, 9, 9)).shape == (3, 5)


def test_signals_pass_without_hidden_layers():
    net = build("autoencoder", 1, 10, (10,), {"widths": "none", "bottleneck": 3})
    assert net(torch.rand(4, 1, 10)).shape == (4, 1, 10)
    assert [m.out_features for m in net.modules() if isinstance(m, nn.Linear)] == [3, 10]


def test_the_shadows_code_lies_between_zero_and_one():
    model = find("shadow_autoencoder")
    code = build(model.name, *model.example).encoder(100 * torch.randn(4, 1, 10))
    assert code.shape == (4, 3)
    assert ((code >= 0) & (code <= 1)).all()


@pytest.mark.parametrize("name", [*NAMES, "autoencoder_softmax"])
def test_a_code_wider_than_the_input_is_refused(name):
    with pytest.raises(UsageError, match="give one from 1 to 8"):
        build(name, 2, 4, (2, 2), {"bottleneck": 9})


def test_sizes_on_the_way_down_are_those_of_the_convolutions():
    size = (13, 6)
    x = torch.rand(1, 1, *size)
    for expected in halved(size, 3)[1:]:
        x = nn.Conv2d(1, 1, 3, 2, padding=1)(x)
        assert x.shape[2:] == expected


def test_a_linear_autoencoder_finds_the_principal_components():
    """No code of k numbers, linear both ways, leaves less than the n - k smallest variances."""
    torch.manual_seed(0)
    scale = torch.tensor([3.0, 2.0, 1.5, 0.5, 0.3, 0.1])
    x = torch.randn(200, 6) * scale @ torch.linalg.qr(torch.randn(6, 6)).Q
    x = x - x.mean(0)
    k = 3
    least = torch.linalg.svdvals(x)[k:].square().sum() / x.numel()
    net = Autoencoder(dense([6, k], "relu"), dense([k, 6], "relu"))
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        error = (net(x) - x).square().mean()
        error.backward()
        return error

    optimizer.step(loss)
    torch.testing.assert_close((net(x) - x).square().mean(), least, rtol=1e-3, atol=0)
