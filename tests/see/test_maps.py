"""Maps of planted groups, and neighbours that are known."""

import pytest
import torch
from helpers.digits import digits
from hypothesis import given, settings
from hypothesis import strategies as some
from sklearn.decomposition import PCA
from torch import nn
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.see.maps import embedding, nearest, pca, tsne


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(144, 5)
    )


def images() -> torch.Tensor:
    return digits(60).images.movedim(-1, 1) / 255


def test_an_embedding_is_the_mean_over_places_at_rest():
    model, x = network().train(), images()
    with torch.no_grad():
        expected = model[:2](x).mean((2, 3))
        out = model.eval()(x)
    model.train()
    stream = torch.get_rng_state()
    assert torch.allclose(embedding(model, x.split(25), "1"), expected, atol=1e-6)
    assert torch.allclose(embedding(model, x.split(25), "4"), out, atol=1e-5)
    assert torch.equal(stream, torch.get_rng_state())
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())


@settings(max_examples=10)
@given(some.integers(3, 20), some.integers(2, 20), some.integers(0, 100))
def test_principal_components_are_those_of_scikit_learn(n, d, seed):
    x = torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
    k = min(2, n - 1)
    places, shares = pca(x, k)
    theirs = PCA(k).fit(x.numpy())
    assert torch.allclose(places.abs(), torch.from_numpy(theirs.transform(x.numpy())).abs())
    assert shares.tolist() == pytest.approx(theirs.explained_variance_ratio_.tolist())


def test_of_features_in_a_plane_two_directions_have_all():
    draw = torch.Generator().manual_seed(1)
    q = torch.linalg.qr(torch.randn(9, 2, generator=draw, dtype=torch.double)).Q
    flat = torch.randn(40, 2, generator=draw, dtype=torch.double)
    places, shares = pca(flat @ q.T + 3)
    assert shares.sum().item() == pytest.approx(1)
    assert torch.allclose(torch.cdist(places, places), torch.cdist(flat, flat), atol=1e-6)


def test_tsne_keeps_groups_apart_and_is_seeded():
    draw = torch.Generator().manual_seed(0)
    group = torch.arange(60) % 3
    x = 20 * torch.randn(3, 70, generator=draw)[group] + torch.randn(60, 70, generator=draw)
    places = tsne(x, perplexity=10)
    assert torch.equal(places, tsne(x, perplexity=10))
    distances = torch.cdist(places, places) + 1e9 * torch.eye(60)
    assert torch.equal(group[distances.argmin(1)], group)


def test_the_nearest_are_those_of_all_at_once():
    model, x = network(), images()
    result = nearest(model, x[:4], x.split(7), "4", k=3)
    features = F.normalize(embedding(model, [x], "4"))
    expected = (features[:4] @ features.T).topk(3)
    assert torch.equal(result.examples, expected.indices)
    assert torch.allclose(result.likeness, expected.values, atol=1e-5)
    assert result.examples[:, 0].tolist() == [0, 1, 2, 3]
    assert result.likeness[:, 0].tolist() == pytest.approx([1] * 4, abs=1e-5)


def test_a_brighter_copy_is_as_near_as_a_copy():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64, bias=False))
    x = images()
    result = nearest(model, 0.3 * x[5:6], [x[:30], x[30:]], "1", k=99)
    assert result.examples.shape == (1, 60)
    assert result.examples[0, 0] == 5
    assert result.likeness[0, 0].item() == pytest.approx(1, abs=1e-5)


def test_bad_requests_are_refused():
    with pytest.raises(UsageError, match=r"no layer 'conv'"):
        nearest(network(), images(), [], "conv")
    with pytest.raises(UsageError, match="5 examples of 3 features have 3 directions"):
        pca(torch.zeros(5, 3), 4)
    with pytest.raises(UsageError, match="perplexity of 30 needs more than 30 examples, not 5"):
        tsne(torch.zeros(5, 3))
