"""A fleet that answers as one: the mean of its members' probabilities."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, combinations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cutaway.errors import UsageError
from cutaway.learn.evaluation import Evaluation
from cutaway.learn.run import Run
from cutaway.learn.tasks.classify import Classify
from cutaway.randomness import generator

DRAWS = 50
"""Ensembles of a size that are drawn for the curve, at most."""


class Committee(nn.Module):
    """Scores whose softmax is o = (1/n) sum_i o_i, the mean of the members' probabilities.

    Source: textbook ch. 5.3.6; Ciresan et al. 2012, section 2.
    """

    def __init__(self, members: Sequence[nn.Module]):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Float[Tensor, "b c *grid"]) -> Float[Tensor, "b k"]:
        o = [member(x).float().softmax(1) for member in self.members]
        return torch.stack(o).mean(0).clamp(min=1e-30).log()


def agreed(found: Sequence[Evaluation]) -> Evaluation:
    """What the mean of the members' probabilities says of the test images."""
    p, first = torch.stack([one.probabilities for one in found]).mean(0), found[0]
    return replace(first, probabilities=p)


def kept(runs: Sequence[Run]) -> list[Evaluation]:
    """Each member's answers to the same test images.

    Raises:
        UsageError: the members do not classify, or did not test on the same images.
    """
    if not all(type(run.task) is Classify for run in runs):
        raise UsageError("Only classifiers answer as one: the mean of their probabilities.")
    found = [run.saved_test() for run in runs]
    evaluations = [one for one in found if isinstance(one, Evaluation)]
    first = evaluations[0].index
    if not all(torch.equal(one.index, first) for one in evaluations):
        raise UsageError(
            "These members were tested on different images (folds, or splits of their own), so "
            "their answers have no mean: train replicates of one split."
        )
    return evaluations


def curve(found: Sequence[Evaluation]) -> list[dict[str, float]]:
    """Error against the number of members: mean, least and largest over ensembles of each size.

    All ensembles of a size are tried where there are at most 50; else the first so many members
    of 50 drawn orders.
    """
    p = torch.stack([one.probabilities.double() for one in found])
    t, count = found[0].targets, len(found)
    drawn = [_growing(p[_order(count, i)], t) for i in range(DRAWS)]
    rows = []
    for size in range(1, count + 1):
        errors = [one[size - 1] for one in drawn]
        if math.comb(count, size) <= DRAWS:
            errors = [
                _error(p[some].sum(0), t) for some in map(list, combinations(range(count), size))
            ]
        mean = sum(errors) / len(errors)
        rows.append({"members": size, "error": mean, "least": min(errors), "most": max(errors)})
    return rows


def _growing(p: Float[Tensor, "m n k"], t: Int[Tensor, " n"]) -> list[float]:
    """Errors of the first member, the first two, and so on."""
    return [_error(total, t) for total in accumulate(p)]


def _error(p: Float[Tensor, "n k"], t: Int[Tensor, " n"]) -> float:
    return (p.argmax(1) != t).double().mean().item()


def _order(count: int, i: int) -> Int[Tensor, " m"]:
    return torch.randperm(count, generator=generator(0, "ensembles", i))
