"""A fleet that answers as one: the mean of its members' probabilities."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
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


def agreed(runs: Sequence[Run]) -> Evaluation:
    """What the mean of the members' probabilities says of the test images, as kept by the runs.

    Raises:
        UsageError: the members do not classify, or did not test on the same images.
    """
    found = kept(runs)
    return _together(found, torch.stack([one.probabilities for one in found]).mean(0))


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


def curve(runs: Sequence[Run]) -> list[dict[str, float]]:
    """Error against the number of members: mean, least and largest over ensembles of each size.

    All ensembles of a size are tried, or 50 drawn ones where there are more.
    """
    found = kept(runs)
    each = torch.stack([one.probabilities.double() for one in found])
    rows = []
    for size in range(1, len(found) + 1):
        errors = [1 - _together(found, each[some].mean(0)).accuracy for some in _some(size, found)]
        mean = sum(errors) / len(errors)
        rows.append({"members": size, "error": mean, "least": min(errors), "most": max(errors)})
    return rows


def _some(size: int, found: Sequence[Evaluation]) -> list[Tensor]:
    count = len(found)
    every = torch.combinations(torch.arange(count), size) if count < 12 else None
    if every is not None and len(every) <= DRAWS:
        return list(every)
    draw = generator(0, "ensembles", size)
    return [torch.randperm(count, generator=draw)[:size] for _ in range(DRAWS)]


def _together(found: Sequence[Evaluation], p: Float[Tensor, "n k"]) -> Evaluation:
    first = found[0]
    return Evaluation(first.classes, first.index, first.targets, p.float())
