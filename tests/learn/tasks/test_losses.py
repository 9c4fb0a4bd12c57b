"""Each task's loss and measures against worked values and other ways of computing them."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence

from cutaway.data.batch import Batch
from cutaway.data.target import Classes
from cutaway.errors import UsageError
from cutaway.learn.recipe import Recipe
from cutaway.learn.tasks import TASKS, make_task, options
from cutaway.learn.tasks.adversarial import Adversarial
from cutaway.learn.tasks.classify import Classify
from cutaway.learn.tasks.implicit import Implicit, derivatives, gradient, laplacian, places
from cutaway.learn.tasks.reconstruct import psnr
from cutaway.learn.tasks.segment import Segment, confusions, intersection_over_union
from cutaway.learn.tasks.semi_supervised import SemiSupervised
from cutaway.learn.tasks.variational import between, parts, plane
from cutaway.models import build


def batch(x, t=None) -> Batch:
    t = torch.zeros(len(x), dtype=torch.long) if t is None else t
    return Batch(x, t, torch.arange(len(x)))


class Fixed(nn.Module):
    """Answers with given numbers."""

    def __init__(self, *answers):
        super().__init__()
        self.answers = list(answers)
        self.p = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.answers.pop(0) + 0 * self.p


def test_auxiliary_heads_count_less():
    s, other = torch.randn(5, 3), torch.randn(5, 3)
    x, t = torch.zeros(5, 1), torch.tensor([0, 1, 2, 0, 1])
    (player,) = Classify(auxiliary=0.3).players(Pair(s, other))
    loss, counts = player.loss(batch(x, t))
    expected = nn.functional.cross_entropy(s, t) + 0.3 * nn.functional.cross_entropy(other, t)
    assert loss.item() == pytest.approx(expected.item())
    assert counts["accuracy"] == (s.argmax(1) == t).sum()


class Pair(nn.Module):
    def __init__(self, *answers):
        super().__init__()
        self.answers = answers
        self.p = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.answers


def test_equation_4_15_at_the_texts_worked_values():
    """J_D is about 0 where D is right, and ln 0.001 + ln 0.001 = -13.8 where it is wrong.

    The text prints -6 there, which is the value in base 10.
    """
    logit = math.log(0.999 / 0.001)
    for real, fake, expected in ((logit, -logit, 2 * math.log(0.999)),
                                 (-logit, logit, 2 * math.log(0.001))):  # fmt: skip
        d = Fixed(torch.full((4,), real), torch.full((4,), fake))
        game = SimpleNamespace(generator=nn.Identity(), discriminator=d, latent=2)
        discriminator, _ = Adversarial().players(game)
        loss, _ = discriminator.loss(batch(torch.zeros(4, 2)))
        assert -loss.item() == pytest.approx(expected, rel=1e-4)
    assert 2 * math.log10(0.001) == pytest.approx(-6)


@pytest.mark.parametrize("saturating", [True, False])
def test_the_generators_objective(saturating):
    s = torch.tensor([-2.0, 0.5, 3.0])
    game = SimpleNamespace(generator=nn.Linear(2, 2), discriminator=Fixed(s), latent=2)
    _, generator = Adversarial(saturating=saturating).players(game)
    loss, _ = generator.loss(batch(torch.zeros(3, 2)))
    d = s.sigmoid()
    expected = (1 - d).log().mean() if saturating else -d.log().mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_semi_supervised_uses_the_class_logits_as_the_paper_says():
    """D = Z / (Z + 1), written out with exponentials."""
    labelled, free, fake = torch.randn(2, 3), torch.randn(4, 3), torch.randn(6, 3)
    d = Fixed(torch.cat([free, labelled]), fake)
    game = SimpleNamespace(generator=nn.Identity(), discriminator=d, latent=2)
    discriminator, _ = SemiSupervised().players(game)
    t = torch.tensor([-1, -1, -1, -1, 2, 0])
    loss, _ = discriminator.loss(batch(torch.zeros(6, 2), t))
    z = free.exp().sum(1), fake.exp().sum(1)
    true = -(labelled.softmax(1)[torch.arange(2), t[4:]]).log().mean()
    expected = true - (z[0] / (z[0] + 1)).log().mean() - (1 / (z[1] + 1)).log().mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-4)


def test_the_elbo_is_that_of_the_distributions():
    torch.manual_seed(0)
    model = build("vae", 1, 10, 8, {"latent": 3, "hidden": 5})
    x = torch.rand(6, 1, 8, 8).round()
    torch.manual_seed(1)
    error, kl = parts(model, x)
    torch.manual_seed(1)
    logits, mu, log_var = model(x)
    q = Normal(mu, (log_var / 2).exp())
    torch.testing.assert_close(kl, kl_divergence(q, Normal(0.0, 1.0)).sum(1))
    torch.testing.assert_close(error, -Bernoulli(logits=logits).log_prob(x).flatten(1).sum(1))


def test_the_plane_holds_equal_shares_of_the_prior():
    z = plane(5)
    assert z.shape == (25, 2)
    p = torch.special.ndtr(z[:5, 0])
    torch.testing.assert_close(p, torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9]))
    assert (z[:5, 1] == z[0, 1]).all()


def test_ways_between_begin_and_end_at_the_codes():
    codes = torch.randn(6, 4)
    ways = between(codes, steps=5).view(3, 5, 4)
    torch.testing.assert_close(ways[:, 0], codes[0::2])
    torch.testing.assert_close(ways[:, -1], codes[1::2])


def test_intersection_over_union_by_counting_pixels():
    torch.manual_seed(0)
    true, answer = torch.randint(0, 3, (2, 9, 7)), torch.randint(0, 3, (2, 9, 7))
    answer[1] = true[1]
    table = confusions(true, answer, 4)
    for image in range(2):
        for k, found in enumerate(intersection_over_union(table[image])):
            either = ((true[image] == k) | (answer[image] == k)).sum().item()
            both = ((true[image] == k) & (answer[image] == k)).sum().item()
            assert found == (both / either if either else None)


def test_segment_counts_pixels():
    torch.manual_seed(0)
    s, t = torch.randn(3, 4, 5, 6), torch.randint(0, 4, (3, 5, 6))
    (player,) = Segment().players(Fixed(s))
    loss, counts = player.loss(batch(torch.zeros(3, 1, 5, 6), t))
    assert loss.item() == pytest.approx(nn.functional.cross_entropy(s, t).item())
    assert counts["accuracy"].item() / 3 == pytest.approx((s.argmax(1) == t).float().mean().item())


def quadratic(p):
    r, c = p.unbind(1)
    return (r**2 + 3 * r * c - 2 * c**2)[:, None]


def test_derivatives_of_a_network_and_of_a_picture_agree_with_the_formula():
    p = places(torch.zeros(1, 1, 41, 41)).requires_grad_()
    grad, laplace = derivatives(quadratic, p, second=True)
    r, c = p.detach().unbind(1)
    exact = torch.stack([2 * r + 3 * c, 3 * r - 4 * c], 1)
    torch.testing.assert_close(grad, exact)
    torch.testing.assert_close(laplace, torch.full((41 * 41, 1), -2.0))
    picture = quadratic(p.detach()).T.view(1, 1, 41, 41)
    inside = torch.zeros(41, 41, dtype=torch.bool)
    inside[1:-1, 1:-1] = True  # differences at the edge see it repeated
    inside = inside.flatten()
    torch.testing.assert_close(gradient(picture)[inside], exact[inside], atol=1e-3, rtol=1e-3)
    found = laplacian(picture)[inside]
    torch.testing.assert_close(found, torch.full_like(found, -2.0), atol=2e-2, rtol=1e-2)


def test_places_keep_the_proportions():
    p = places(torch.zeros(1, 1, 3, 5))
    assert p[0].tolist() == [-0.5, -1.0]
    assert p[-1].tolist() == [0.5, 1.0]


def test_psnr():
    assert psnr(0.01) == pytest.approx(20)
    assert psnr(0.01, peak=2) == pytest.approx(20 + 20 * math.log10(2))


def test_a_relu_network_has_no_laplacian():
    torch.manual_seed(0)
    model = build("coordinate_mlp", 1, 1, 16, {"width": 8})
    _, laplace = derivatives(model, places(torch.zeros(1, 1, 4, 4)).requires_grad_(), second=True)
    assert laplace.abs().max() == 0


@pytest.mark.parametrize("name", sorted(TASKS))
def test_every_task_is_made_from_its_options(name):
    made = make_task(Recipe().override(task=name, task_options=options(name)))
    assert type(made) is TASKS[name]
    assert made.primary in made.measured()
    assert made.comparing(Classes(("a", "b"))) in made.metrics
    assert made.name() == name


def test_unknown_and_impossible_options_are_refused():
    with pytest.raises(UsageError, match=r"has no option 'kk'\. Did you mean 'k'"):
        make_task(Recipe().override(task="adversarial", task_options={"kk": 2}))
    with pytest.raises(UsageError, match="--fit takes value, gradient, laplacian"):
        Implicit(fit="slope")
    with pytest.raises(UsageError, match="cannot be 'two'"):
        make_task(Recipe().override(task="adversarial", task_options={"k": "two"}))
    with pytest.raises(UsageError, match="--label-smoothing is for the task 'classify' only"):
        make_task(Recipe().override(task="segment", label_smoothing=0.1))
