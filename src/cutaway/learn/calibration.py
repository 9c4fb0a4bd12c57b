"""Calibrated probabilities: a classifier's scores are divided by a temperature before the softmax.

The temperature is found on the validation images once the network has learned, and is one number
for all images and classes: which class is the most probable does not depend on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, log
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.data.target import Target
from cutaway.learn.conformal import Covering, conformity, limit_for
from cutaway.learn.evaluation import Evaluation

TEMPERATURES = (0.05, 20.0)
"""The least and the largest that is considered."""
UNKNOWN = 0.5
"""Images whose class may be any, beside those of validation (as many as Jeffreys's prior has)."""
GAIN = 1.0
"""Nats of likelihood, all images together, that a fitted number has to earn (Akaike 1974)."""
LEAST = torch.finfo(torch.float32).tiny
"""The least probability that is told from none."""


@dataclass(frozen=True)
class Calibrated(Covering):
    """A task whose answers are probabilities of classes, p = softmax(s / T) of scores s.

    Source: Guo et al. 2017, 'On calibration of modern neural networks', section 4.2.

    Attributes:
        temperature: T, from the validation images; 1 until they have been asked, and where they
            do not tell.
        conformity: what the sets of classes follow from (see `learn.conformal`).
    """

    tuned: ClassVar[tuple[str, ...]] = ("temperature", "conformity")

    temperature: float = field(default=1.0, kw_only=True)
    conformity: tuple[float, ...] = field(default=(), kw_only=True)

    @property
    def conforming(self) -> tuple[float, ...]:
        return self.conformity

    def answer(self, output: Float[Tensor, "b k"], target: Target) -> Float[Tensor, "b k"]:
        """The network's output as probabilities."""
        return (output.float() / self.temperature).softmax(1)

    def output_of(self, answer: Float[Tensor, "b k"], target: Target) -> Float[Tensor, "b k"]:
        return self.temperature * answer.clamp(min=1e-30).log()

    def tune(self, evaluation: Evaluation, target: Target) -> Mapping[str, Any]:
        """The temperature, from an evaluation at temperature 1, and the conformity at this one."""
        tensors = evaluation.tensors()
        p, t = tensors["probabilities"], tensors["targets"]
        found = fit_temperature(p, t)
        answers = (p.clamp(min=LEAST).log() / found).softmax(1)
        kept = conformity(answers.gather(1, t[:, None])[:, 0])
        return {"temperature": found, "conformity": kept}

    def prediction_set(self, answer: Float[Tensor, " k"], target: Target) -> tuple[str, ...] | None:
        """The names of the classes in the set of an image, the most probable first; None where no
        coverage is asked for."""
        if not self.coverage:
            return None
        among = answer.double() >= limit_for(self.conformity, self.coverage)
        best = answer.argsort(descending=True, stable=True)
        return tuple(target.names[i] for i in best[among[best]].tolist())


def fit_temperature(p: Float[Tensor, "n k"], t: Int[Tensor, " n"]) -> float:
    """The temperature T at which -sum log softmax(log(p) / T)_t is least.

    Half an image more is added whose class may be any, its scores being the mean over the others:
    where every answer is right, T would else go to 0 and the probabilities to 1. Where that gains
    less than 1 nat, the images are too few to tell, and T is 1.

    Source: Guo et al. 2017, section 4.2; Platt 1999, section 2.2, for targets that stay below 1.
    """
    from scipy.optimize import minimize_scalar  # type: ignore[import-untyped]

    s = p.double().clamp(min=LEAST).log()
    n = len(s)
    told = (s.gather(1, t[:, None]).sum() + UNKNOWN * s.mean()).item()

    def cost(log_temperature: float) -> float:
        beta = exp(-log_temperature)
        return (1 + UNKNOWN / n) * (beta * s).logsumexp(1).sum().item() - beta * told

    bounds = tuple(map(log, TEMPERATURES))
    best = minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": 1e-5})
    return round(exp(best.x), 4) if cost(0) - best.fun > GAIN else 1.0
