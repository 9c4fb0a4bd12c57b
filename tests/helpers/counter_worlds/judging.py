"""Counter-worlds of people as judges (chapter generation, claim 7.8)."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from cutaway.lab.chapters.generation.judging import people_of
from cutaway.lab.evidence import Verdict, exact
from helpers.counter_worlds import Effects, World, wide
from helpers.effects import planted
from helpers.judges import visitor, written

MNIST = {"text": exact("text", 52.4)}
CIFAR = {"text": exact("text", 78.7)}
EIGHT = "abcdefgh"


def asked(*visitors: object) -> Callable[[], Effects]:
    """What the claim measures where these have sat."""

    def measured() -> Effects:
        with TemporaryDirectory() as folder:
            found = people_of(str(written(Path(folder), *visitors)))  # type: ignore[arg-type]
        return {"people": found.share, "text": found.text}

    return measured


def nobody() -> Effects:
    found = people_of("")
    return {"people": found.share, "text": found.text}


def each(right: int, of: int = 100, **given: object) -> list[object]:
    """Eight visitors, who differ a little, as people do."""
    some = [min(of, max(0, right + more)) for more in (-4, -3, -1, 0, 0, 1, 3, 4)]
    return [visitor(one, n, of, **given) for one, n in zip(EIGHT, some, strict=True)]  # type: ignore[arg-type]


WORLDS: dict[str, list[World]] = {
    "7.8": [
        World("nothing there", "Nobody was asked.", nobody, Verdict.UNTESTED),
        World(
            "nothing there", "The text has no figure for these data.",
            asked(*each(52, data="digits")), Verdict.UNTESTED,
        ),
        World(
            "constant answers", "All press one key, R: 50 % are right, nobody has looked.",
            asked(*each(0, constant=True)), Verdict.UNTESTED,
        ),
        World(
            "constant answers", "All press one key, D, which also sees through every check.",
            asked(*each(0, constant=False)), Verdict.UNTESTED,
        ),
        World(
            "constant answers", "All press any key, and see through half of the checks.",
            asked(*each(50, seen=3)), Verdict.UNTESTED,
        ),
        World(
            "leaked truth", "All are told after each answer what was right, and learn it.",
            asked(*each(98, feedback=True)), Verdict.UNTESTED,
        ),
        World(
            "leaked truth", "All know, and press the other key: who is always wrong can tell.",
            asked(*each(4)), Verdict.FAILS,
        ),
        World(
            "one replicate", "One visitor alone, with 2,000 answers, as many as the text's.",
            asked(visitor("a", 1048, 2000)), Verdict.UNDECIDED,
        ),
        World(
            "one replicate", "One patient visitor is fooled; seven with few answers are not.",
            asked(visitor("z", 500, 1000), *(visitor(one, 20, 20) for one in "abcdefg")),
            Verdict.UNDECIDED,
        ),
        World("ceiling", "All see through nearly all.", asked(*each(98)), Verdict.FAILS),
        World(
            "ceiling", "All see through nearly all, CIFAR-10.", asked(*each(98, data="cifar10")),
            Verdict.FAILS,
        ),
        World(
            "winning baseline", "All look, and are right as often as who guesses.",
            asked(*each(50)), Verdict.HOLDS,
        ),
        World(
            "wide interval", "So few answers that all is possible, MNIST.",
            wide(planted(people=(50, 55))) | MNIST, Verdict.UNDECIDED,
        ),
        World(
            "wide interval", "So few answers that all is possible, CIFAR-10.",
            wide(planted(people=(75, 80))) | CIFAR, Verdict.UNDECIDED,
        ),
    ],
}  # fmt: skip
EXEMPT: dict[str, str] = {}
