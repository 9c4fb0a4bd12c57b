import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from cutaway.see.layer_statistics import cka, effective_rank


def draw(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


@settings(max_examples=20)
@given(some.integers(1, 12))
def test_of_equal_directions_the_effective_rank_is_their_number(d):
    q = torch.linalg.qr(draw(40, 13)).Q[:, :d]
    q = torch.cat([q, -q])  # the mean is zero
    assert effective_rank(q) == pytest.approx(d)


def test_one_strong_direction_counts_as_little_more_than_one():
    x = draw(100, 10)
    x[:, 0] *= 1000
    assert 1 < effective_rank(x) < 1.2


def test_cka_knows_no_rotation_scale_or_shift():
    x, q = draw(30, 6), torch.linalg.qr(draw(6, 6, 1)).Q
    assert cka(x, x) == pytest.approx(1)
    assert cka(x, 3 * x @ q + 7) == pytest.approx(1)
    assert cka(x, draw(30, 6, 2)) < 0.5


def test_cka_of_centred_lines_is_their_correlation_squared():
    x, y = draw(50, 1), draw(50, 1, 3)
    correlation = torch.corrcoef(torch.cat([x, y], 1).T)[0, 1].item()
    assert cka(x, y) == pytest.approx(correlation**2)
