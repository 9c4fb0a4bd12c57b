"""Adversarial attacks: small changes of an image that change the answer."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.see.probe import answer, leaf, resting, slope

Images = Float[Tensor, "b c *side"]
Classes = Int[Tensor, "b"]
Bound = float | Tensor
"""A bound on pixel values, as the network sees them; a tensor where channels differ."""
Attack = Callable[..., Images]
"""An attack with the signature of `fgsm`."""


def fgsm(model: nn.Module, x: Images, t: Classes, size: Bound, low: Bound, high: Bound) -> Images:
    """x + size sign(d loss / d x): each pixel a step to where the loss grows.

    Source: Goodfellow et al. 2015, section 4.

    Args:
        size: the largest change of a pixel.
        low, high: what pixels can be.
    """
    return pgd(model, x, t, size, low, high, steps=1, step=1.0)


def pgd(
    model: nn.Module,
    x: Images,
    t: Classes,
    size: Bound,
    low: Bound,
    high: Bound,
    steps: int = 10,
    step: float = 0.25,
) -> Images:
    """Projected gradient descent: several FGSM steps, each clipped to the cube of half side `size`
    around x.

    Source: Madry et al. 2018, section 2.1, begun at x itself.

    Args:
        step: length of a step, as a share of `size`.
    """
    adversarial = x.detach()
    for _ in range(steps):
        adversarial = adversarial + step * size * _loss_gradient(model, adversarial, t).sign()
        adversarial = torch.minimum(torch.maximum(adversarial, x - size), x + size)
        adversarial = adversarial.clamp(torch.as_tensor(low), torch.as_tensor(high))
    return adversarial


def _loss_gradient(model: nn.Module, x: Images, t: Classes) -> Images:
    with torch.enable_grad(), resting(model):
        x = leaf(x)
        return slope(F.cross_entropy(answer(model, x), t, reduction="sum"), x)


@torch.no_grad()
def few_pixels(
    model: nn.Module,
    x: Images,
    t: Classes,
    count: int,
    low: Bound,
    high: Bound,
    candidates: int = 256,
) -> Images:
    """`count` pixels of each image, one after the other, set to black or white in all channels.

    Each time the pixel and the value are taken that lower the probability of class t most: the
    greedy form of the attack of Su et al. 2019.

    Args:
        candidates: how many pixels with values are tried each time, those that lower it most to
            first order. Trying all is stronger by little, and takes as long as there are pixels.
    """
    adversarial = x.clone()
    with resting(model):
        for image, label in zip(adversarial, t, strict=True):
            for _ in range(count):
                image.copy_(_most_harmful(model, image, label, low, high, candidates))
    return adversarial


def _most_harmful(
    model: nn.Module, x: Tensor, t: Tensor, low: Bound, high: Bound, count: int
) -> Float[Tensor, "c *side"]:
    flat, slope = x.flatten(1), _loss_gradient(model, x[None], t[None])[0].flatten(1)
    ends = [torch.as_tensor(v).to(x).reshape(-1, 1).expand(len(x), 1) for v in (low, high)]
    promise = torch.cat([(slope * (end - flat)).sum(0) for end in ends])
    candidates = promise.topk(min(count, len(promise))).indices
    half, pixel = candidates // flat.shape[1], candidates % flat.shape[1]
    variants = flat.repeat(len(candidates), 1, 1)
    variants[torch.arange(len(candidates)), :, pixel] = torch.cat(ends, 1).T[half]
    variants = variants.view(-1, *x.shape)
    doubt = torch.cat([answer(model, part).log_softmax(1)[:, t] for part in variants.split(256)])
    return variants[doubt.argmin()]


def accuracy_against_size(
    model: nn.Module,
    x: Images,
    t: Classes,
    attack: Attack,
    sizes: Sequence[float],
    low: Bound,
    high: Bound,
    batch: int = 256,
) -> Float[Tensor, "n"]:
    """The accuracy under an attack that may use each size.

    What a smaller size has turned is turned for good, for the larger one allows that change too:
    so the share never rises, also where the attack overshoots, and only what still stands is
    attacked again. Of size 0 it is the accuracy of the images as they are.

    Args:
        attack: `fgsm`, `pgd` or `few_pixels` (whose size is a count), or one like them.
        sizes: from small to large.
        batch: images that are attacked at once.

    Raises:
        UsageError: sizes that are not in order.
    """
    if list(sizes) != sorted(sizes) or min(sizes, default=0) < 0:
        raise UsageError(f"Sizes of a change go from small to large, not {list(sizes)}.")
    correct = torch.zeros(len(sizes))
    for part, of in zip(x.split(batch), t.split(batch), strict=True):
        stands = _is_correct(model, part, of)
        part, of = part[stands], of[stands]
        for i, size in enumerate(sizes):
            if size > 0 and len(part):
                stands = _is_correct(model, attack(model, part, of, size, low, high), of)
                part, of = part[stands], of[stands]
            correct[i] += len(part)
    return correct / len(x)


@torch.no_grad()
def _is_correct(model: nn.Module, x: Images, t: Classes) -> Bool[Tensor, "b"]:
    with resting(model):
        return answer(model, x).argmax(1) == t
