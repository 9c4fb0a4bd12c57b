"""Grokking: sums that become right long after those that are learned are known by heart."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import one_hot

from cutaway.lab.chapters.depth.overfitting import stop_of
from cutaway.lab.chapters.depth.tickets import Part
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, mean, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import SHARE, over
from cutaway.lab.settings import Range, Rate, Replicates, Seed, Steps, Width
from cutaway.lab.tools.learning import accuracy, log_losses
from cutaway.randomness import generator

KNOWN, RIGHT, GUESSED, LONG = 99, 90, 25, 3
"""Accuracies (%): known by heart, right, and hardly more than guessed; how many times as many steps
as learning by heart takes are long after it."""
HALF = 50
"""Points that make a difference of two accuracies clear, and an accuracy (%) that is half way."""


class Arm(NamedTuple):
    """A way to learn: weight decay, and what the weights of the start are multiplied by."""

    name: str
    decay: float
    scale: float


def sums(p: int, share: float, r: int, draw: torch.Generator) -> tuple[Part, Part, Part]:
    """What r replicates learn, hold out, and are tested with: pairs (a, b) with (a + b) mod p.

    (a, b) and (b, a) are in the same part: that the order does not matter helps no one. A third of
    those that are not learned is held out.
    """
    pairs = torch.combinations(torch.arange(p), with_replacement=True)
    first = round(share / 100 * len(pairs))
    cut = first + (len(pairs) - first) // 3
    order = torch.rand(r, len(pairs), generator=draw).argsort(1)

    def part(index: Tensor) -> Part:
        both = torch.cat([pairs[index], pairs[index].flip(-1)], 1)
        return Part(one_hot(both, p).flatten(2).float(), both.sum(-1) % p)

    return part(order[:, :first]), part(order[:, first:cut]), part(order[:, cut:])


@dataclass(frozen=True)
class Course:
    """Accuracies (%) and loss after so many steps, of the replicates of one arm."""

    steps: Sequence[int]
    learned: Float[Tensor, "s r"]
    tested: Float[Tensor, "s r"]
    held_loss: Float[Tensor, "s r"]

    def first(self, reached: Float[Tensor, "s r"], level: float) -> Float[Tensor, "r"]:
        """The first of the steps after which it is reached; the last where it never is."""
        index = torch.where((reached >= level).any(0), (reached >= level).int().argmax(0), -1)
        return torch.tensor(self.steps).double()[index]

    def wait(self) -> Float[Tensor, "r"]:
        """The most steps that pass before the loss on what is held out is less than ever before, or
        until the end: a shorter patience stops there."""
        least = self.held_loss.cummin(0).values
        waits = []
        for loss in least.T:
            new = [0, *(i for i in range(1, len(loss)) if loss[i] < loss[i - 1]), len(loss) - 1]
            waits.append(max(b - a for a, b in pairwise(new)))
        return torch.tensor(waits).double() * (self.steps[1] - self.steps[0])

    def stopped(self, patience: int) -> Float[Tensor, "r"]:
        """Test accuracy at the least loss on what is held out, when there was no lower one for so
        many evaluations."""
        at = [stop_of(loss.tolist(), patience) for loss in self.held_loss.T]
        return self.tested.gather(0, torch.tensor(at)[None])[0]


def learn(
    parts: tuple[Part, Part, Part], arms: Sequence[Arm], width: int, steps: int, every: int,
    rate: float, draw: torch.Generator,
) -> list[Course]:  # fmt: skip
    """(x U)^2 W learns all pairs at once, by Adam with weight decay apart from its gradient; each
    arm from the same starts."""
    (r, _, inputs), p = parts[0].x.shape, parts[0].x.shape[2] // 2
    start = (torch.randn(r, inputs, width, generator=draw) / 2**0.5,
             torch.randn(r, width, p, generator=draw) / width**0.5)  # fmt: skip
    decay, scale = (torch.tensor(v).repeat_interleave(r)[:, None, None]
                    for v in zip(*(arm[1:] for arm in arms), strict=True))  # fmt: skip
    U, W = ((w.repeat(len(arms), 1, 1) * scale).requires_grad_() for w in start)
    all_parts = [Part(*(v.repeat(len(arms), *[1] * (v.ndim - 1)) for v in (one.x, one.t)))
                 for one in parts]  # fmt: skip
    optimizer, facts = torch.optim.Adam([U, W], rate, betas=(0.9, 0.98)), []
    for step in range(steps + 1):
        if step % every == 0:
            facts.append(_facts(U, W, all_parts))
        loss = log_losses((all_parts[0].x @ U).square() @ W, all_parts[0].t).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for w in (U, W):
                w *= 1 - rate * decay
    by_arm = torch.stack(facts).unflatten(2, (len(arms), r)).unbind(2)
    return [Course(range(0, steps + 1, every), *one.unbind(1)) for one in by_arm]


@torch.no_grad()
def _facts(U: Tensor, W: Tensor, parts: Sequence[Part]) -> Float[Tensor, "3 r"]:
    learned, held, tested = ((part.x @ U).square() @ W for part in parts)
    right = accuracy(learned, parts[0].t), accuracy(tested, parts[2].t)
    return torch.stack([*right, log_losses(held, parts[1].t).double()])


def groks(
    known: Effect, before: Effect, after: Effect, delay: Effect, plain: Effect, small: Effect,
    wait: Effect,
) -> Verdict:  # fmt: skip
    """With decay it happens, if fewer than 25 % of the new sums are right when those learned are
    known by heart, more than 90 % at the end, and 90 % are reached after more than 3 times as many
    steps as that took (whole intervals). It does not, if 25 % are right at once or 50 % are not at
    the end, or if it took less. It needs decay, if at the end it has 50 points more than each of
    the two arms without, and does not if it has less than 50 more than one. Early stopping misses
    it, if between two new minima of the loss on sums held out more steps pass than learning by
    heart took (ratio above 1), and does not if fewer do. Holds if all three are so; with limits if
    it happens, and one of the others is not so; does not hold if it does not happen; else
    undecided, and also where not more than 95 % of what is learned is known at the end."""
    if known.low <= 95:
        return Verdict.UNDECIDED
    if before.low > GUESSED or after.high < HALF or delay.high < LONG:
        return Verdict.FAILS
    if not (before.high < GUESSED and after.low > RIGHT and delay.low > LONG):
        return Verdict.UNDECIDED
    if min(plain.low, small.low) > HALF and wait.low > 1:
        return Verdict.HOLDS
    none = min(plain.high, small.high) < HALF or wait.high < 1
    return Verdict.LIMITED if none else Verdict.UNDECIDED


@claim(
    "4.21",
    says="Long after all examples are known by heart the answers to new ones become right, where "
    "weights decay; who stops when the validation loss no longer falls does not see it.",
    source="textbook 4, early stopping, and study notes, epochs, which say that too many epochs "
    "overfit; what is tested is the finding of Power et al. 2022",
    rule=groks,
    baseline="The same networks from the same starts without decay, and from a start of a tenth. A "
    "constant answer is right for one sum in p, 4.3 %. (a, b) and (b, a) are in the same part, so "
    "that looking up the other order gains nothing.",
    otherwise="So many sums to learn from that new ones soon follow (try `--share 88`), or another "
    "way to keep the weights small. Not more time: after 4,000 steps without decay as few are "
    "right.",
    full={"p": 97, "width": 256, "steps": 20_000, "every": 100, "replicates": 16},
    doubt="Does it need weight decay? And does it say that early stopping is wrong?",
)  # fmt: skip
def grokking(
    p: Annotated[int, Range(5, 200)] = 23,
    share: Annotated[float, Range(10, 90)] = 60.0,
    width: Width = 64,
    decay: Annotated[float, Range(1e-6, 10)] = 1.0,
    scale: Annotated[float, Range(1e-6, 1)] = 0.1,
    rate: Rate = 0.01,
    patience: Annotated[int, Range(1, 1000)] = 5,
    every: Annotated[int, Range(1, 1000)] = 10,
    replicates: Replicates = 8,
    steps: Steps = 600,
    seed: Seed = 0,
) -> Evidence:
    """Networks with one hidden layer learn (a + b) mod p for some of the pairs, all at once, with
    and without weight decay; without it from a small start too. Sums held out say when to stop,
    others test. Each replicate has a split of its own."""
    draw = generator(seed, "4.21")
    parts = sums(p, share, replicates, draw)
    arms = (Arm(f"decay {decay:g}", decay, 1.0), Arm("no decay", 0.0, 1.0),
            Arm("no decay, small start", 0.0, scale))  # fmt: skip
    with_decay, plain, small = courses = learn(parts, arms, width, steps, every, rate, draw)
    known = with_decay.first(with_decay.learned, KNOWN)
    later = with_decay.first(with_decay.tested, RIGHT)
    at = [with_decay.steps.index(int(step)) for step in known]
    before, after = with_decay.tested[at, range(replicates)], with_decay.tested[-1]
    stopped, waits = with_decay.stopped(patience), with_decay.wait()
    what = "accuracy on new sums"
    record = Record()
    record.effects(
        known=mean("accuracy on sums learned, at the end", with_decay.learned[-1], "%", SHARE),
        before=mean(f"{what} when all others are known", before, "%", SHARE),
        after=mean(f"{what} at the end", after, "%", SHARE),
        delay=ratio(f"steps until {RIGHT} % are right / until known", known, later),
        plain=difference(f"{what}, decay minus none", plain.tested[-1], after, "points"),
        small=difference(f"{what}, decay minus none from a small start", small.tested[-1], after,
                         "points"),
        wait=ratio("steps between two minima, held out / until known", known, waits),
    )  # fmt: skip
    _shown(record, arms, courses, patience, p)
    ends = [one.tested[-1].mean().item() for one in courses]
    return record.because(f"""
        With decay all sums that are learned are known after {known.mean():.0f} steps, when
        {before.mean():.0f} % of the new ones are right; {RIGHT} % are after {later.mean():.0f},
        {ends[0]:.0f} % at the end. Without decay {ends[1]:.0f} % are, from a start of {scale:g}
        times the size {ends[2]:.0f} %. The loss on sums held out first rises, and for
        {waits.mean():.0f} steps it is not less than before: a patience of {patience * every} steps
        stops with {stopped.mean():.0f} % right, one that is longer does not stop. So it is a matter
        of patience: early stopping sees the nearest minimum alone. Claim 4.7 stands, which is about
        labels that are wrong in part: there no rule is to be found later.
    """)


def _shown(
    record: Record, arms: Sequence[Arm], courses: Sequence[Course], patience: int, p: int
) -> None:
    pairs = list(zip(arms, courses, strict=True))
    rows = [
        (arm.name, *(v.mean().item() for v in (
            one.first(one.learned, KNOWN), one.tested[-1], one.held_loss[-1], one.held_loss.amin(0),
            one.stopped(patience))))
        for arm, one in pairs
    ]  # fmt: skip
    record.table(
        "Sums",
        rows,
        "arm | known by heart after (steps) | new ones right at the end (%) "
        "| loss, held out, at the end | its least | new ones right where it stops (%)",
    )
    first = courses[0]
    heart = over(f"learned, {arms[0].name}", first.steps[1:], first.learned[1:], within=SHARE)
    lines = [
        over(f"new, {arm.name}", one.steps[1:], one.tested[1:], within=SHARE) for arm, one in pairs
    ]
    level = {100 / p: "one in p"}
    record.curves("Right", "steps", "accuracy (%)", heart, *lines, x_log=True, levels=level)
    losses = [over(arm.name, one.steps[1:], one.held_loss[1:], ratios=True) for arm, one in pairs]
    record.curves("Loss on sums held out", "steps", "log-loss", *losses, x_log=True, y_log=True)
