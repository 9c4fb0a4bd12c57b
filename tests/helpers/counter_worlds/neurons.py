"""Counter-worlds of chapter neurons."""

import torch

from cutaway.lab.chapters.neurons import curve, gates, outputs
from cutaway.lab.evidence import Verdict, exact, share
from helpers.counter_worlds import Effects, World, wide
from helpers.effects import at

HOLDS, LIMITED, FAILS, UNDECIDED, *_ = Verdict

TAUGHT = {"wrong": exact("", 0), "learned": share("", 512, 512)}
STACKED = {"wrong": exact("", 0), "smallest": share("", 26, 128), "best": share("", 128, 128)}
TRAINED = {"step_gradient": exact("", 0), "step_gain": exact("", 0), "least_gain": at(5, 1)}
CURVE = {
    "middle": exact("", 0), "slope": exact("", 0), "moved": exact("", -0.25),
    "uphill": exact("", 0), "w_error": at(0, 1), "T_error": at(0, 1),
    "with_negatives": at(0.2, 0.1), "without": at(0.8, 0.1),
}  # fmt: skip


def always(answer: float) -> Effects:
    """1.1 with a unit that never changes its answer."""
    tables = [gates.table_of(name) for name in gates.TAUGHT]
    wrong = sum(int((t != answer).sum()) for t in tables)
    return {"wrong": exact("", wrong), "learned": share("", 0, 512)}


def with_a_product() -> Effects:
    """1.2 with the answer among the inputs: the linear program is put to XOR itself as an input."""
    xor = gates.table_of("xor")
    units = [gates.unit_for(t) for t in (gates.INPUTS[:, 0], xor)]
    known = torch.cat([gates.INPUTS, xor[:, None]], 1)
    found = units[1] is not None or bool(((known @ torch.tensor([0.0, 0, 1]) > 0.5) == xor).all())
    return {"feasible": exact("", found), "passed": exact("", 0)}


def share_of_positives() -> Effects:
    """1.5 with a z that is the share of positives whatever x is."""
    z = torch.full((8,), 0.5).tolist()
    return {**CURVE, "with_negatives": at(z[0], 0), "without": at(z[0], 0)}


def of_scores(scores: torch.Tensor) -> Effects:
    """1.6's measure of these scores: softmax, the ratio of sigmoids, the raw ratio."""
    t = torch.zeros(scores.shape[1], dtype=torch.long)
    of = {}
    for name, f in (
        ("softmax", outputs.softmax), ("sigmoid", outputs.sigmoid_ratio), ("raw", outputs.raw_ratio)
    ):  # fmt: skip
        of[name] = outputs._judged(name, scores, f(scores), f(scores + 1), t)
    return {
        "softmax_bad": exact("", of["softmax"][1]),
        "sigmoid_bad": exact("", of["sigmoid"][1]),
        "raw_bad": exact("", of["raw"][1]),
        "reordered": exact("", of["softmax"][2]),
    }


def most_likely_of_noise() -> Effects:
    """1.5's fits of samples whose classes have nothing to do with x."""
    x = torch.randn(16, 400, generator=torch.Generator().manual_seed(0)).double()
    t = (torch.rand(x.shape, generator=torch.Generator().manual_seed(1)) < 0.5).double()
    fitted, left = curve.most_likely(x, t)
    error = 100 * (fitted[:, 0].mean().item() - 2) / 2
    return {**CURVE, "uphill": exact("", left), "w_error": at(error, 5)}


WORLDS: dict[str, list[World]] = {
    "1.1": [
        World("constant answers", "A unit that always says no.", lambda: always(0), FAILS),
        World("constant answers", "A unit that always says yes.", lambda: always(1), FAILS),
        World("wide interval", "All learned, as far as one can tell.", wide(TAUGHT), UNDECIDED),
        World(
            "nothing there", "Three replicates, all of which learned: too few to say 99 %.",
            {**TAUGHT, "learned": share("", 3, 3)}, UNDECIDED,
        ),
    ],
    "1.2": [
        World("leaked truth", "XOR itself is one of the inputs.", with_a_product, FAILS),
        World(
            "leaked truth", "A replicate passed what the program proves impossible.",
            {"feasible": exact("", 0), "passed": exact("", 1)}, UNDECIDED,
        ),
    ],
    "1.3": [
        World("wide interval", "Shares that could be any.", wide(STACKED), UNDECIDED),
        World(
            "constant answers", "Networks that answer alike to all rows: none has learned.",
            {**STACKED, "smallest": share("", 0, 128), "best": share("", 0, 128)}, FAILS,
        ),
        World(
            "ceiling", "Two units, which could be above 90 % or below.",
            {**STACKED, "smallest": at(90, 4)}, UNDECIDED,
        ),
    ],
    "1.4": [
        World("wide interval", "A gain that could be any.", wide(TRAINED), UNDECIDED),
        World(
            "ceiling", "All is right already with the layer held: nothing can be gained.",
            {**TRAINED, "least_gain": at(0, 0)}, UNDECIDED,
        ),
        World(
            "winning baseline", "The held layer is better than the learned one.",
            {**TRAINED, "least_gain": at(-5, 1)}, FAILS,
        ),
        World(
            "one replicate", "One network of twelve gains 60 points, the others nothing.",
            {**TRAINED, "least_gain": at(5, 11)}, UNDECIDED,
        ),
        World(
            "leaked truth", "A made-up slope behind the step.",
            {**TRAINED, "step_gradient": exact("", 0.1)}, FAILS,
        ),
    ],
    "1.5": [
        World("wide interval", "Fits that could be any.", wide(CURVE), UNDECIDED),
        World("constant answers", "A z without x.", share_of_positives, UNDECIDED),
        World("nothing there", "Classes that do not depend on x.", most_likely_of_noise, FAILS),
        World(
            "winning baseline", "Negatives need not count to be answered rightly.",
            {**CURVE, "without": at(0.2, 0.1)}, FAILS,
        ),
    ],
    "1.6": [
        World(
            "constant answers", "Scores of 0: 0/0 is no distribution.",
            lambda: of_scores(torch.zeros(2, 3, 10).double()), LIMITED,
        ),
        World(
            "winning baseline", "Scores above 0 and all different: the plain ratio is one, too.",
            lambda: of_scores(torch.linspace(1, 2, 10).double().expand(2, 3, 10)), HOLDS,
        ),
        World(
            "nothing there", "Scores that are no numbers.",
            lambda: of_scores(torch.full((2, 3, 10), torch.nan).double()), FAILS,
        ),
    ],
}  # fmt: skip
EXEMPT: dict[str, str] = {}
