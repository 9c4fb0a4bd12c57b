"""Two classes as one that is looked for: curves over all thresholds, and the areas below them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from cutaway.learn.classification import Classification
from cutaway.learn.stats import wilson

Points = Float[np.ndarray, " points"]


@dataclass(frozen=True)
class TwoClasses:
    """The probability of the positive class beside the truth.

    Attributes:
        name: of the positive class; `other`, of the negative one.
        positive: which examples are of it.
        score: its probability in each.
        groups: a group number for each, where some are related.
    """

    name: str
    other: str
    positive: Bool[np.ndarray, " n"]
    score: Float[np.ndarray, " n"]
    groups: Int[np.ndarray, " n"] | None = None

    @classmethod
    def of(cls, result: Classification, positive: int) -> "TwoClasses":
        groups = None if result.groups is None else result.groups.numpy()
        score = result.probabilities[:, positive].double().numpy()
        names = result.classes[positive], result.classes[1 - positive]
        return cls(*names, (result.targets == positive).numpy(), score, groups)

    @cached_property
    def roc(self) -> tuple[Points, Points]:
        """False positives of the negatives, and true positives of the positives."""
        from sklearn.metrics import roc_curve

        false, true, _ = roc_curve(self.positive, self.score)
        return false, true

    @cached_property
    def precision_recall(self) -> tuple[Points, Points]:
        """Recall, and the precision that goes with it, from few answers to all."""
        from sklearn.metrics import precision_recall_curve

        precision, recall, _ = precision_recall_curve(self.positive, self.score)
        return recall[::-1], precision[::-1]

    @property
    def share(self) -> float:
        """The share of the examples that are positive: the precision of who guesses."""
        return float(self.positive.mean())

    @cached_property
    def auc(self) -> tuple[float, float, float]:
        """The area below the ROC curve with its 95 % interval.

        It is the share of pairs of a positive and a negative whose scores are in order (a tie
        counts half), and its interval that of a share (Wilson 1927) of as many independent trials
        as give the variance of DeLong, in whose sums related examples are added up first. Where
        all pairs are in order, there are as many trials as examples of the rarer class.

        Source: DeLong et al. 1988, equations 4 to 6; Obuchowski 1997 for related examples.
        """
        from sklearn.metrics import roc_auc_score

        value = float(roc_auc_score(self.positive, self.score))
        off = self._placements() - value
        units = np.arange(len(off)) if self.groups is None else self.groups
        sums = np.bincount(np.unique(units, return_inverse=True)[1], off * self._weights())
        spread = float((sums**2).sum())
        count = min(self._units(self.positive), self._units(~self.positive))
        worth = value * (1 - value) / spread if spread > 0 else count
        return value, *wilson(value * worth, worth)

    @cached_property
    def average_precision(self) -> tuple[float, float, float]:
        """The area below the precision-recall curve, by steps, with its 95 % interval.

        The interval is that of a share (Wilson 1927) of as many trials as there are positives.

        Source: Boyd, Eng and Page 2013, section 4, the binomial interval.
        """
        from sklearn.metrics import average_precision_score

        value = float(average_precision_score(self.positive, self.score))
        count = self._units(self.positive)
        return value, *wilson(value * count, count)

    def shares_at(self, threshold: float) -> tuple[float, float]:
        """True positives of the positives, and false ones of the negatives, at a threshold."""
        predicted = self.score >= threshold
        return float(predicted[self.positive].mean()), float(predicted[~self.positive].mean())

    def cost_at(self, threshold: float, miss_cost: float) -> float:
        """What 100 examples cost, a false alarm costing 1 and a miss `miss_cost`."""
        found, alarms = self.shares_at(threshold)
        return 100 * (self.share * (1 - found) * miss_cost + (1 - self.share) * alarms)

    def _placements(self) -> Float[np.ndarray, " n"]:
        """For each positive the share of negatives below it, and for each negative of positives
        above it; ties count half."""
        found = np.empty(len(self.score))
        for own, sign in ((self.positive, 1), (~self.positive, -1)):
            others, x = np.sort(sign * self.score[~own]), sign * self.score[own]
            below, up_to = (np.searchsorted(others, x, side) for side in ("left", "right"))
            found[own] = (below + up_to) / (2 * len(others))
        return found

    def _weights(self) -> Float[np.ndarray, " n"]:
        """The weight of each example's placement in the area's deviation."""
        weights = np.empty(len(self.score))
        for own in (self.positive, ~self.positive):
            units = self._units(own)
            weights[own] = np.sqrt(units / max(1, units - 1)) / own.sum()
        return weights

    def _units(self, which: Bool[np.ndarray, " n"]) -> int:
        """Number of examples, related ones counting as one."""
        return int(which.sum()) if self.groups is None else len(np.unique(self.groups[which]))


def fits(result: Classification) -> bool:
    """Whether there are two classes, examples of both, and probabilities other than 0 and 1."""
    p = result.probabilities
    both = len(result.classes) == 2 and len(result.targets.unique()) == 2
    return both and bool(((p > 0) & (p < 1)).any())
