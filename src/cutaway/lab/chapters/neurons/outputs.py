"""Activations with and without a slope, and distributions over classes."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from cutaway.data.sources import load
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, exact
from cutaway.lab.experiment import claim
from cutaway.lab.figures import over, part
from cutaway.lab.settings import Batch, Range, Replicates, Seed, Steps, Width
from cutaway.lab.tools.learning import minimise
from cutaway.lab.tools.samples import Samples, batch_of, samples
from cutaway.learn.fleet.stack import Stack
from cutaway.models.mlp import MLP

Rate = Annotated[float, Range(1e-6, 10)]
Data = Literal["digits", "mnist"]
Images = Annotated[int, Range(100, 60_000)]
Digits = tuple[Samples, Samples]
Loss = Callable[[Tensor, Tensor], Tensor]
Output = Callable[[Tensor], Tensor]
KINDS = ("step", "sigmoid", "tanh", "relu")


class Step(nn.Module):
    """1 where s >= 0, else 0; its slope is 0 wherever it has one, and autograd says so."""

    def forward(self, s: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return (s >= 0).to(s) + 0 * s


class Learner:
    """Replicates of a network with one hidden layer that learn handwritten digits."""

    def __init__(self, digits: Digits, kind: str, width: int, replicates: int, seed: int):
        self.learned, self.tested = digits
        self.seed = seed
        torch.manual_seed(seed)  # the same weights, whatever is asked of them
        tau = "relu" if kind == "step" else kind
        features = self.learned.x[0].numel()
        networks = [MLP(features, [width], 10, tau) for _ in range(replicates)]
        if kind == "step":
            for net in networks:
                net.get_submodule("hidden.0").tau = Step()
        self.nets = Stack(networks)

    def slope(self) -> float:
        """The largest gradient of a hidden weight at the start, on all training images."""
        _cross_entropy(self.nets(self.learned.x), self.learned.t).sum().backward()
        gradient = self.nets.weights["hidden.0.U.weight"].grad
        assert gradient is not None
        return gradient.abs().max().item()

    def learn(self, loss: Loss, held: bool, steps: int, batch: int, lr: float) -> None:
        """Adam; the hidden layer as it was drawn where it is held."""
        weights = self.nets.weights.items()
        free = [p for name, p in weights if not (held and name.startswith("hidden"))]

        def losses(step: int) -> Tensor:
            index = batch_of(self.seed, step, len(self.learned), batch)
            return loss(self.nets(self.learned.x[index]), self.learned.t[index])

        minimise(losses, torch.optim.Adam(free, lr), steps)

    @torch.no_grad()
    def scores(self) -> Float[Tensor, "r n k"]:
        """Of the test images."""
        return self.nets(self.tested.x).double()

    def right(self) -> Float[Tensor, "r"]:
        """Test accuracy of each network (%)."""
        return 100 * (self.scores().argmax(-1) == self.tested.t).double().mean(1)


def _cross_entropy(s: Float[Tensor, "r b k"], t: Int[Tensor, "b"]) -> Float[Tensor, "r"]:
    return cross_entropy(s.movedim(2, 1), t.expand(len(s), -1), reduction="none").mean(1)


def trainable(step_gradient: Effect, step_gain: Effect, least_gain: Effect) -> Verdict:
    """Holds if the gradient of the layer behind the step is exactly 0 and learning that layer
    changes no network's accuracy, while behind sigmoid, tanh and ReLU alike it gains accuracy (the
    lowest of the three intervals above 0); does not hold if the step's layer learns, or that of
    another loses for certain; else undecided."""
    if step_gradient.value or step_gain.value or least_gain.high < 0:
        return Verdict.FAILS
    return Verdict.HOLDS if least_gain.low > 0 else Verdict.UNDECIDED


@claim(
    "1.4",
    says="A step activation cannot be trained by gradients; sigmoid, tanh and ReLU can.",
    source="study notes, activation functions",
    rule=trainable,
    otherwise="A gradient that is made up, such as a straight-through estimator: the step then "
    "learns, but by another slope than its own.",
    baseline="The same networks with the hidden layer held as it was drawn: what their output "
    "layer reaches alone, far above the 10 % of a constant answer.",
    evening={"data": "mnist"},
    full={"data": "mnist", "n": 60_000, "replicates": 32, "steps": 3000, "width": 64},
)
def steps_and_slopes(
    data: Data = "digits",
    n: Images = 6000,
    width: Width = 16,
    replicates: Replicates = 12,
    steps: Steps = 250,
    batch: Batch = 64,
    lr: Rate = 0.01,
    seed: Seed = 0,
) -> Evidence:
    """Networks with one hidden layer learn handwritten digits, once whole and once with the hidden
    layer held as it was drawn: what that layer's own learning adds is the gain."""
    digits = samples(load(data), seed, n, n)
    rows: list[dict[str, Any]] = []
    held, free, gains = list[Tensor](), list[Tensor](), {}
    for kind in KINDS:
        for still, right in ((True, held), (False, free)):
            learner = Learner(digits, kind, width, replicates, seed)
            slope = learner.slope()
            learner.learn(_cross_entropy, still, steps, batch, lr)
            right.append(learner.right())
        gain = gains[kind] = difference(f"gain, {kind}", held[-1], free[-1], "points")
        row = {
            "activation": kind,
            "largest gradient": slope,
            "accuracy, layer held (%)": held[-1].mean().item(),
            "accuracy, learned (%)": free[-1].mean().item(),
            "gain (points)": gain.value,
            "low": gain.low,
            "high": gain.high,
        }
        rows.append(row)
    least = min((gains[kind] for kind in KINDS[1:]), key=lambda e: e.low)
    _, slope, alone, whole, *_ = rows[0].values()
    changed = (free[0] - held[0]).abs().max()
    record = Record()
    record.effects(
        step_gradient=exact("largest gradient of a weight behind the step", slope),
        step_gain=exact("largest change by learning behind the step", changed, "points"),
        least_gain=replace(least, what=f"least gain of the others ({least.what[6:]})"),
    )
    record.table(f"{width} hidden units on {data}", rows)
    parts = [
        part("hidden layer held", torch.stack(held)),
        part("hidden layer learned", torch.stack(free)),
    ]
    record.bars("Test accuracy", "accuracy (%)", KINDS, *parts)
    return record.because(f"""
        The step is flat on both sides, so every weight behind it gets a gradient of {slope:g} and
        stays where chance put it. That such a network still reaches {whole:.1f} % is the work of
        its output layer alone, which has slopes: with the hidden layer held it reaches {alone:.1f}
        %. Behind the others the layer learns, which gains {least.value:.1f} points at least. What
        matters is not the jump but the flatness: ReLU has a kink and learns, because one of its
        sides rises.
    """)


def normalised(
    softmax_bad: Effect, sigmoid_bad: Effect, raw_bad: Effect, reordered: Effect
) -> Verdict:
    """Holds if softmax and z_i / sum z_j both give distributions for scores of any sign and leave
    their order as it is; with limits if softmax does and the plain ratio only for positive z; does
    not hold if softmax gives no distribution or another order."""
    if softmax_bad.value or reordered.value:
        return Verdict.FAILS
    return Verdict.LIMITED if raw_bad.value or sigmoid_bad.value else Verdict.HOLDS


@claim(
    "1.6",
    says="Softmax turns the outputs into a distribution over the classes, and so the five best "
    "make sense; it is written as P(c_i) = z_i / sum of all z_j.",
    source="MIT 6.034 lecture, softmax; study notes, softmax function",
    rule=normalised,
    otherwise="Outputs that are never negative: for z_i = e^(s_i) the lecture's formula is "
    "softmax.",
    baseline="Scores divided by their sum, with nothing done to them before: a distribution only "
    "where no score is negative. For the order of the five best: the scores themselves.",
    evening={"data": "mnist"},
    full={"data": "mnist", "n": 60_000, "replicates": 32, "steps": 3000, "width": 128},
    doubt="The lecture divides z_i by their sum without the exponential. Is that the same?",
)
def softmax_and_ratio(
    data: Data = "digits",
    n: Images = 6000,
    width: Width = 32,
    replicates: Replicates = 12,
    steps: Steps = 300,
    batch: Batch = 64,
    lr: Rate = 0.01,
    shift: Annotated[float, Range(0, 100)] = 5.0,
    seed: Seed = 0,
) -> Evidence:
    """The same networks learn digits by the likelihood of softmax, and by that of the plain ratio
    of sigmoid outputs, as in the lecture; the ratio of raw scores is read off the former. Then the
    same number is added to all scores, which ought to change nothing."""
    digits = samples(load(data), seed, n, n)
    outputs: dict[str, tuple[Tensor, Output]] = {}
    trained: dict[str, Output] = {"softmax": softmax, "sigmoid ratio": sigmoid_ratio}
    for name, f in trained.items():
        learner = Learner(digits, "relu", width, replicates, seed)
        learner.learn(partial(_loss_of, f), False, steps, batch, lr)
        outputs[name] = learner.scores(), f
    outputs["raw ratio"] = outputs["softmax"][0], raw_ratio
    t = digits[1].t
    rows = [_judged(name, s, f(s), f(s + shift), t) for name, (s, f) in outputs.items()]
    soft, ratio, raw = rows
    soft_loss, ratio_loss = (_loss_of(f, outputs[name][0], t) for name, f in trained.items())
    record = Record()
    record.effects(
        softmax_bad=exact("answers of softmax that are no distribution", soft[1], "%"),
        sigmoid_bad=exact("of the ratio of sigmoid outputs", ratio[1], "%"),
        raw_bad=exact("of the ratio of raw scores", raw[1], "%"),
        reordered=exact("answers whose five best softmax reorders", soft[2], "%"),
        loss=difference("log-loss, sigmoid ratio minus softmax", soft_loss, ratio_loss),
    )
    columns = "output | no distribution (%) | five best reordered (%) | accuracy (%)"
    columns += f" | top-5 accuracy (%) | surest class (%) | surest after +{shift:g} (%)"
    record.table("Test digits, means over the replicates", rows, columns)
    _surest(record, outputs)
    return record.because(f"""
        The lecture's z are outputs of sigmoids, all above 0, and of those the plain ratio is a
        distribution ({ratio[1]:g} % are not). Of scores of either sign it is none: {raw[1]:.0f} %
        of the answers then hold negative 'probabilities', and where the sum is negative the order
        turns round ({raw[2]:.0f} % of the five best change). The exponential makes any score
        positive and looks at differences alone: adding {shift:g} to all scores leaves softmax's
        surest class at {soft[6]:.1f} %, the ratio's falls from {ratio[5]:.1f} to {ratio[6]:.1f} %.
        As for the five best, they need an order and no distribution: softmax changed them in
        {soft[2]:g} % of the answers, so they made as much sense before it. The conclusion is right,
        the 'so' is not.
    """)


def softmax(s: Tensor) -> Tensor:
    """e^(s_i) / sum_j e^(s_j)."""
    return s.softmax(-1)


def raw_ratio(z: Tensor) -> Tensor:
    """z_i / sum_j z_j."""
    return z / z.sum(-1, keepdim=True)


def sigmoid_ratio(s: Tensor) -> Tensor:
    """The same of z = 1 / (1 + e^-s)."""
    return raw_ratio(s.sigmoid())


def _loss_of(f: Output, s: Float[Tensor, "r b k"], t: Int[Tensor, "b"]) -> Float[Tensor, "r"]:
    """Mean of -log p of the true classes."""
    p = f(s).gather(-1, t.expand(len(s), -1)[..., None])
    return -p.squeeze(-1).clamp(min=1e-12).log().mean(1)


def _judged(
    name: str, s: Tensor, p: Tensor, shifted: Tensor, t: Tensor
) -> tuple[str, float, float, float, float, float, float]:
    """In per cent: no distribution, five best reordered, right, in five best, surest, shifted."""
    bad = ~((p >= 0).all(-1) & ((p.sum(-1) - 1).abs() <= 1e-6))  # 0/0 is no distribution either
    five, before = p.topk(5).indices, s.topk(5).indices
    reordered, among = (five != before).any(-1), (five == t[:, None]).any(-1)
    facts = (bad, reordered, p.argmax(-1) == t, among, p.amax(-1), shifted.amax(-1))
    a, b, c, d, e, f = (100 * fact.double().mean().item() for fact in facts)
    return name, a, b, c, d, e, f


def _surest(record: Record, outputs: dict[str, tuple[Tensor, Output]]) -> None:
    """Record how many digits each output that is a distribution answers how surely."""
    series = []
    for name in ("softmax", "sigmoid ratio"):
        s, f = outputs[name]
        top = f(s).amax(-1)
        edges = torch.linspace(0.2, 1, 9).double()
        shares = [100 * ((top >= low).double().mean(1)) for low in edges]
        series.append(over(name, (100 * edges), torch.stack(shares)))
    axes = "probability of the surest class, at least (%)", "test digits (%)"
    record.curves("Confidence of the answers", *axes, *series)
