"""Where a result comes from: the data, what an audit noticed, the recipe, what to do next."""

import shlex
from collections import Counter
from dataclasses import dataclass, fields
from typing import Any

from cutaway.data.imageset import PARTS, Finding, ImageSet
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import OWN, Run

FEW, MOST = 8, 200
"""How many images a finding names at once and unfolded, and how many findings are listed."""


@dataclass(frozen=True)
class Noticed:
    """All findings of one kind, and how many images they left out."""

    kind: str
    findings: tuple[Finding, ...]
    left_out: int

    @property
    def shown(self) -> tuple[Finding, ...]:
        return self.findings[:MOST]


@dataclass(frozen=True)
class Field:
    """A line of the recipe; `changed` where it is not the default."""

    name: str
    value: str
    default: str
    help: str
    changed: bool
    chosen: bool


def noticed(findings: list[dict[str, Any]]) -> list[Noticed]:
    """Findings by kind, those that left images out first, then the most frequent."""
    kinds: dict[str, list[Finding]] = {}
    for values in findings:
        finding = Finding(
            values["kind"], tuple(values.get("where", ())), values.get("detail", ""),
            values.get("left_out", False),
        )  # fmt: skip
        kinds.setdefault(finding.kind, []).append(finding)
    found = [_noticed(kind, same) for kind, same in kinds.items()]
    return sorted(found, key=lambda n: (not n.left_out, -len(n.findings)))


def _noticed(kind: str, findings: list[Finding]) -> Noticed:
    return Noticed(kind, tuple(findings), len({n for f in findings if f.left_out for n in f.where}))


def class_counts(run: Run, images: ImageSet) -> list[tuple[str, list[int]]]:
    """Images of each class in each part."""
    counts = [Counter(images.targets[getattr(run.split, part)].tolist()) for part in PARTS]
    return [(name, [c[k] for c in counts]) for k, name in enumerate(run.data.classes)]


def panels(recipe: Recipe) -> dict[str, list[Field]]:
    """The recipe's fields by panel, the longest last, so that two columns come out even."""
    found: dict[str, list[Field]] = {}
    for spec in fields(Recipe):
        value, default = getattr(recipe, spec.name), getattr(Recipe(), spec.name)
        chosen = default == "auto"
        entry = Field(
            spec.name, _text(value), _text(default), spec.metadata["help"],
            value != default and not chosen, chosen,
        )  # fmt: skip
        found.setdefault(spec.metadata["panel"], []).append(entry)
    longest = max(found, key=lambda panel: len(found[panel]))
    return found | {longest: found.pop(longest)}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items()) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value).removeprefix(OWN) or "none"


def commands(run: Run) -> list[tuple[str, str]]:
    """What can be done with the run next: (what it does, the command line)."""
    path = shlex.quote(str(run.path))
    return [
        ("Ask it about an image of your own", f"cutaway predict {path} IMAGE..."),
        ("Judge it on other images of the same classes", f"cutaway evaluate {path} FOLDER"),
        ("Look at the test set again (each look is logged)", f"cutaway evaluate {path}"),
        ("Go on after an interruption (this run has ended)", f"cutaway resume {path}"),
    ]


def own(run: Run) -> bool:
    """Whether its model or data were objects of the user's own, which no recipe can name."""
    return run.recipe.model.startswith(OWN) or run.recipe.data.startswith(OWN)
