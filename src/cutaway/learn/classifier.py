"""Tasks whose networks tell the class of each example, and what they share."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.data.batch import Batch
from cutaway.data.feed import Feed
from cutaway.data.target import Classes, Target
from cutaway.learn import by_class
from cutaway.learn.calibration import LEAST, Calibrated
from cutaway.learn.classification import ACCURACY, CALIBRATION, LOSS, TOP5, Classification
from cutaway.learn.columns import columns
from cutaway.learn.cost import best_threshold, cost_thresholds
from cutaway.learn.evaluation import Evaluation, Summary
from cutaway.learn.metrics import Metric
from cutaway.learn.prediction import ClassPrediction, best_first
from cutaway.learn.runtime import Runtime
from cutaway.learn.task import at_rest, expect


@dataclass(frozen=True)
class Classifier(Calibrated):
    """A task whose networks tell the class of each example: a score for each class.

    Attributes:
        thresholds: of two classes, from which probability on the positive one (`Classes.positive`)
            is predicted at the least cost on the validation images, where a missed one costs as
            much as 1, 2, 5, ... false alarms (`cost.MISS_COSTS`).
        decision: of two classes and a stated cost of a miss, the positive one and its threshold,
            by which predictions name a class; empty for the more probable one.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (LOSS, ACCURACY, *by_class.ALIKE, TOP5, CALIBRATION)
    primary: ClassVar[str] = "accuracy"
    needs: ClassVar[type[Target] | None] = Classes
    classifies: ClassVar[bool] = True
    serves: ClassVar[bool] = True
    page: ClassVar[str] = "classify"
    tuned: ClassVar[tuple[str, ...]] = (*Calibrated.tuned, "thresholds", "decision")

    thresholds: tuple[float, ...] = field(default=(), kw_only=True)
    decision: tuple[float, ...] = field(default=(), kw_only=True)

    @property
    def miss_cost(self) -> float:
        """How many false alarms a missed example of the positive class costs; 0: not stated."""
        return 0.0

    def tune(self, evaluation: Evaluation, target: Target) -> Mapping[str, Any]:
        """The temperature and, of two classes, the thresholds of the probability that it gives."""
        values, tensors = dict(super().tune(evaluation, target)), evaluation.tensors()
        if not isinstance(target, Classes) or target.outputs != 2:
            return values
        s = tensors["probabilities"].clamp(min=LEAST).log()
        p = self.with_tuned(values).answer(s, target)[:, target.positive].double().numpy()
        positive = (tensors["targets"] == target.positive).numpy()
        if not 0 < positive.sum() < len(positive):
            return values
        values["thresholds"] = cost_thresholds(p, positive)
        if self.miss_cost:
            best = round(best_threshold(p, positive, self.miss_cost), 6)
            values["decision"] = (target.positive, best)
        return values

    def leading(self, target: Target) -> str:
        """Balanced accuracy where classes are unequal: accuracy hides whether rare ones are told.

        The training images decide, so that it is the same for every evaluation of a run.
        """
        return by_class.BALANCED_ACCURACY.name if target.unequal else self.primary

    def check(self, model: nn.Module, batch: Batch, target: Target) -> None:
        k = target.outputs
        expect(model(batch.x), (len(batch), k), f"classifying into {k} classes")

    def evaluate(
        self, model: nn.Module, feed: Feed, target: Target, runtime: Runtime
    ) -> Classification:
        model = self.answering(model)
        with at_rest(model, runtime):
            index, targets, probabilities = columns(
                feed, runtime, lambda b: (b.index, b.t, self.answer(model(b.x), target))
            )
        return Classification(
            target.classes, index, targets, probabilities, unequal=target.unequal,
            conformity=self.conformity,
        )  # fmt: skip

    def recall(
        self, tensors: dict[str, Tensor], summary: Summary, target: Target
    ) -> Classification:
        columns = (tensors[name] for name in ("index", "targets", "probabilities"))
        return Classification(
            target.classes, *columns, unequal=target.unequal, conformity=self.conformity
        )

    def prediction(
        self, name: str, answer: Tensor | None, target: Target, error: str = ""
    ) -> ClassPrediction:
        """The five most probable classes, and the set where a coverage is asked for."""
        if answer is None:
            return ClassPrediction(name=name, error=error)
        told = ClassPrediction.of(name, answer.numpy(), target.names, self.decision)
        return replace(told, prediction_set=self.prediction_set(answer, target))

    def reply(self, answer: Float[np.ndarray, "k"], target: Target) -> Mapping[str, object]:
        best = best_first(answer, self.decision)[:5]
        pairs = ((target.names[i], round(float(answer[i]), 6)) for i in best)
        return {"top": [{"label": name, "probability": p} for name, p in pairs]}

    def quality(self, answers: Tensor, truth: Tensor, target: Target) -> dict[str, float]:
        predicted = answers.argmax(1)
        accuracy = {"accuracy": (predicted == truth).double().mean().item()}
        if not target.unequal:
            return accuracy
        counts = by_class.confusion(truth, predicted, target.outputs)
        return {"balanced_accuracy": by_class.balanced_accuracy(counts)} | accuracy
