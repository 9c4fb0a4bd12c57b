"""The origins of a result: its data, the findings of the audit, its recipe; and the next steps."""

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cutaway.data.imageset import PARTS, Finding, ImageSet
from cutaway.learn.card import DataCard
from cutaway.learn.recipe import OWN, SETTINGS, Recipe
from cutaway.learn.run import Run
from cutaway.show.words import plural

FEW, MOST = 8, 200
"""Images that a finding names at once and unfolded, and findings that are listed."""
MANY = 30
"""More classes than this are counted in a table that has to be opened."""


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
    groups = [_noticed(kind, same) for kind, same in kinds.items()]
    return sorted(groups, key=lambda n: (not n.left_out, -len(n.findings)))


def _noticed(kind: str, findings: list[Finding]) -> Noticed:
    return Noticed(kind, tuple(findings), len({n for f in findings if f.left_out for n in f.where}))


def class_counts(run: Run, images: ImageSet) -> list[tuple[str, list[int]]]:
    """Images of each class, or with each label, in each part."""
    parts = [getattr(run.split, part) for part in PARTS]
    if images.labels is not None:
        sums = [images.labels[part].sum(0).tolist() for part in parts]
        return [(name, [s[k] for s in sums]) for k, name in enumerate(run.data.classes)]
    counts = [Counter(images.targets[part].tolist()) for part in parts]
    return [(name, [c[k] for c in counts]) for k, name in enumerate(run.data.classes)]


def panels(recipe: Recipe) -> dict[str, list[Field]]:
    """The recipe's fields by panel, the longest last, so that two columns come out even."""
    by_panel: dict[str, list[Field]] = {}
    for name, spec in SETTINGS.items():
        value, default = getattr(recipe, name), spec.default
        chosen = default == "auto" or name == "threads"  # whose 0 is decided likewise
        changed = value != default and not chosen
        entry = Field(name, setting(value), setting(default), spec.help, changed, chosen)
        by_panel.setdefault(spec.panel, []).append(entry)
    longest = max(by_panel, key=lambda panel: len(by_panel[panel]))
    return by_panel | {longest: by_panel.pop(longest)}


def changes(fields: Mapping[str, object]) -> str:
    """Fields of a recipe with their values: `lr 0.1, batch size 16`."""
    return ", ".join(f"{name.replace('_', ' ')} {setting(value)}" for name, value in fields.items())


def apart(member: Mapping[str, object]) -> str:
    """What sets a member of a fleet apart from the others: `seed 3`."""
    return changes({name: value for name, value in member.items() if name != "split_seed"})


def setting(value: object) -> str:
    """The value of a recipe's field; a dash for one that a side lacks."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items()) or "none"
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return plural(len(value), "stage")
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value).removeprefix(OWN) or "none"


def shape(card: DataCard) -> str:
    """The shape of one example in words: `64 × 64 pixels, colour`."""
    kind = {1: "grey", 3: "colour"}.get(card.channels, f"{card.channels} channels")
    *frames, last = card.size
    if not frames:
        return plural(last, "value") + (f", {kind}" if card.channels > 1 else "")
    grid = f"{card.size[-2]} × {last} pixels, {kind}"
    return grid if len(frames) == 1 else f"{plural(card.size[0], 'frame')} of {grid}"


def commands(run: Run) -> list[tuple[str, str]]:
    """The commands that fit the run next: (what it does, the command line)."""
    path, task = shlex.quote(str(run.path)), run.task
    lines = []
    if pictured(run):
        lines.append(("Predict an image of your own", f"cutaway predict {path} IMAGE..."))
    if task.draws():
        lines.append(
            ("Generate more images", f"cutaway generate {path} --n 64 --seed 1 -o grid.png")
        )
        if len(run.data.size) == 2 and not own(run):
            lines.append(("Let people tell them from real ones", f"cutaway judge {path}"))
    if task.predicts():
        title = f"Evaluate it on other images of the same {run.data.target.plural}"
        lines.append((title, f"cutaway evaluate {path} DATA"))
    looks = [("See inside it: layers, features, attributions", f"cutaway look {path}")]
    return [
        *lines,
        *([] if own(run) else looks),
        ("Export it, verified against PyTorch", f"cutaway export {path} --to onnx"),
        *([] if run.recipe.model.startswith(OWN) else served(run, path)),
    ]


def pictured(run: Run) -> bool:
    """Whether it tells something of pictures."""
    return run.task.predicts() and len(run.data.size) == 2


def served(run: Run, path: str) -> list[tuple[str, str]]:
    """The command that serves it over HTTP, where it can be served."""
    if not (pictured(run) and run.task.serves):
        return []
    return [("Serve it over HTTP, with a page to try it", f"cutaway serve {path}")]


def call(run: Run) -> str:
    """The method of a run that a program calls: `predict`, `generate`, or only `model`."""
    if pictured(run):
        return "predict"
    return "generate" if run.task.draws() else "model"


def own(run: Run) -> bool:
    """Whether its model or data were objects of the user's own, which no recipe can name."""
    return run.recipe.model.startswith(OWN) or run.recipe.data.startswith(OWN)
