"""Several labels an image, each by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.arithmetic import at_least_float32
from cutaway.data.batch import Batch
from cutaway.data.feed import Feed
from cutaway.data.target import Labels, Target
from cutaway.learn.columns import columns
from cutaway.learn.evaluation import Evaluation, Summary
from cutaway.learn.label_prediction import LabelPrediction
from cutaway.learn.metrics import HIGHER, LOWER, Kept, Metric, loss
from cutaway.learn.multilabel import MultiLabelEvaluation, mean_of_known
from cutaway.learn.ranking import ranking
from cutaway.learn.runtime import Runtime
from cutaway.learn.task import Counts, Player, Task, at_rest, expect
from cutaway.settings import Options

NEXT = 5
"""Labels below their thresholds that an answer names, at most."""


def _wrong(tensors: Kept) -> Tensor:
    told = tensors["probabilities"] >= tensors["thresholds"]
    return (told != tensors["targets"].bool()).double().mean(1)


HAMMING = Metric(
    "hamming_loss", "Hamming loss", "Hamming loss", "wrong decisions (%)", unit="%", each=_wrong,
    caption=f"{LOWER} Of the decisions, one for each label of each image, the share that is wrong.",
)  # fmt: skip


@dataclass(frozen=True)
class MultiLabel(Task):
    """Minimise the binary cross-entropy of each label: -t log p - (1 - t) log(1 - p), their mean.

    p = 1 / (1 + exp(-s)) of each output s. A label is predicted where p is not below its threshold.
    The thresholds are those of the highest F1 on the validation images; 0.5 where fewer than 10 of
    them have the label, or lack it.

    Args:
        auxiliary: weight of the loss of each further output that a network gives while it trains.
        thresholds: of each label; none for 0.5.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        loss("nats a label"),
        Metric(
            "mean_average_precision", axis="mean average precision (%)", unit="%", higher=True,
            caption=f"{HIGHER} The area below the curve of precision and recall, a mean over the "
            "labels; no threshold is needed for it.",
        ),
        HAMMING,
        Metric("f1", "F1 (mean of labels)", unit="%", higher=True, each_epoch=False),
        Metric("micro_f1", "F1 (all decisions)", unit="%", higher=True, each_epoch=False),
        Metric("auc", "AUC", unit="%", higher=True, each_epoch=False),
        Metric("subset_accuracy", unit="%", higher=True, each_epoch=False),
    )  # fmt: skip
    primary: ClassVar[str] = "mean_average_precision"
    compared: ClassVar[str] = "hamming_loss"
    pooled: ClassVar[Metric | None] = HAMMING
    needs: ClassVar[type[Target] | None] = Labels
    serves: ClassVar[bool] = True
    page: ClassVar[str] = "multi_label"
    begins: ClassVar[Options] = {"label_smoothing": 0.0}
    tuned: ClassVar[tuple[str, ...]] = ("thresholds",)

    auxiliary: float = 0.3
    thresholds: tuple[float, ...] = field(default=(), kw_only=True)

    def players(self, model: nn.Module) -> tuple[Player, ...]:
        def error(batch: Batch) -> tuple[Tensor, Counts]:
            output = model(batch.x)
            s, *others = output if isinstance(output, tuple) else (output,)
            total = F.binary_cross_entropy_with_logits(at_least_float32(s), batch.t)
            for other in others:
                more = F.binary_cross_entropy_with_logits(at_least_float32(other), batch.t)
                total = total + self.auxiliary * more
            wrong = ((s.detach() >= 0) != (batch.t > 0.5)).float().mean(1)
            return total, {"hamming_loss": wrong.sum()}

        return (Player("model", tuple(model.parameters()), error),)

    @property
    def takes_features(self) -> bool:
        return True

    def check(self, model: nn.Module, batch: Batch, target: Target) -> None:
        k = target.outputs
        expect(model(batch.x), (len(batch), k), f"telling {k} labels")

    def cuts(self, target: Target) -> Float[Tensor, " k"]:
        """The threshold of each label."""
        return torch.tensor(self.thresholds or (0.5,) * target.outputs)

    def answer(self, output: Float[Tensor, "b k"], target: Target) -> Float[Tensor, "b k"]:
        """The probability of each label."""
        return output.float().sigmoid()

    def output_of(self, answer: Float[Tensor, "b k"], target: Target) -> Float[Tensor, "b k"]:
        return answer.clamp(1e-30, 1 - 1e-7).logit()

    def evaluate(
        self, model: nn.Module, feed: Feed, target: Target, runtime: Runtime
    ) -> MultiLabelEvaluation:
        with at_rest(model, runtime):
            index, targets, p = columns(
                feed, runtime, lambda b: (b.index, b.t.byte(), self.answer(model(b.x), target))
            )
        return MultiLabelEvaluation(target.names, index, targets, p, self.cuts(target))

    def recall(
        self, tensors: dict[str, Tensor], summary: Summary, target: Target
    ) -> MultiLabelEvaluation:
        return MultiLabelEvaluation(target.names, **tensors)

    def tune(self, evaluation: Evaluation, target: Target) -> Mapping[str, Any]:
        """The threshold of the highest F1 for each label."""
        assert isinstance(evaluation, MultiLabelEvaluation)
        columns = zip(evaluation.probabilities.T, evaluation.true.T, strict=True)
        return {"thresholds": [ranking(p, t).best_threshold() for p, t in columns]}

    def prediction(
        self, name: str, answer: Tensor | None, target: Target, error: str = ""
    ) -> LabelPrediction:
        if answer is None:
            return LabelPrediction(name=name, error=error)
        p = answer.double().numpy()
        labels, others = self._told(p, target)
        every = dict(zip(target.names, p.tolist(), strict=True))
        return LabelPrediction(name=name, labels=labels, others=others, probabilities=every)

    def reply(self, answer: Float[np.ndarray, " k"], target: Target) -> Mapping[str, object]:
        return {
            key: [{"label": name, "probability": round(p, 6)} for name, p in pairs]
            for key, pairs in zip(("labels", "others"), self._told(answer, target), strict=True)
        }

    def _told(
        self, answer: Float[np.ndarray, " k"], target: Target
    ) -> tuple[tuple[tuple[str, float], ...], ...]:
        """The labels that are predicted, and some that are not, the most probable first."""
        told = answer >= self.cuts(target).numpy()
        order = np.argsort(-answer, kind="stable").tolist()
        pairs = [(target.names[k], float(answer[k]), bool(told[k])) for k in order]
        labels, others = (
            tuple((n, p) for n, p, one in pairs if one is yes) for yes in (True, False)
        )
        return labels, others[:NEXT]

    def quality(self, answers: Tensor, truth: Tensor, target: Target) -> dict[str, float]:
        columns = zip(answers.T, truth.bool().T, strict=True)
        mean = mean_of_known(ranking(p, t).average_precision for p, t in columns)
        return {} if mean is None else {"mean_average_precision": mean}

    def example(self, x: Float[Tensor, "b c *grid"], classes: int) -> Batch:
        t = (torch.arange(len(x))[:, None] + torch.arange(classes)) % 2
        return Batch(x, t.float(), torch.arange(len(x)))
