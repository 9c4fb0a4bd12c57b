"""One sweep over every registered model."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.models import MODELS, build, count, find

NAMES = sorted(MODELS)
CLASSIFIERS = [n for n in NAMES if find(n).task == "classify" and find(n).rank in (0, 2)]
LARGE = {n for n in NAMES if (find(n).parameters or 0) > 15_000_000}  # too slow to be trained here
CLASSIFIERS = [n for n in CLASSIFIERS if n not in LARGE]


def outputs(net: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The logits, then those of the auxiliary heads if there are any."""
    logits = net(x)
    return logits if isinstance(logits, tuple) else (logits,)


def criterion(net: nn.Module, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    return torch.stack([F.cross_entropy(s, t) for s in outputs(net, x)]).sum()


def small(name: str, seed: int = 0) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A model with 2 channels and 4 classes on small images, and a batch for it."""
    torch.manual_seed(seed)
    size = max(find(name).min_size, 8)
    return build(name, 2, 4, size), torch.rand(6, 2, size, size), torch.arange(6) % 4


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_as_many_as_the_source_counts(name):
    model = find(name)
    if model.parameters is None:
        pytest.skip("its source gives no number")
    with torch.device("meta" if name in LARGE else "cpu"):  # counting needs no memory
        assert count(build(name, *model.example)) == model.parameters


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_any_channels_classes_and_batch(name):
    net, x, _ = small(name)
    assert {s.shape for s in outputs(net, x)} == {(6, 4)}
    assert net.eval()(x[:1]).shape == (1, 4)


# Plain networks are there because they stay at chance when they are deep (see `test_resnet`).
@pytest.mark.parametrize("name", [n for n in CLASSIFIERS if n not in ("plain56", "plain110")])
def test_steps_lower_the_loss(name):
    net, x, t = small(name)
    lr = 1e-4 if name == "lenet5_1998" else 1e-3  # whose squared distances are steep
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(6):
        loss = criterion(net, x, t)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_parameter_gets_a_gradient(name):
    net, x, t = small(name)
    criterion(net, x, t).backward()
    for part, p in net.named_parameters():
        if not part.startswith("decoder."):  # which learns in another task
            assert p.grad is not None, part
            assert p.grad.isfinite().all(), part


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_the_seed_decides_and_the_state_comes_back(name):
    a, x, _ = small(name)
    b, _, _ = small(name)
    c, _, _ = small(name, seed=1)
    a, b, c = a.eval(), b.eval(), c.eval()
    assert torch.equal(a(x), b(x))
    assert not torch.equal(a(x), c(x))
    c.load_state_dict(a.state_dict())
    assert torch.equal(a(x), c(x))


@pytest.mark.parametrize("name", [n for n in CLASSIFIERS if find(n).min_size > 4])
def test_images_too_small_are_refused_with_the_least_size(name):
    with pytest.raises(UsageError, match=r"at least \d+ x \d+ pixels"):
        build(name, 1, 10, 4)


def test_unknown_names_offer_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'resnet20'"):
        find("resnt20")
    with pytest.raises(UsageError, match=r"has no option 'width'\. Did you mean 'widths'"):
        build("mlp", 1, 10, 8, {"width": 3})
    with pytest.raises(UsageError, match="no activation 'rleu'"):
        build("mlp", 1, 10, 8, {"activation": "rleu"})
    with pytest.raises(UsageError, match="nodes per hidden layer"):
        build("mlp", 1, 10, 8, {"widths": "30-x"})
