import math
import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cutaway.errors import UsageError
from cutaway.models import build
from cutaway.models.parts.initialisers import INITIALISERS, initialise, kernels, layers
from cutaway.models.parts.layers import LocallyConnected2d

DRAWN = sorted(set(INITIALISERS) - {"own", "lsuv", "whiten"})

# Each layer with the connections that reach a node of it and that leave one, counted by hand.
CASES = {
    "dense": (nn.Linear(200, 300), 200, 300),
    "convolution": (nn.Conv2d(16, 32, 5), 16 * 25, 32 * 25),
    "signal": (nn.Conv1d(32, 64, 7), 32 * 7, 64 * 7),
    "video": (nn.Conv3d(8, 16, 3), 8 * 27, 16 * 27),
    "groups": (nn.Conv2d(32, 64, 3, groups=4), 8 * 9, 16 * 9),
    "transposed": (nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1), 64 * 4, 32 * 16),
    "local": (LocallyConnected2d(8, 16, 3, (9, 9)), 8 * 9, 16 * 9),
}


def variance(name, n_in, n_out):
    """As the papers say it."""
    return {"normal": 1e-4, "he": 2 / n_in, "xavier": 2 / (n_in + n_out)}[name]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["normal", "he", "xavier"])
def test_variances_are_the_papers(name, case):
    torch.manual_seed(0)
    layer, n_in, n_out = CASES[case]
    initialise(layer, name)
    var = layer.weight.var().item()
    assert var == pytest.approx(variance(name, n_in, n_out), rel=0.08)
    assert abs(layer.weight.mean().item()) < 4 * math.sqrt(var / layer.weight.numel())
    assert not layer.bias.any()


@pytest.mark.parametrize("case", CASES)
def test_he_keeps_the_second_moment_through_relu(case):
    torch.manual_seed(0)
    layer, _, _ = CASES[case]
    initialise(layer, "he")
    grid = {"dense": (), "signal": (40,), "video": (9, 9, 9)}.get(case, (9, 9))
    n_channels = layer.weight.shape[0 if case == "transposed" else 1]
    n_channels = {"groups": 32, "local": 8}.get(case, n_channels)
    z = torch.randn(32, n_channels, *grid).relu()
    s = layer(z).detach()
    inner = s[(..., *(slice(4, -4) if side > 8 else slice(None) for side in s.shape[2:]))]
    assert inner.square().mean().item() == pytest.approx(2 * z.square().mean().item(), rel=0.2)


@given(n_in=st.integers(1, 40), n_out=st.integers(1, 40))
def test_orthogonal_rows_or_columns(n_in, n_out):
    layer = nn.Linear(n_in, n_out)
    initialise(layer, "orthogonal")
    u = layer.weight.detach()
    gram = u @ u.T if n_out <= n_in else u.T @ u
    torch.testing.assert_close(gram, torch.eye(len(gram)), atol=1e-4, rtol=0)


@pytest.mark.parametrize("case", CASES)
def test_each_matrix_of_a_layer_is_orthogonal(case):
    torch.manual_seed(0)
    layer, _, _ = CASES[case]
    initialise(layer, "orthogonal")
    for u, _, _ in kernels(layer):
        rows = u.detach().flatten(1)
        gram = rows @ rows.T if len(rows) <= rows.shape[1] else rows.T @ rows
        torch.testing.assert_close(gram, torch.eye(len(gram)), atol=1e-4, rtol=0)


def outputs(net, x):
    """The variance of each layer's output at its first use, as in training."""
    outputs = {}

    def measure(layer, inputs, s):
        outputs.setdefault(layer, s.var().item())

    hooks = [layer.register_forward_hook(measure) for layer in layers(net)]
    net.train()(x)
    for hook in hooks:
        hook.remove()
    return list(outputs.values())


@pytest.mark.parametrize(
    ("name", "size", "count"), [("mlp", 28, 3), ("lenet5", 28, 5), ("resnet20", 16, 20)]
)
def test_lsuv_gives_every_layer_unit_variance(name, size, count):
    torch.manual_seed(0)
    net, x = build(name, 1, 10, size), torch.rand(64, 1, size, size)
    state = {k: b.clone() for k, b in net.named_buffers()}
    net.eval()
    initialise(net, "lsuv", x)
    assert not net.training
    assert all(torch.equal(b, state[k]) for k, b in net.named_buffers())
    variances = outputs(net, x)
    assert len(variances) == count
    assert max(abs(v - 1) for v in variances) < 0.05


def test_lsuv_mends_a_reused_layer_once_and_another_way_in():
    torch.manual_seed(0)
    layer, x = nn.Linear(20, 20), 7 * torch.randn(500, 20)
    net = nn.Sequential(layer, nn.ReLU(), layer)
    initialise(net, "lsuv", forward=lambda: net(x))
    assert abs(layer(x).var().item() - 1) < 0.05
    u = layer.weight.detach() * 7  # a multiple of an orthogonal matrix still
    torch.testing.assert_close(u @ u.T, torch.eye(20) * (u @ u.T)[0, 0], atol=1e-4, rtol=0)


def test_lsuv_says_which_layer_does_not_vary():
    net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        initialise(net, "lsuv", torch.zeros(8, 4))
    assert ["does not vary" in str(note.message) for note in notes] == [True, True]
    assert "Linear(in_features=4" in str(notes[0].message)
    assert all(p.isfinite().all() for p in net.parameters())


def test_own_changes_nothing_and_draws_nothing():
    net = build("lenet5", 1, 10, 28)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    state = torch.get_rng_state()
    initialise(net, "own")
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("name", DRAWN)
def test_norms_embeddings_and_frozen_weights_are_left(name):
    frozen = nn.Linear(5, 5).requires_grad_(False)
    net = nn.Sequential(nn.Embedding(7, 5), nn.LayerNorm(5), frozen, nn.Linear(5, 5))
    before = [p.clone() for p in net.parameters()]
    initialise(net, name)
    same = [torch.equal(a, b) for a, b in zip(net.parameters(), before, strict=True)]
    assert same == [True] * 5 + [False, False]


@pytest.mark.parametrize("name", DRAWN)
def test_the_seed_decides(name):
    nets = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        nets.append(build("local_net", 1, 4, 16))
        initialise(nets[-1], name)
    a, b, c = (net.l3.weight for net in nets)
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_what_cannot_be_done_is_said():
    with pytest.raises(UsageError, match=r"no initialiser 'xaver'\. Did you mean 'xavier'"):
        initialise(nn.Linear(2, 2), "xaver")
    with pytest.raises(UsageError, match="'lsuv' measures a batch"):
        initialise(nn.Linear(2, 2), "lsuv")
