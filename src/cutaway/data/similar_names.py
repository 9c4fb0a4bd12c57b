"""Class names that look like one class written in two ways, or like no class."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

from cutaway.data.imageset import Finding

NOTHING = {"nan", "none", "null", "na", "n/a", "?", "-", "undefined", "unlabelled", "unlabeled"}
MAX_NAMES = 20


def alike_classes(classes: Sequence[str]) -> list[Finding]:
    """Findings from the names alone: `Cat` beside `cat`, `1` beside `01`, and `nan`."""
    spellings = defaultdict(list)
    for name in classes:
        spellings[_plain(name)].append(name)
    same = [names for names in spellings.values() if len(names) > 1]
    none = tuple(name for name in classes if name.strip().lower() in NOTHING)
    findings = []
    for names in same[:MAX_NAMES]:
        listed = " and ".join(map(repr, names))
        detail = f"The classes {listed} differ in their writing only: give them one name if they "
        findings.append(Finding("alike-classes", tuple(names), detail + "are one."))
    if none:
        listed = ", ".join(map(repr, none))
        detail = f"A class is called {listed}: leave its images out if that means 'no label'."
        findings.append(Finding("blank-class", none, detail))
    return findings


def _plain(name: str) -> str:
    """The name without differences of spelling: case, spaces, how a number is written."""
    text = unicodedata.normalize("NFKC", name).strip().casefold()
    if re.fullmatch(r"[+-]?\d+(\.\d*)?", text):
        return str(float(text))
    return re.sub(r"[\s_-]+", " ", text)
