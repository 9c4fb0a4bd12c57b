"""Where a result comes from: the data, what an audit noticed, the recipe, what to do next."""

import shlex
from collections import Counter
from dataclasses import dataclass, fields
from typing import Any

from cutaway.data.imageset import PARTS, ImageSet
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import OWN, Run

EXAMPLES, NAMED = 4, 200
"""How many images a kind of finding names at once, and folded away."""


@dataclass(frozen=True)
class Noticed:
    """All findings of one kind: its details, the images concerned, and those that were left out."""

    kind: str
    details: tuple[str, ...]
    images: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def examples(self) -> tuple[str, ...]:
        return self.images[:EXAMPLES]

    @property
    def named(self) -> tuple[str, ...]:
        """Those left out, or else those concerned, as far as a page can hold them."""
        return (self.left_out or self.images)[:NAMED]

    @property
    def unnamed(self) -> int:
        return len(self.left_out or self.images) - len(self.named)


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
    kinds: dict[str, list[dict[str, Any]]] = {}
    for finding in findings:
        kinds.setdefault(finding["kind"], []).append(finding)
    found = [_noticed(kind, same) for kind, same in kinds.items()]
    return sorted(found, key=lambda n: (not n.left_out, -len(n.images)))


def _noticed(kind: str, findings: list[dict[str, Any]]) -> Noticed:
    def images(chosen: list[dict[str, Any]]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(name) for f in chosen for name in f.get("where", ())))

    details = dict.fromkeys(str(f["detail"]) for f in findings if f.get("detail"))
    left_out = images([f for f in findings if f.get("left_out")])
    return Noticed(kind, tuple(details)[:NAMED], images(findings), left_out)


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
