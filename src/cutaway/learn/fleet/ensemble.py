"""A fleet as an ensemble: the mean of its members' answers."""

import math
from collections.abc import Sequence
from itertools import accumulate, combinations
from typing import TypedDict

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cutaway.data.target import Target
from cutaway.errors import UsageError
from cutaway.learn.evaluation import Pooled
from cutaway.learn.run import Run
from cutaway.learn.task import Task
from cutaway.randomness import generator

DRAWS = 50
"""Ensembles of a size that are drawn for the curve, at most."""


class CurvePoint(TypedDict):
    """The error of ensembles of so many members: mean, least and largest."""

    members: int
    error: float
    least: float
    most: float


class Ensemble(nn.Module):
    """The output whose answer, by the first task, is the mean of the members' answers.

    Source: textbook ch. 5.3.6; Ciresan et al. 2012, section 2.

    Args:
        tasks: of each member, with what was tuned of it.
    """

    def __init__(self, tasks: Sequence[Task], members: Sequence[nn.Module], target: Target):
        super().__init__()
        self.tasks, self.members, self.target = tasks, nn.ModuleList(members), target

    def forward(self, x: Float[Tensor, "b c *grid"]) -> Float[Tensor, "b *any"]:
        pairs = zip(self.tasks, self.members, strict=True)
        answers = [task.answer(member(x), self.target) for task, member in pairs]
        return self.tasks[0].output_of(torch.stack(answers).mean(0), self.target)


def ensemble_evaluation(evaluations: Sequence[Pooled]) -> Pooled:
    """The evaluation of the mean of the members' answers."""
    return evaluations[0].with_answers(torch.stack([one.answers for one in evaluations]).mean(0))


def member_evaluations(runs: Sequence[Run]) -> list[Pooled]:
    """Each member's answers to the same test images.

    Raises:
        UsageError: the members' answers have no mean, or are to other images.
    """
    if not all(run.task.pooled for run in runs):
        raise UsageError(
            "Only networks whose answers have a mean are an ensemble: classifiers, for example."
        )
    results = [run.saved_test() for run in runs]
    evaluations = [one for one in results if isinstance(one, Pooled)]
    first = evaluations[0].index
    if not all(torch.equal(one.index, first) for one in evaluations):
        raise UsageError(
            "These members were tested on different images (folds, or splits of their own), so "
            "their answers have no mean: train replicates of one split."
        )
    return evaluations


def curve(evaluations: Sequence[Pooled]) -> list[CurvePoint]:
    """Error against the number of members: mean, least and largest over ensembles of each size.

    All ensembles of a size are tried where there are at most 50; else the first so many members
    of 50 drawn orders.
    """
    p = torch.stack([one.answers.double() for one in evaluations])
    first, count = evaluations[0], len(evaluations)
    drawn = [_growing(p[_order(count, i)], first) for i in range(DRAWS)]
    rows: list[CurvePoint] = []
    for size in range(1, count + 1):
        errors = [one[size - 1] for one in drawn]
        if math.comb(count, size) <= DRAWS:
            errors = [
                first.error_of(p[list(some)].sum(0), size)
                for some in combinations(range(count), size)
            ]
        mean = sum(errors) / len(errors)
        rows.append({"members": size, "error": mean, "least": min(errors), "most": max(errors)})
    return rows


def _growing(p: Float[Tensor, "m n *any"], of: Pooled) -> list[float]:
    """Errors of the first member, the first two, and so on."""
    return [of.error_of(total, k + 1) for k, total in enumerate(accumulate(p))]


def _order(count: int, i: int) -> Int[Tensor, " m"]:
    return torch.randperm(count, generator=generator(0, "ensembles", i))
