"""Counter-worlds of chapter depth."""

import torch

from cutaway.lab.chapters.depth import (
    committee,
    learner,
    norms,
    overfitting,
    plateau,
    removing,
    universality,
)
from cutaway.lab.evidence import Verdict, difference, exact, mean, ratio
from cutaway.learn.fleet.stack import Stack
from helpers.counter_worlds import Effects, World, wide
from helpers.easy_samples import easy_samples
from helpers.effects import planted

HOLDS, LIMITED, FAILS, UNDECIDED, UNTESTED = Verdict
SEEN = easy_samples(60)
ALIVE = {"dead": exact("members that did not learn", 0)}


def nets(zero: bool = False, count: int = 8, widths: tuple[int, ...] = (64, 8, 10)) -> Stack:
    """Networks as drawn; or with weights of 0, which give every image the same answer."""
    torch.manual_seed(0)
    networks = [learner.dense(widths) for _ in range(count)]
    if zero:
        for net in networks:
            for p in net.parameters():
                p.data.zero_()
    return Stack(networks)


def learned(count: int = 8) -> Stack:
    """Networks that know a few images by heart, of which some have a wrong label."""
    some = nets(count=count)
    learner.descend(some, overfitting.mislabelled(SEEN, 40, 0), 0, 150, 20, 0.3)
    return some


def shrunk_to_nothing() -> tuple[torch.Tensor, torch.Tensor, Stack, Stack]:
    """Gap and test loss of networks that learned by heart, and of those that learned nothing."""
    facts = []
    pair = learned(), nets(zero=True)
    for some in pair:
        train = learner.log_loss(some, overfitting.mislabelled(SEEN, 40, 0))
        test = learner.log_loss(some, SEEN)
        facts.append(torch.stack([test - train, test]))
    return *facts, *pair


def nothing_by_decay() -> Effects:
    """The measures of 4.6 where decay has left nothing; labels that are all random are no worse
    than a constant answer, so that the test loss is planted as it is on digits."""
    kept, gone, a, b = shrunk_to_nothing()
    lengths = (
        overfitting.squares(some).detach().double().clamp(min=1e-6).sqrt() for some in (a, b)
    )
    return {
        "norm": ratio("length", *lengths),
        "gap": difference("gap", kept[0], gone[0]),
        **planted(loss=(0.8, 1.2)),
    }


def nothing_by_dropout() -> Effects:
    kept, gone, *_ = shrunk_to_nothing()
    gap = difference("gap", kept[0].abs(), gone[0].abs())
    return {"gap": gap, **planted(loss=(0.8, 1.2), escapes=(-2, 2))}


def alike() -> Effects:
    """The measure of 4.9 on ensembles whose members are all the same network."""
    one = learner.scores(learned(1), SEEN.x).softmax(-1)
    p = one.expand(4, 10, *one.shape[1:]).reshape(4, 10, len(SEEN), -1)
    wrong, each = committee.missed(p.mean(1), SEEN), (p.argmax(-1) != SEEN.t).double()
    together = (p.mean(1).argmax(-1) != SEEN.t).double()
    return {
        "gain": difference("gain", wrong, 100 * each.mean((1, 2)), "points"),
        "over_images": mean("images", 100 * (each.mean((0, 1)) - together.mean(0)), "points"),
    } | ALIVE


def never_there() -> Effects:
    """The measure of 4.9 of XOR where the pruned networks and the small ones are the same ones."""
    same = torch.rand(64, generator=torch.Generator().manual_seed(0)) < 0.5
    tie = removing.gap("tie", same, same)
    return dict.fromkeys(REMOVED, tie)


def never_reached() -> Effects:
    """The measures of 4.4 where no loss comes down to the target."""
    flat = norms.steps_to(0.5, torch.full((50, 8), 2.3)) + torch.linspace(0, 1e-9, 8)
    return {
        "arrive": exact("kinds", int((flat < 50).all())),
        "quicker": ratio("steps", flat, flat),
        "more": difference("pairs", torch.zeros(8), torch.zeros(8), "points"),
    }


def always_half() -> Effects:
    """The measures of 4.14 on networks that answer 0.5 for ever."""
    flat = plateau.Course(1, torch.full((100, 16), 0.25), torch.zeros(100, 16))
    return {
        "arrive": removing.share_of("learn", (flat.errors < plateau.KNOWS).any(0)),
        "half": mean("halfway", flat.halfway),
        "jump": ratio("jump", flat.first(plateau.LEAVES).double(), flat.jump),
        **planted(longer=(1, 1)),
    }


def straight_away() -> Effects:
    """The measures of 4.14 on an error that falls exponentially from the first step on."""
    step = torch.arange(4000).double()[:, None]
    speed = torch.linspace(0.9, 1.1, 16).double() / 400
    one = plateau.Course(1, 0.25 * (-speed * step).exp(), 0.5 - 0.5 * (-speed * step).exp())
    return {
        "arrive": removing.share_of("learn", (one.errors < plateau.KNOWS).any(0)),
        "half": mean("halfway", one.halfway),
        "jump": ratio("jump", one.first(plateau.LEAVES).double(), one.jump),
        **planted(longer=(3, 5)),
    }


def one_curve() -> Effects:
    """The measures of 4.15 where both curves are the same one."""
    loss = learner.log_loss(nets(), SEEN)
    tie = ratio("tie", loss, loss)
    return {"whole": tie, "at_quarter": tie, "at_one": tie, **planted(learns=(90, 95))}


def straight_line() -> Effects:
    """The measures of 4.13 where the function is a straight line: it is no proof that a network of
    width 1 errs, and learning has nothing to win."""
    x = torch.linspace(-1, 1, 65, dtype=torch.float64)
    net = universality.one_layer(x[::8], (x[::8] + 1) / 2)
    errors = [
        exact("largest error", universality.worst(one, (x + 1) / 2))
        for one in (net, universality.narrowed(net, 1.0))
    ]
    tie = ratio("tie", torch.ones(8), torch.ones(8))
    return {"wide": errors[0], "deep": errors[1], "wide_learned": tie, "deep_learned": tie}


REMOVED = (
    "xor_cost", "xor_least", "xor_random", "sigmoid_least", "digits_least", "digits_random",
)  # fmt: skip
WIDE = "An interval that holds everything decides nothing."
ONE = "One replicate of eight makes the whole effect."


def unsure(**effects: float | tuple[float, float]) -> World:
    return World("wide interval", WIDE, wide(planted(**effects)), UNDECIDED)


def spike(what: str) -> Effects:
    """An effect that is 0 in seven replicates and large in one."""
    return {what: mean(what, [0.0] * 7 + [80.0])}


WORLDS: dict[str, list[World]] = {
    "4.1": [
        unsure(sigmoid_kept=1e-12, relu_kept=1, gain=50),
        World("ceiling", "Both learn all there is.",
              planted(sigmoid_kept=1e-12, relu_kept=1, gain=(-1, 1)), LIMITED),
        World("constant answers", "ReLUs explode: neither keeps the gradient.",
              planted(sigmoid_kept=1e-12, relu_kept=(1e3, 1e4), gain=(-1, 1)), FAILS),
        World("one replicate", ONE,
              planted(sigmoid_kept=1e-12, relu_kept=1) | spike("gain"), UNDECIDED),
    ],
    "4.2": [
        unsure(learns=90, small=10, he_relu=30, xavier_tanh=5, xavier_sigmoid=5),
        World("constant answers", "No network learns anything from any start.",
              planted(learns=(9, 11), small=10, he_relu=0, xavier_tanh=0, xavier_sigmoid=0),
              UNDECIDED),
        World("ceiling", "All starts learn all there is, 0.01 among them.",
              planted(learns=98, small=98, he_relu=(0, 0), xavier_tanh=0, xavier_sigmoid=0), FAILS),
        World("one replicate", ONE,
              planted(learns=90, small=10, xavier_tanh=(0.5, 9), xavier_sigmoid=(0.5, 9))
              | spike("he_relu"), UNDECIDED),
    ],
    "4.3": [
        World("wide interval", WIDE,
              wide(planted(more=40, back=2)) | {"first_back": exact("back", 0)}, UNDECIDED),
        World("leaked truth", "Units were dead before the first step, and stay so.",
              planted(more=(-1, 1), back=(0, 1)) | {"first_back": exact("back", 0)}, FAILS),
        World("one replicate", ONE,
              planted(back=(0, 1)) | spike("more") | {"first_back": exact("back", 0)}, UNDECIDED),
    ],
    "4.4": [
        World("wide interval", WIDE,
              wide(planted(quicker=0.5, more=30)) | {"arrive": exact("kinds", 2)}, UNDECIDED),
        World("nothing there", "No network reaches the target.", never_reached, UNDECIDED),
        World("winning baseline", "The plain network is as quick from as many starts.",
              planted(quicker=(0.95, 1.1), more=(-2, 2)) | {"arrive": exact("kinds", 2)}, FAILS),
    ],
    "4.5": [
        unsure(gap=-1, loss=-1, escapes=20),
        World("constant answers", "With so much dropout that nothing is learned there is no gap.",
              nothing_by_dropout, FAILS),
        World("winning baseline", "Networks escape as often if they just go on.",
              planted(gap=(-1, -0.5), loss=(-1, -0.5), escapes=(-3, 3)), LIMITED),
        World("one replicate", ONE,
              planted(gap=(-1, -0.5), loss=(-1, -0.5)) | spike("escapes"), UNDECIDED),
    ],
    "4.6": [
        unsure(norm=0.5, gap=-1, loss=-1),
        World("constant answers", "The weights decay to 0: short, no gap, and nothing is known.",
              nothing_by_decay, FAILS),
        World("nothing there", "Decay too small to do anything.",
              planted(norm=(0.99, 1.01), gap=(-0.1, 0.1), loss=(-0.1, 0.1)), UNDECIDED),
    ],
    "4.7": [
        unsure(regret=1.02, under=2, over_loss=2, over_right=-5),
        World("constant answers", "The loss never moves: every epoch is the best one.",
              planted(regret=1, under=1, over_loss=1, over_right=0), FAILS),
        World("winning baseline", "The last epoch is the best one.",
              planted(regret=(1.3, 1.5), under=(2, 3), over_loss=1, over_right=(1, 3)), FAILS),
        World("one replicate", ONE,
              planted(regret=1.02, under=2, over_loss=2) | spike("over_right"), UNDECIDED),
    ],
    "4.8": [
        World("wide interval", WIDE,
              wide(planted(shifted=3, mirrored=3)) | {"ways": exact("ways", 2048)}, UNDECIDED),
        World("ceiling", "So many images that nothing can be gained.",
              planted(shifted=(-0.1, 0.2), mirrored=(-0.2, 0.1)) | {"ways": exact("ways", 2178)},
              FAILS),
        World("one replicate", ONE,
              planted(mirrored=(-0.5, 2)) | spike("shifted") | {"ways": exact("ways", 2178)},
              UNDECIDED),
    ],
    "4.9": [
        World("wide interval", WIDE, wide(planted(gain=1, over_images=1)) | ALIVE, UNDECIDED),
        World("nothing there", "All members are the same network.", alike, UNDECIDED),
        World("one replicate", "One image of few makes the gain.",
              planted(gain=(0.2, 0.4), over_images=(-0.3, 0.9)) | ALIVE, UNDECIDED),
        World("winning baseline", "Averaging does harm.",
              planted(gain=(-2, -1), over_images=(-2, -1)) | ALIVE, FAILS),
        World("constant answers", "Half of the members give one answer to all and are outvoted.",
              planted(gain=(41, 44), over_images=(40, 45)) | {"dead": exact("dead", 4)}, UNDECIDED),
    ],
    "4.10": [
        unsure(**dict.fromkeys(REMOVED, 20)),
        World("nothing there", "Removed after or never there is the same.", never_there, UNDECIDED),
        World("winning baseline", "Networks that never had them do better in every reading.",
              planted(xor_cost=(1, 3)) | planted(**dict.fromkeys(REMOVED[1:], (-30, -20))), FAILS),
        World("constant answers", "Pruned networks solve XOR no more, small ones do so still less.",
              planted(xor_cost=(80, 95), xor_least=(2, 9))
              | planted(**dict.fromkeys(REMOVED[2:], (-1, 1))), UNDECIDED),
    ],
    "4.11": [
        unsure(narrow=60, wide=1, idle=100, copied=30),
        World("nothing there", "Too few minima to say what becomes of them.",
              planted(narrow=(40, 90), wide=0, idle=(34, 100), copied=(0, 66)), UNDECIDED),
        World("ceiling", "No width ends in a bad minimum.",
              planted(narrow=(0, 2), wide=(0, 2), idle=100, copied=0), FAILS),
    ],
    "4.12": [
        World("wide interval", WIDE,
              wide(planted(drawn=20, learned=20)) | {"capacity": exact("most", 1000)}, UNDECIDED),
        World("winning baseline", "One layer has more pieces, whatever two could have.",
              planted(drawn=(-40, -20), learned=(-30, -10)) | {"capacity": exact("most", 1000)},
              LIMITED),
        World("one replicate", ONE,
              planted(drawn=(5, 20)) | spike("learned") | {"capacity": exact("most", 1000)},
              UNDECIDED),
    ],
    "4.13": [
        World("wide interval", WIDE,
              wide(planted(wide_learned=0.1, deep_learned=0.1))
              | {"wide": exact("hand", 0.1), "deep": exact("hand", 0.1)}, UNDECIDED),
        World("winning baseline", "A straight line: nothing needs many units.", straight_line,
              LIMITED),
        World("nothing there", "By hand the error stays.",
              planted(wide_learned=(0.1, 0.2), deep_learned=(0.1, 0.2))
              | {"wide": exact("hand", 40), "deep": exact("hand", 40)}, FAILS),
    ],
    "4.14": [
        unsure(arrive=100, half=0.001, jump=0.05, longer=10),
        World("constant answers", "The outputs stay at 0.5 for ever.", always_half, FAILS),
        World("nothing there", "The error falls from the first step on, with no jump.",
              straight_away, FAILS),
        World("winning baseline", "Two layers wait as long.",
              planted(arrive=(80, 100), half=0.001, jump=0.05, longer=(0.9, 1.1)), LIMITED),
    ],
    "4.15": [
        unsure(learns=95, whole=0.3, at_quarter=0.5, at_one=0.5),
        World("nothing there", "The curves are the same one.", one_curve, FAILS),
        World("constant answers", "Nothing learns: all losses are those of a guess.",
              planted(learns=(9, 11), whole=1, at_quarter=1, at_one=1), UNDECIDED),
        World("leaked truth", "All of the gain is the slope's.",
              planted(learns=95, whole=(0.2, 0.3), at_quarter=(0.95, 1.1), at_one=(0.95, 1.1)),
              FAILS),
    ],
    "4.16": [
        unsure(learns=30, sgd=0.2, adam=0.2),
        World("constant answers", "Both answer the commonest class.",
              planted(learns=(-1, 1), sgd=(0.5, 0.6), adam=(0.5, 0.6)), UNDECIDED),
        World("winning baseline", "As they are the inputs are learned as well.",
              planted(learns=30, sgd=(0.95, 1.2), adam=(0.95, 1.2)), FAILS),
    ],
    "4.17": [
        unsure(few_fit=80, few_new=80, clean=-3, wrong=-3),
        World("ceiling", "One unit learns it all.",
              planted(few_fit=(0, 1), few_new=(0, 1), clean=0, wrong=0), FAILS),
        World("one replicate", ONE,
              planted(few_fit=80, few_new=80, clean=(-1, 1)) | spike("wrong")
              | planted(wrong=(-10, 3)), UNDECIDED),
    ],
    "4.18": [
        World("wide interval", WIDE,
              wide(planted(error=0.36)) | {"asked": exact("images", 10_000)}, UNDECIDED),
        World("winning baseline", "Small networks that err more say nothing of large ones.",
              planted(error=(0.4, 0.6)) | {"asked": exact("images", 10_000)}, UNTESTED),
        World("ceiling", "No error at all, on images that are not MNIST's.",
              planted(error=(0, 0.1)) | {"asked": exact("images", 0)}, UNTESTED),
    ],
}  # fmt: skip
EXEMPT: dict[str, str] = {}
