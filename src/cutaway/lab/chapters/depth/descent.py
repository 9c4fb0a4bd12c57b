"""Double descent: the error on new images against the number of weights, and past the point at
which all training images are known by heart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import one_hot

from cutaway.lab.chapters.depth.learner import Images
from cutaway.lab.chapters.depth.overfitting import Wrong
from cutaway.lab.chapters.depth.tickets import Data, Nets, Part, begun
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import over
from cutaway.lab.settings import Range, Rate, Replicates, Seed, Steps
from cutaway.lab.tools.learning import accuracy, log_losses, minimise
from cutaway.randomness import generator

ALIKE = 1.05
"""A ratio of losses below which one is hardly worse than the other."""
Widths = tuple[Annotated[int, Range(1, 10_000)], ...]
Decays = tuple[Annotated[float, Range(0, 1e9)], ...]


def with_wrong(part: Part, wrong: float, draw: torch.Generator) -> Part:
    """The same images, some of them (per cent) with a class drawn at random."""
    chosen = torch.rand(part.t.shape, generator=draw) < wrong / 100
    classes = torch.randint(10, part.t.shape, generator=draw)
    return Part(part.x, torch.where(chosen, classes, part.t))


@dataclass(frozen=True)
class Course:
    """Losses by width: of the images learned, of those held out, of new ones; errors (%) on new
    ones. Without decay, and with the one that is best on the images held out."""

    widths: Sequence[int]
    plain: Float[Tensor, "w r 4"]
    tuned: Float[Tensor, "w r 4"]


def tuned(found: Float[Tensor, "decays r 4"]) -> Float[Tensor, "r 4"]:
    """Each replicate at the decay that has the least loss on the images held out."""
    best = found[:, :, 1].argmin(0)
    return found[best, torch.arange(found.shape[1])]


def targets(t: Int[Tensor, "n"]) -> Float[Tensor, "n k"]:
    """0.9 for the class, -0.1 for each other: they have no mean that features could be for."""
    return one_hot(t, 10).double() - 0.1


def squared(features: Sequence[Tensor], V: Tensor, parts: Sequence[Tensor]) -> Tensor:
    """The three squared losses, summed over classes, and the errors (%) of the last."""
    scores = [F @ V for F in features]
    loss = [(s - targets(t)).square().sum(1).mean() for s, t in zip(scores, parts, strict=True)]
    return torch.stack([*loss, 100 - accuracy(scores[-1], parts[-1])])


def regressed(
    data: Data, widths: Sequence[int], decays: Sequence[float], draw: torch.Generator
) -> Course:
    """Linear regression on so many random features max(0, a'x): by least squares, the shortest of
    all solutions where there are several; or with lambda |v|^2 added."""
    parts = data.learned, data.held, data.tested
    r, d = data.learned.x.shape[0], data.learned.x.shape[2]
    A = torch.randn(r, d, max(widths), generator=draw).double() / d**0.5
    facts = torch.empty(len(decays) + 1, len(widths), r, 4, dtype=torch.double)
    for k in range(r):
        t = [part.t[k] for part in parts]
        whole = [(part.x[k].double() @ A[k]).relu() for part in parts]
        for i, width in enumerate(widths):
            features = [F[:, :width] for F in whole]
            U, S, Vh = torch.linalg.svd(features[0], full_matrices=False)
            c = U.T @ targets(t[0])
            for j, decay in enumerate((0.0, *decays)):
                shrink = S / (S * S + decay) if decay else torch.where(S / S[0] > 1e-10, 1 / S, 0)
                facts[j, i, k] = squared(features, Vh.T @ (shrink[:, None] * c), t)
    best = torch.stack([tuned(facts[:, i]) for i in range(len(widths))])
    return Course(widths, facts[0], best)


def trained(
    data: Data, widths: Sequence[int], decays: Sequence[float], steps: int, rate: float,
    draw: torch.Generator,
) -> Course:  # fmt: skip
    """Networks with one hidden layer that learn all images at once, by Adam, for long."""
    parts = data.learned, data.held, data.tested
    r, d = data.learned.x.shape[0], data.learned.x.shape[2]
    lam = torch.tensor([0.0, *decays])
    plain, best = [], []
    for width in widths:
        net = learned(begun((d, width, 10), r, draw), data.learned, lam, steps, rate)
        each = [net.some(slice(k * r, k * r + r)) for k in range(len(lam))]
        found = torch.stack([facts_of(one, parts) for one in each])
        plain.append(found[0])
        best.append(tuned(found))
    return Course(widths, torch.stack(plain), torch.stack(best))


def learned(
    start: Nets, data: Part, decays: Float[Tensor, "decays"], steps: int, rate: float
) -> Nets:
    """Copies that learned with decay / 2 |w|^2 added to the loss, those of each decay in turn; the
    rate falls to 0."""
    times, r = len(decays), len(data.x)
    W, b = ([p.repeat(times, 1, 1).requires_grad_() for p in layers]
            for layers in (start.W, start.b))  # fmt: skip
    net, each = Nets(W, b), decays.repeat_interleave(r)
    x, t = data.x.repeat(times, 1, 1), data.t.repeat(times, 1)
    optimizer = torch.optim.Adam([*W, *b], rate)

    def losses(step: int) -> Tensor:
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        squares = torch.stack([w.square().sum((1, 2)) for w in W]).sum(0)
        return log_losses(net(x), t) + each / 2 * squares

    minimise(losses, optimizer, steps)
    return Nets([w.detach() for w in W], [v.detach() for v in b])


def facts_of(net: Nets, parts: Sequence[Part]) -> Float[Tensor, "r 4"]:
    """The three log-losses, and the errors (%) of the last."""
    scores = [net(part.x).double() for part in parts]
    loss = [log_losses(s, part.t) for s, part in zip(scores, parts, strict=True)]
    return torch.stack([*loss, 100 - accuracy(scores[-1], parts[-1].t)], 1)


def rise(facts: Float[Tensor, "w r 4"]) -> tuple[int, int]:
    """The two widths, a narrower and a wider one, between which the loss on the images held out
    rises most; where it only falls, those between which it falls least."""
    held = facts[:, :, 1].log().mean(1)
    by = held[None] - held[:, None]
    by[torch.ones_like(by).tril().bool()] = -torch.inf
    narrow, wide = divmod(int(by.argmax()), len(held))
    return narrow, wide


def overfits(
    features_rise: Effect, features_fall: Effect, features_tuned: Effect, net_rise: Effect,
    net_fall: Effect, net_tuned: Effect,
) -> Verdict:  # fmt: skip
    """A kind (features, networks) rises, if the interval of a wider one's ratio to a narrower one
    is above 1, and never rises, if it is below 1.05. If it rises it falls again, where the ratio of
    the widest to that wider one is below 1, and overfits the more, where this is above 0.95 and
    with the decay that suits each width the loss rises too (ratio above 1); where that is below
    1.05, only without decay. Holds if both kinds overfit the more; does not hold if both never
    rise; with limits if something else is certain of both; else undecided."""
    kinds = (features_rise, features_fall, features_tuned), (net_rise, net_fall, net_tuned)
    ends = [_end(*kind) for kind in kinds]
    if "unknown" in ends:
        return Verdict.UNDECIDED
    if ends[0] == ends[1]:
        return {"more": Verdict.HOLDS, "never": Verdict.FAILS}.get(ends[0], Verdict.LIMITED)
    return Verdict.LIMITED


def _end(rises: Effect, falls: Effect, tuned: Effect) -> str:
    """What becomes of wide ones: `more` overfitting, `never` any, `some`, or it is `unknown`."""
    if rises.low <= 1:
        return "never" if rises.high < ALIKE else "unknown"
    if falls.high < 1:
        return "some"
    if falls.low > 2 - ALIKE and tuned.low > 1:
        return "more"
    return "some" if falls.low > 2 - ALIKE and tuned.high < ALIKE else "unknown"


@claim(
    "4.20",
    says="The more weights, the more is overfitted: past some width the loss on new images rises "
    "with each weight more.",
    source="statistics p39, fully connected layers; textbook 4.3, DMLP and CNN, and 4.1, number of "
    "hidden nodes",
    rule=overfits,
    baseline="The best narrower width, chosen on images held out and measured on others; a ratio "
    "of 1 is no overfitting. Answering each class by its share: a squared loss of 0.9, a log-loss "
    "of 2.3.",
    otherwise="So many images that no width here knows them by heart: then there is only the part "
    "of the curve that the course draws.",
    full={"replicates": 32, "steps": 5000, "images": 600, "feature_widths":
          (20, 60, 120, 300, 500, 600, 700, 900, 1500, 3000, 6000, 10_000),
          "widths": (1, 2, 4, 8, 12, 16, 24, 32, 64, 128, 512)},
    doubt="Is it so past the width at which all is known by heart? (Belkin et al. 2019) And with "
    "a weight decay that suits the width? (Nakkiran et al. 2021)",
)  # fmt: skip
def double_descent(
    images: Images = 120,
    wrong: Wrong = 20.0,
    feature_widths: Widths = (10, 20, 40, 60, 80, 100, 120, 150, 200, 400, 1000, 2500),
    widths: Widths = (1, 2, 4, 8, 16, 64),
    ridges: Decays = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0),
    decays: Decays = (0.003, 0.02),
    replicates: Replicates = 8,
    steps: Steps = 400,
    rate: Rate = 0.05,
    seed: Seed = 0,
) -> Evidence:
    """A few digits, some with wrong labels, are learned: by regression on random features, which is
    solved exactly, and by networks with one hidden layer; at several widths, each without decay and
    with the decay that is best on images held out. Each replicate has a split of its own."""
    draw, data = generator(seed, "4.20"), Data.drawn("digits", images, images, replicates, seed)
    data = replace(data, **{name: with_wrong(getattr(data, name), wrong, draw)
                            for name in ("learned", "held")})  # fmt: skip
    courses = {
        "features": regressed(data, tuple(sorted(feature_widths)), ridges, draw),
        "net": trained(data, tuple(sorted(widths)), decays, steps, rate, draw),
    }
    record, as_many = Record(), {float(images): "as many as images"}
    features = recorded(record, "features", "random features", "squared loss", courses, as_many)
    return record.because(told(
        images, wrong, features, recorded(record, "net", "networks", "log-loss", courses, {})
    ))  # fmt: skip


def recorded(
    record: Record, kind: str, name: str, loss: str, courses: Mapping[str, Course],
    marks: Mapping[float, str],
) -> list[str]:  # fmt: skip
    """Record one kind; its narrow, worst and widest width with their losses, in words."""
    course = courses[kind]
    w, new, tame = course.widths, course.plain[:, :, 2], course.tuned[:, :, 2]
    (low, high), (a, b) = rise(course.plain), rise(course.tuned)
    what = f"{loss} on new images, {name}, "
    record.effects(**{
        f"{kind}_rise": ratio(f"{what}width {w[high]} / {w[low]}", new[low], new[high]),
        f"{kind}_fall": _or_one(f"{what}width {w[-1]} / {w[high]}", new[high], new[-1]),
        f"{kind}_tuned": ratio(f"{what}decay, width {w[b]} / {w[a]}", tame[a], tame[b]),
    })  # fmt: skip
    cells = (*course.plain[:, :, [0, 2, 3]].mean(1).T, *course.tuned[:, :, 2:].mean(1).T)
    columns = "width | training loss | test loss | test error (%)"
    decayed = "test loss, with decay | test error, with decay (%)"
    record.table(
        f"{name}, {loss}".capitalize(), zip(w, *cells, strict=True), f"{columns} | {decayed}"
    )
    lines = over("no decay", w, new, ratios=True), over("decay that suits", w, tame, ratios=True)
    axes = "width", loss
    record.curves(f"New images, {name}", *axes, *lines, x_log=True, y_log=True, marks=marks)
    ends = (low, high, len(w) - 1)
    typical = (of[i].log().mean().exp().item() for of in (new, tame) for i in ends)
    return [*(f"{w[i]}" for i in ends), *(f"{value:.2f}" for value in typical)]


def _or_one(what: str, a: Tensor, b: Tensor) -> Effect:
    """The ratio b / a; exactly 1 where they are the same."""
    return exact(what, 1) if torch.equal(a, b) else ratio(what, a, b)


def told(images: int, wrong: float, features: Sequence[str], net: Sequence[str]) -> str:
    return f"""
        {images} digits, {wrong:g} % of them with a random label (losses are geometric means). With
        {features[0]} random features the squared loss on new images is {features[3]}, with
        {features[1]} it is {features[4]}: with as many features as images all labels, wrong ones
        too, are met in just one way, and a wild one. With {features[2]} it is {features[5]}: of the
        many ways to meet them the shortest is taken, and it is tame. With the decay that suits each
        width the three are {features[6]}, {features[7]} and {features[8]}. Networks without decay
        have a log-loss of {net[3]} with {net[0]} hidden units, {net[4]} with {net[1]} and {net[5]}
        with {net[2]}; with decay {net[6]}, {net[7]} and {net[8]}. The share of wrong answers of
        these networks is in the table: a loss that rises is confidence that is misplaced, and need
        not be more wrong answers.
    """
