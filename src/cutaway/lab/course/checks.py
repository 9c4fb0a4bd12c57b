"""What is amiss with the coverage of the course, a sentence each."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from pathlib import Path

from cutaway.errors import DataError
from cutaway.lab.course import Erratum, Passage, Text


def faults(
    texts: Collection[Text],
    errata: Mapping[str, Erratum],
    known: Collection[str],
    beyond: Collection[str] = (),
) -> Iterator[str]:
    """What can be seen without the texts.

    Args:
        known: numbers of the lab's claims.
        beyond: numbers of claims that come from no passage.
    """
    named = Counter[str]()
    for text in texts:
        for passage in text.passages:
            where = f"{text.file}, lines {passage.first} to {passage.last}"
            yield from _of_passage(passage, where, errata, known)
            named.update(passage.claims, **dict.fromkeys(passage.errata, 1))
    for number in known:
        if not named[number] and number not in beyond:
            yield f"Claim {number} is named by no passage of the course."
    for number in beyond:
        if named[number]:
            yield f"Claim {number} is beyond the texts, and yet a passage names it."
        if number not in known:
            yield f"Claim {number} is beyond the texts, and does not exist."
    for one in errata.values():
        if not named[one.id]:
            yield f"Erratum {one.id} is named by no passage of the course."
        if one.claim and one.claim not in known:
            yield f"Erratum {one.id} names claim {one.claim}, which does not exist."
        if not (one.claim and one.effect) and not one.ground:
            yield f"Erratum {one.id} needs a claim with an effect, a check or a source."


def _of_passage(
    passage: Passage, where: str, errata: Mapping[str, Erratum], claims: Collection[str]
) -> Iterator[str]:
    for number in passage.claims:
        if number not in claims:
            yield f"{where}: claim {number} does not exist."
    for name in passage.errata:
        if name not in errata:
            yield f"{where}: erratum {name} does not exist."
    tested = bool(passage.claims or passage.errata)
    if not passage.says or tested == bool(passage.reason):
        yield f"{where}: needs a sentence, and claims, errata, or a reason why there are none."


def faults_of_lines(text: Text, folder: Path) -> Iterator[str]:
    """What is wrong with a text's file or with the lines of its passages.

    Raises:
        DataError: the file is not there.
    """
    path = folder / text.file
    if not path.is_file():
        raise DataError(f"There is no text {path}: name the folder of the texts with --texts DIR.")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != text.sha256:
        yield f"{text.file} has changed: look through its passages, and renew lines and sha256."
    lines = content.decode(errors="replace").splitlines()
    if len(lines) != text.lines:
        yield f"{text.file} has {len(lines)} lines, not {text.lines}."
    spans = (range(one.first, one.last + 1) for one in text.passages)
    counts = Counter(chain.from_iterable(spans))
    for number, line in enumerate(lines, 1):
        if counts[number] > 1:
            yield f"{text.file}, line {number} lies in {counts[number]} passages."
        elif line.strip() and not counts[number]:
            yield f"{text.file}, line {number} lies in no passage."
    if beyond := [number for number in counts if not 1 <= number <= len(lines)]:
        yield f"{text.file} has no line {min(beyond)}, which a passage names."
