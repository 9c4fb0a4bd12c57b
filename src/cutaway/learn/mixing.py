"""Images mixed in pairs, and their targets with them: mixup and cutmix."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.together.across import gathered
from cutaway.together.share import mine


@dataclass(frozen=True)
class Mixed:
    """Images of which a share is of class t and the rest of class `other`."""

    x: Float[Tensor, "b c *grid"]
    t: Int[Tensor, " b"]
    other: Int[Tensor, " b"]
    share: float

    def weigh(self, value: Callable[[Tensor], Tensor]) -> Tensor:
        """A value of the targets, as each of the two counts.

        Of a loss that is linear in the target it is the loss for the mixed target; of the count of
        right answers it is the sum of what the answers' classes have of the mixed target.
        """
        if self.share == 1:
            return value(self.t)
        return self.share * value(self.t) + (1 - self.share) * value(self.other)


def mix(
    x: Float[Tensor, "b c *grid"], t: Int[Tensor, " b"], mixup: float = 0.0, cutmix: float = 0.0
) -> Mixed:
    """Each image of a batch with another of it, by mixup or cutmix; by either if both are given.

    The share is one draw of Beta(a, a) for the batch. All draws come from PyTorch's generator on
    the processor, so that they are the same on every device.

    Source: Zhang et al. 2018, 'mixup', equation 1; Yun et al. 2019, 'CutMix', section 3.

    Args:
        mixup, cutmix: a, or 0 for none.
    """
    if not (mixup or cutmix):
        return Mixed(x, t, t, 1.0)
    pasted = bool(cutmix) and not (mixup and torch.rand(()) < 0.5)
    share = _beta(cutmix if pasted else mixup)
    others, other = gathered(x), gathered(t)
    partner = mine(torch.randperm(len(others)).to(x.device))
    if pasted:
        return _paste(x, t, others[partner], other[partner], share)
    blend = share * x + (1 - share) * others[partner]
    return Mixed(blend, t, other[partner], share)


def _beta(a: float) -> float:
    """A draw of Beta(a, a); torch.distributions gives 0.5 where a is tiny, instead of 0 or 1."""
    return Random(int(torch.randint(2**62, ()))).betavariate(a, a)


def _paste(
    x: Float[Tensor, "b c *grid"], t: Int[Tensor, " b"], partner: Float[Tensor, "b c *grid"],
    other: Int[Tensor, " b"], share: float,
) -> Mixed:  # fmt: skip
    """A box of the partner's pixels in each image; the share is what the box leaves of it.

    Source: Yun et al. 2019, 'CutMix', equations 1 and 2; a box that sticks out is cut off.
    """
    grid = x.shape[2:]
    box = tuple(_side(n, (1 - share) ** (1 / len(grid))) for n in grid)
    x = x.clone()
    part = x[:, :, *box]
    left = 1 - part[0, 0].numel() / x[0, 0].numel()
    part.copy_(partner[:, :, *box])
    return Mixed(x, t, other, left)


def _side(length: int, share: float) -> slice:
    """About a share of a side, anywhere."""
    middle, half = int(torch.randint(length, ())), round(length * share) / 2
    return slice(max(0, round(middle - half)), min(length, round(middle + half)))
