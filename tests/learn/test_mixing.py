"""Mixup and cutmix against explicit soft targets and counted pixels."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cutaway.data.batch import Batch
from cutaway.errors import UsageError
from cutaway.learn.mixing import mix
from cutaway.learn.recipe import Recipe
from cutaway.learn.tasks import make_task, options
from cutaway.learn.tasks.classify import Classify

CLASSES = 4


def batch(*grid: int, n: int = 12) -> Batch:
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(n, 3, *grid, generator=draw)
    return Batch(x, torch.randint(CLASSES, (n,), generator=draw), torch.arange(n))


class Linear(nn.Module):
    """A network that keeps what it was shown."""

    def __init__(self, *grid: int):
        super().__init__()
        torch.manual_seed(0)
        self.flatten, self.output = nn.Flatten(), nn.LazyLinear(CLASSES)
        self(torch.zeros(1, 3, *grid))

    def forward(self, x):
        self.shown = x
        self.s = self.output(self.flatten(x))
        return self.s


def soft(t: torch.Tensor, other: torch.Tensor, share: float) -> torch.Tensor:
    return share * F.one_hot(t, CLASSES).float() + (1 - share) * F.one_hot(other, CLASSES).float()


@pytest.mark.parametrize("smooth", [0.0, 0.1])
@pytest.mark.parametrize("changes", [{"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 1, "cutmix": 1}])
def test_the_loss_is_that_of_the_mixed_target(changes, smooth):
    network, whole = Linear(6, 6), batch(6, 6)
    (player,) = Classify(label_smoothing=smooth, **changes).players(network)
    for seed in range(8):
        torch.manual_seed(seed)
        loss, counts = player.loss(whole)
        torch.manual_seed(seed)
        mixed = mix(whole.x, whole.t, changes.get("mixup", 0.0), changes.get("cutmix", 0.0))
        assert torch.equal(mixed.x, network.shown)
        target = soft(mixed.t, mixed.other, mixed.share)
        wanted = F.cross_entropy(network.s, target, label_smoothing=smooth)
        assert loss.item() == pytest.approx(wanted.item(), rel=1e-5)
        answered = target.gather(1, network.s.argmax(1)[:, None]).sum()
        assert float(counts["accuracy"]) == pytest.approx(answered.item(), abs=1e-5)


def test_mixup_is_the_weighted_sum_of_two_images():
    """Zhang et al. 2018, equation 1."""
    whole = batch(5, 5)
    torch.manual_seed(3)
    mixed = mix(whole.x, torch.arange(12), mixup=1.0)
    assert sorted(mixed.other.tolist()) == list(range(12))
    wanted = mixed.share * whole.x + (1 - mixed.share) * whole.x[mixed.other]
    torch.testing.assert_close(mixed.x, wanted)


@pytest.mark.parametrize("grid", [(9, 7), (20,), (4, 6, 6)])
def test_a_box_takes_the_share_of_the_target_that_it_takes_of_the_area(grid):
    """Yun et al. 2019, equation 1: each pixel is of one of two images."""
    whole, shares = batch(*grid), []
    for seed in range(60):
        torch.manual_seed(seed)
        mixed = mix(whole.x, torch.arange(12), cutmix=1.0)
        own, others = mixed.x == whole.x, mixed.x == whole.x[mixed.other]
        assert (own | others).all()
        moved = mixed.other != torch.arange(12)
        assert own[moved].double().mean().item() == pytest.approx(mixed.share)
        box = (~own[moved][0, 0]).nonzero()
        if len(box):
            sides = box.max(0).values - box.min(0).values + 1
            assert sides.prod().item() == len(box), "not a box"
        shares.append(mixed.share)
    assert len(set(shares)) > 10
    assert 0.3 < sum(shares) / len(shares) < 0.9


@pytest.mark.parametrize(("a", "variance"), [(0.2, 1 / 4 / 1.4), (1.0, 1 / 12), (8.0, 1 / 4 / 17)])
def test_shares_are_drawn_from_beta(a, variance):
    """Beta(a, a) has mean 1/2 and variance 1 / (4 (2a + 1))."""
    torch.manual_seed(0)
    x, t = torch.zeros(2, 1, 1), torch.zeros(2).long()
    shares = torch.tensor([mix(x, t, mixup=a).share for _ in range(4000)])
    assert shares.mean().item() == pytest.approx(0.5, abs=0.03)
    assert shares.var().item() == pytest.approx(variance, rel=0.1)


def test_a_tiny_a_leaves_whole_images():
    torch.manual_seed(0)
    x, t = torch.zeros(2, 1, 1), torch.zeros(2).long()
    assert {mix(x, t, mixup=1e-6).share for _ in range(50)} <= {0.0, 1.0}


def test_with_both_each_has_half_of_the_batches():
    whole, pasted = batch(8, 8), 0
    torch.manual_seed(0)
    for _ in range(400):
        mixed = mix(whole.x, torch.arange(12), mixup=1.0, cutmix=1.0)
        pasted += bool(((mixed.x == whole.x) | (mixed.x == whole.x[mixed.other])).all())
    assert pasted == pytest.approx(200, abs=40)


def test_the_batch_itself_is_untouched_and_its_order_in_memory_kept():
    whole = batch(6, 6)
    x, before = whole.x.to(memory_format=torch.channels_last), whole.x.clone()
    for seed in range(10):
        torch.manual_seed(seed)
        mixed = mix(x, whole.t, 1.0, 1.0)
        assert torch.equal(x, before)
        assert mixed.x.is_contiguous(memory_format=torch.channels_last)


def test_without_mixing_nothing_is_drawn():
    whole = batch(6, 6)
    state = torch.random.get_rng_state()
    assert mix(whole.x, whole.t).x is whole.x
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixing_is_for_classifiers(name):
    recipe = Recipe().override(task="segment", **{name: 0.5})
    with pytest.raises(UsageError, match=rf"--{name} is for the task 'classify' only"):
        make_task(recipe)
    assert name not in options("classify")
