"""Rows of a table as samples: a row without a label, rows of one file, several labels of it."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from cutaway.data.division import empty_parts
from cutaway.data.imageset import Finding
from cutaway.data.label_sets import LabelSets, listed
from cutaway.data.pack import Sample
from cutaway.data.targets import Labels, Place, listed_places, row_place
from cutaway.errors import DataError

CONTRADICTED = 0.1
"""Share of the pictures of which several rows may give different labels, and that are left out."""


def labelled(
    samples: list[Sample], labels: Labels | LabelSets, several: bool, place: Place = row_place
) -> tuple[list[Sample], list[Finding]]:
    """One sample for each picture that has a label; findings name the others.

    Args:
        several: whether rows of one picture give a label each, however few such pictures there are.
        place: where a row stands.

    Raises:
        DataError: many pictures are in several rows that contradict each other.
    """
    every = _with_labels(samples, labels)
    bare = {i: one.name for i, one in enumerate(every) if one.target < 0 or not one.name}
    told = [one for one in every if one.target >= 0 and one.name]
    usable, findings = _once(told, labels, several)
    findings += empty_parts([sample.part for sample in every], [sample.part for sample in usable])
    if bare:
        where = tuple(name or f"an empty cell, {place(i)}" for i, name in bare.items())
        places = listed_places([*bare], place)
        detail = f"The table has no label or no picture ({len(bare):,}): {places}."
        findings.append(Finding("unlabelled", where, detail, True))
    return usable, findings


def _with_labels(samples: list[Sample], labels: Labels | LabelSets) -> list[Sample]:
    """The samples with what their rows say; -1 is the target of those that say nothing."""
    if isinstance(labels, LabelSets):
        number = {some: i for i, some in enumerate(dict.fromkeys(labels.sets))}
        return [
            one._replace(target=-1 if some is None else number[some], labels=some)
            for one, some in zip(samples, labels.sets, strict=True)
        ]
    return [
        one._replace(target=k, values=labels.values[k] if labels.values else ())
        for one, k in zip(samples, labels.numbers, strict=True)
    ]


def _once(
    samples: list[Sample], labels: Labels | LabelSets, several: bool
) -> tuple[list[Sample], list[Finding]]:
    """Take rows that say the same of one file once; rows that give a class each are joined where
    many files have several, else those files are left out."""
    targets: dict[str, set[int]] = defaultdict(set)
    for sample in samples:
        targets[sample.name].add(sample.target)
    disputed = {name for name, of in targets.items() if len(of) > 1}
    many = len(disputed) > CONTRADICTED * len(targets)
    if isinstance(labels, Labels) and not labels.values and (many or several):
        return _joined(samples, labels.classes)
    if many:
        raise _contradiction(disputed, len(targets))
    count = Counter(samples)
    repeated = [sample.name for sample, times in count.items() if times > 1]
    findings = []
    if disputed:
        detail = f"Listed in several rows with different labels ({len(disputed)})."
        findings.append(Finding("several-labels", tuple(sorted(disputed)), detail, True))
    if repeated:
        detail = f"Listed in several rows that say the same, and taken once ({len(repeated)})."
        findings.append(Finding("repeated-row", tuple(repeated), detail))
    return [sample for sample in count if sample.name not in disputed], findings


def _joined(samples: list[Sample], classes: Sequence[str]) -> tuple[list[Sample], list[Finding]]:
    """One sample for each file, with the labels of all its rows."""
    first: dict[str, Sample] = {}
    sets: dict[str, set[int]] = defaultdict(set)
    for sample in samples:
        first.setdefault(sample.name, sample)
        sets[sample.name].add(sample.target)
    joined = [
        one._replace(target=0, labels=tuple(sorted(sets[one.name]))) for one in first.values()
    ]
    many = sum(len(some) > 1 for some in sets.values())
    detail = (
        f"{many:,} of the {len(joined):,} pictures are listed in several rows with different "
        f"labels, so that an image may have several of them: {listed(classes)}."
    )
    return joined, [Finding("multi-label", (), detail)] if many else []


def _contradiction(disputed: set[str], total: int) -> DataError:
    return DataError(
        f"{len(disputed):,} of the {total:,} pictures are listed in several rows that contradict "
        f"each other, such as {min(disputed)}: keep one row for each picture."
    )
