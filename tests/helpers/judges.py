"""Visitors of `cutaway judge`, as they would be in its file."""

from pathlib import Path

from cutaway.learn.judgements import FILE, Answer, Judgements, Sitting


def visitor(
    name: str,
    right: int,
    of: int,
    seen: int = 6,
    data: str = "mnist",
    feedback: bool = False,
    constant: bool | None = None,
) -> Sitting:
    """A sitting in which every other image is real, and the first answers are right.

    Args:
        seen: of six scrambled images, those that are seen through.
        constant: the one answer that is given to all images instead.
    """
    sitting = Sitting(name, data, 0, of, 6, feedback)
    for i in range(of + 6):
        kind = "scrambled" if i >= of else ("real", "drawn")[i % 2]
        correct = i - of < seen if i >= of else i < right
        real = (kind == "real") == correct if constant is None else constant
        sitting.answers.append(Answer(i, kind, str(i), real, 900))
    return sitting


def written(folder: Path, *sittings: Sitting) -> Path:
    """The folder of a run in which all of them have sat."""
    kept = Judgements(folder / FILE)
    for one in sittings:
        begun = Sitting(one.session, one.data, one.seed, one.images, one.checks, one.feedback)
        kept.begin(begun)
        for answer in one.answers:
            kept.answer(begun, answer)
    return folder
