"""The loss of a classifier whose classes are unequal: weights, focus and shifted scores."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from cutaway.arithmetic import at_least_float32

LEAST = 1e-7
"""Least 1 - p in the focal loss: below it a power under 1 would have no finite slope."""


@dataclass(frozen=True)
class ClassLoss:
    """Cross-entropy, of which each class has its weight, after its scores have been shifted.

    For scores s and a target q (one class, smoothed where asked) the loss of an example is
    -sum_c w_c q_c (1 - p_c)^focal log p_c with p = softmax(s + logit_adjust log prior), and that
    of a batch is the mean over its examples, which are not weighed by each other.

    Source: King and Zeng 2001 for w_c = n / (k n_c); Lin et al. 2017, equation 4, for `focal`;
    Menon et al. 2021, equation 10, for `logit_adjust`, with which the scores that are learned
    suit classes of equal frequency; Szegedy et al. 2016, section 7, for smoothing.

    Args:
        counts: training examples of each class; without them the classes are taken for equal.
        balanced: whether the classes have the weights w_c, and else 1.
    """

    counts: tuple[int, ...] = ()
    balanced: bool = False
    focal: float = 0.0
    logit_adjust: float = 0.0
    label_smoothing: float = 0.0

    def __call__(self, s: Float[Tensor, "b k"], t: Int[Tensor, " b"]) -> Float[Tensor, ""]:
        smooth = self.label_smoothing
        if not (self.balanced or self.focal or self.logit_adjust):
            return F.cross_entropy(s, t, label_smoothing=smooth)
        prior = self._prior(s)
        if self.logit_adjust:
            s = s + self.logit_adjust * prior.log()
        k, log_p = len(prior), at_least_float32(s).log_softmax(1)
        true = t[:, None] == torch.arange(k, device=t.device)
        q = (1 - smooth) * true + smooth / k
        weight = 1 / (k * prior) if self.balanced else torch.ones_like(prior)
        far = (-log_p.expm1()).clamp(min=LEAST) ** self.focal if self.focal else 1.0
        return -(weight * q * far * log_p).sum(1).mean()

    def _prior(self, s: Float[Tensor, "b k"]) -> Float[Tensor, " k"]:
        """The frequency of each class in training; one without examples counts as with one."""
        counts = self.counts or (1,) * s.shape[1]
        prior = torch.tensor(counts, dtype=torch.float32, device=s.device).clamp(min=1)
        return prior / prior.sum()
