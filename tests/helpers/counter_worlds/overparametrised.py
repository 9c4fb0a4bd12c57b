"""Counter-worlds of chapter depth: networks with more weights than they need."""

import torch

from cutaway.lab.chapters.depth import descent, grokking, tickets
from cutaway.lab.evidence import Verdict, difference, mean, ratio
from helpers.counter_worlds import Effects, World, wide
from helpers.easy_samples import easy_samples
from helpers.effects import planted

HOLDS, LIMITED, FAILS, UNDECIDED, UNTESTED = Verdict
WIDE = "An interval that holds everything decides nothing."
ONE = "One replicate of eight makes the whole effect."
LOST = {"learns": (96, 97), "cost": (-3, -2)}
"""The whole network learns, and what is left of it loses two points."""
GROKS = {"known": 100, "before": (1, 3), "after": (94, 99), "delay": (5, 9)}
ROUNDS = 60


def unsure(**effects: float | tuple[float, float]) -> World:
    return World("wide interval", WIDE, wide(planted(**effects)), UNDECIDED)


def spike(what: str, value: float = 80.0) -> Effects:
    """An effect that is 0 in seven replicates and large in one."""
    return {what: mean(what, [0.0] * 7 + [value])}


def pruned_alike(steps: int) -> Effects:
    """The measures of 4.19 where all arms are the same half of the weights, after so many steps of
    learning what is easy."""
    seen = easy_samples(60)
    x, t = seen.x.flatten(1).expand(8, -1, -1), seen.t.expand(8, -1)
    part = tickets.Part(x, t)
    start = tickets.begun((64, 16, 10), 8, torch.Generator().manual_seed(0))
    masks = [torch.ones_like(w, dtype=torch.bool) for w in start.W]
    half = tickets.largest(start.W, 0.5)
    arms = {"whole": (start, masks), "half": (start, half)}
    data = tickets.Data(part, part, part)
    found = tickets.race(arms, data, 0, steps, 20, (0.1,))
    whole, own = found["whole"].right, found["half"].right
    none = difference("tie", own, own)
    return {
        "learns": mean("whole", whole), "cost": difference("cost", whole, own),
        "shuffled": none, "fresh": none, "mask": none,
    }  # fmt: skip


def same_at_all_widths() -> Effects:
    """The measures of 4.20 where what is answered does not depend on the width."""
    facts = torch.tensor([0.9, 0.9, 0.9, 90.0], dtype=torch.double).expand(5, 8, 4)
    narrow, far = descent.rise(facts)
    rise = ratio("rise", facts[narrow, :, 2], facts[far, :, 2])
    names = "features_rise", "features_fall", "features_tuned", "net_rise", "net_fall", "net_tuned"
    return dict.fromkeys(names, rise)


def of_course(learned: torch.Tensor, tested: torch.Tensor, loss: torch.Tensor) -> Effects:
    """The measures of 4.21 on a course of eight replicates that are nearly alike."""
    shape, apart = (ROUNDS, 8), torch.linspace(0, 0.5, 8).double()
    one = grokking.Course(
        range(0, 10 * ROUNDS, 10), *(v.double()[:, None].expand(shape) for v in (learned, tested)),
        loss.double()[:, None].expand(shape),
    )  # fmt: skip
    known, later = one.first(one.learned, grokking.KNOWN), one.first(one.tested, grokking.RIGHT)
    at = [one.steps.index(int(step)) for step in known]
    after = (one.tested[-1] - apart).clamp(min=0)
    return {
        "known": mean("known", one.learned[-1]),
        "before": mean("before", one.tested[at, range(8)] + apart),
        "after": mean("after", after),
        "delay": ratio("delay", known + 1, later + 1 + apart),
        "wait": ratio("wait", known + 1, one.wait() + apart),
        **planted(plain=(88, 95), small=(80, 90)),
    }


RAMP = torch.linspace(0, 1, ROUNDS)


def together() -> Effects:
    """New sums become right as those that are learned do."""
    course = (300 * RAMP).clamp(max=100)
    return of_course(course, course, 3 - RAMP)


def looked_up() -> Effects:
    """New sums are right where the other order was learned, and the rest never is."""
    return of_course((300 * RAMP).clamp(max=100), torch.full((ROUNDS,), 60.0), 3 + RAMP)


def nothing_learned() -> Effects:
    return of_course(torch.full((ROUNDS,), 4.3), torch.full((ROUNDS,), 4.3), 3 + 0 * RAMP)


def by_heart_alone() -> Effects:
    return of_course((300 * RAMP).clamp(max=100), torch.full((ROUNDS,), 4.3), 3 + RAMP)


WORLDS: dict[str, list[World]] = {
    "4.19": [
        unsure(learns=96, cost=0, shuffled=5, fresh=5, mask=9),
        World("constant answers", "No network learns: what is left is as good as the whole.",
              lambda: pruned_alike(1), UNDECIDED),
        World("ceiling", "Everything learns all there is.", lambda: pruned_alike(150), UNDECIDED),
        World("winning baseline", "Weights at random places do as well.",
              planted(learns=(96, 97), cost=(-0.5, 0.5), shuffled=(2, 4), fresh=(2, 4),
                      mask=(-0.5, 0.5)), LIMITED),
        World("nothing there", "What is left is worse, and any start is as good.",
              planted(**LOST, shuffled=(-1, 0.5), fresh=(2, 4), mask=(5, 9)), FAILS),
        World("one replicate", ONE,
              planted(**LOST, shuffled=(2, 4), mask=(5, 9)) | spike("fresh"), UNDECIDED),
    ],
    "4.20": [
        unsure(features_rise=100, features_fall=0.01, features_tuned=1, net_rise=1.5, net_fall=0.5,
               net_tuned=0.9),
        World("constant answers", "All widths give one answer to all.", same_at_all_widths, FAILS),
        World("winning baseline", "The more the better, from the first weight on.",
              planted(features_rise=(0.8, 0.9), features_fall=1, features_tuned=(0.8, 0.9),
                      net_rise=(0.8, 0.9), net_fall=1, net_tuned=(0.8, 0.9)), FAILS),
        World("nothing there", "It rises to the widest, and no longer does with some decay.",
              planted(features_rise=(2, 3), features_fall=1, features_tuned=(0.9, 1),
                      net_rise=(2, 3), net_fall=1, net_tuned=(0.9, 1)), LIMITED),
        World("one replicate", ONE,
              planted(features_fall=0.01, features_tuned=1, net_rise=(1.2, 2), net_fall=0.5,
                      net_tuned=1)
              | {"features_rise": ratio("rise", [1.0] * 8, [1.0] * 7 + [1e6])}, UNDECIDED),
    ],
    "4.21": [
        unsure(known=100, before=1, after=97, delay=7, plain=90, small=80, wait=2),
        World("ceiling", "New sums are right as soon as the others.", together, FAILS),
        World("leaked truth", "The other order of a new sum was learned.", looked_up, FAILS),
        World("constant answers", "One answer to all sums.", nothing_learned, UNDECIDED),
        World("nothing there", "All is known by heart, and nothing else ever is.", by_heart_alone,
              FAILS),
        World("winning baseline", "Without decay new sums become right as well.",
              planted(**GROKS, plain=(-2, 5), small=(60, 80), wait=(2, 3)), LIMITED),
        World("one replicate", ONE,
              planted(**GROKS, plain=(88, 95), wait=(2, 3)) | spike("small", 400.0), UNDECIDED),
    ],
}  # fmt: skip
EXEMPT: dict[str, str] = {}
