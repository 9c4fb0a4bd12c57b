"""The losses for unequal classes, beside PyTorch's, scikit-learn's weights and equations."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch.func import vmap
from torch.nn import functional as F

from cutaway.data.target import Classes, Masks
from cutaway.errors import UsageError
from cutaway.learn.class_loss import ClassLoss
from cutaway.learn.recipe import Recipe
from cutaway.learn.tasks import make_task

COUNTS = (70, 20, 10)


def batch(seed: int, n: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(n, 3, generator=g), torch.randint(0, 3, (n,), generator=g)


@given(st.integers(0, 100), st.sampled_from([0.0, 0.2]))
def test_weights_are_scikit_learns_and_the_loss_is_pytorchs(seed, smooth):
    s, t = batch(seed)
    labels = np.repeat(np.arange(3), COUNTS)
    weight = torch.from_numpy(compute_class_weight("balanced", classes=np.arange(3), y=labels))
    each = F.cross_entropy(s.double(), t, weight, label_smoothing=smooth, reduction="none")
    found = ClassLoss(COUNTS, balanced=True, label_smoothing=smooth)(s, t)
    assert found.item() == pytest.approx(each.mean().item(), rel=1e-5)


@given(st.integers(0, 100), st.sampled_from([0.5, 1.0, 2.0]))
def test_the_focal_loss_by_its_equation(seed, gamma):
    """FL = -(1 - p_t)^gamma log p_t (Lin et al. 2017, equation 4), with weights (equation 5)."""
    s, t = batch(seed)
    p = s.double().softmax(1)[torch.arange(len(t)), t]
    plain = -((1 - p) ** gamma) * p.log()
    assert ClassLoss(focal=gamma)(s, t).item() == pytest.approx(plain.mean().item(), rel=1e-4)
    alpha = torch.tensor(COUNTS).double().sum() / 3 / torch.tensor(COUNTS)
    weighed = ClassLoss(COUNTS, balanced=True, focal=gamma)(s, t).item()
    assert weighed == pytest.approx((alpha[t] * plain).mean().item(), rel=1e-4)


def test_the_focal_loss_has_a_slope_where_an_answer_is_sure():
    s = torch.tensor([[60.0, 0.0, 0.0]], requires_grad=True)
    for gamma in (0.5, 1.0, 2.0):
        (slope,) = torch.autograd.grad(ClassLoss(focal=gamma)(s, torch.tensor([0])), s)
        assert slope.isfinite().all()


@given(st.integers(0, 100), st.sampled_from([0.5, 1.0]))
def test_logit_adjustment_by_its_equation(seed, tau):
    """log(1 + sum_(c != t) (pi_c / pi_t)^tau exp(s_c - s_t)) (Menon et al. 2021, equation 10)."""
    s, t = batch(seed)
    pi = torch.tensor(COUNTS).double() / sum(COUNTS)
    ratios = (pi[None] / pi[t][:, None]) ** tau * (s - s[torch.arange(len(t)), t][:, None]).exp()
    wanted = (ratios.sum(1)).log().mean().item()  # of c = t the ratio is 1
    found = ClassLoss(COUNTS, logit_adjust=tau)(s, t).item()
    assert found == pytest.approx(wanted, rel=1e-4)


def test_what_is_not_asked_for_changes_nothing():
    s, t = batch(0)
    assert ClassLoss(COUNTS, label_smoothing=0.1)(s, t) == F.cross_entropy(
        s, t, label_smoothing=0.1
    )
    equal = ClassLoss((5, 5, 5), balanced=True, logit_adjust=1.0)(s, t)
    assert equal.item() == pytest.approx(F.cross_entropy(s, t).item(), rel=1e-5)


@pytest.mark.parametrize("how", [{"balanced": True}, {"focal": 2.0}, {"logit_adjust": 1.0}])
def test_many_networks_at_once_have_the_losses_of_each(how):
    s, t = (torch.stack(parts) for parts in zip(*map(batch, range(3)), strict=True))
    loss = ClassLoss(COUNTS, **how)
    alone = torch.stack([loss(*one) for one in zip(s, t, strict=True)])
    assert torch.allclose(vmap(loss)(s, t), alone, rtol=1e-5)


def test_a_task_knows_the_counts_where_its_loss_needs_them():
    target = Classes(("a", "b", "c"), COUNTS)
    for changes in ({"class_weights": "balanced"}, {"logit_adjust": 1.0}):
        task = make_task(Recipe().override(**changes))
        assert task.fitted(target).counts == COUNTS
        assert task.fitted(Masks(("a", "b"))) == task
    plain = make_task(Recipe().override(focal=2.0))
    assert plain.fitted(target) == plain


@pytest.mark.parametrize("two", [("class_weights", "sampling"), ("sampling", "logit_adjust")])
def test_two_ways_at_once_are_refused(two):
    changes = {"class_weights": "balanced", "sampling": "balanced", "logit_adjust": 1.0}
    with pytest.raises(UsageError, match="both together would make them count more"):
        Recipe().override(**{name: changes[name] for name in two})
    with pytest.raises(UsageError, match="--class-weights cannot be 'even'"):
        Recipe().override(class_weights="even")
    with pytest.raises(UsageError, match="--focal is for the task 'classify' only"):
        make_task(Recipe().override(task="segment", focal=1.0))
