"""The report of a run: one HTML file that says how good the network is, and why to believe it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from cutaway import models
from cutaway.data.imageset import ImageSet
from cutaway.data.target import Labels, Masks
from cutaway.errors import CutawayError
from cutaway.files import read_json, write_whole
from cutaway.learn.network import head_of
from cutaway.learn.pretrained import count_learned
from cutaway.learn.recipe import OWN
from cutaway.learn.run import Run
from cutaway.show import origins
from cutaway.show.curves import curves
from cutaway.show.exports import exports
from cutaway.show.inside import inside
from cutaway.show.pages import page_of
from cutaway.show.pages.base import (
    EXPORTS,
    INSIDE,
    INTERVENTIONS,
    LEARNING,
    REGULARISERS,
    Page,
    Section,
    Subject,
)
from cutaway.show.regularisers import regularisers
from cutaway.show.render import render


def report(run: Run, images: ImageSet | None = None) -> Path:
    """Write `report.html` into the directory of a run that has ended.

    The file needs nothing beside it and no network. The test set is not looked at again: what is
    shown are the answers kept at the end of training, so the same run gives the same bytes.

    Args:
        images: what the run learned from; None loads them again, and where that fails the report
            does without pictures.

    Raises:
        RunError: the run has not ended, is damaged, learned from other images than these, or the
            file cannot be written.
    """
    path = run.path / "report.html"
    write_whole(path, render("report.html", content(run, images)))
    return path


def _images(run: Run, images: ImageSet | None) -> tuple[ImageSet | None, str]:
    """The run's images, or None and the reason."""
    if images is not None:
        run.check_images(images)
        return images, ""
    try:
        return run.images(), ""
    except (CutawayError, OSError, ImportError) as error:
        return None, str(error)


def content(run: Run, images: ImageSet | None = None) -> dict[str, Any]:
    """Everything that the templates say.

    Raises:
        RunError: as for `report`.
    """
    run.results  # noqa: B018  # says so where the run has not ended
    images, problem = _images(run, images)
    subject = Subject(run, run.saved_test(), images, problem)
    environment = _optional(run.path / "environment.json")
    network = _network(run)
    page: Page = page_of(run.task).page(subject)
    restraints, seen = regularisers(run, images, network), inside(run)
    shipped = exports(run)
    changes = run.interventions
    parts = (
        (INTERVENTIONS, changes),
        (REGULARISERS, restraints),
        (INSIDE, seen),
        (EXPORTS, shipped),
    )
    more = tuple(section for section, value in parts if value)
    return {
        "run": run,
        "model": run.recipe.model.removeprefix(OWN),
        "data": run.data,
        "noun": subject.noun,
        "whole": subject.whole,
        "title": page.title,
        "sections": _with(more, page.sections),
        "interventions": changes,
        "regularisers": restraints,
        "inside": seen,
        "exports": shipped,
        "problem": problem,
        "parameters": None if network is None else _parameters(run, network),
        **_costs(run),
        "curves": curves(run.metrics, run.recipe, run.steps),
        **_origins(run, images),
        "environment": environment,
        "version": environment.get("cutaway", ""),
        **page.content,
    }


def _with(more: tuple[Section, ...], sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """The sections, with more of them after that on learning."""
    at = sections.index(LEARNING) + 1
    return (*sections[:at], *more, *sections[at:])


def _costs(run: Run) -> dict[str, Any]:
    looks = [look for look in run.looks if look["on"] == "test"]
    evaluations = [look for look in looks if not look["why"].startswith("export")]
    return {
        "timing": _optional(run.path / "timing.json"),
        "looks": looks,
        "evaluations": evaluations,  # to verify an export tells nothing new of the network
    }


def _origins(run: Run, images: ImageSet | None) -> dict[str, Any]:
    audit = _optional(run.path / "audit.json")
    findings = audit.get("findings", [])
    known = [finding["detail"] for finding in findings]
    findings += [asdict(one) for one in run.split.findings if one.detail not in known]
    return {
        "audited": "findings" in audit,
        "noticed": origins.noticed(findings),
        "few": origins.FEW,
        "most": origins.MOST,
        "masked": run.task.needs is Masks,
        "kind": "label" if isinstance(run.data.target, Labels) else "class",
        "shape": origins.shape(run.data),
        "counts": origins.class_counts(run, images) if images else [],
        "many_classes": len(run.data.classes) > origins.MANY,
        "groups": len(images.groups.unique()) if images and images.groups is not None else 0,
        "panels": origins.panels(run.recipe),
        "toml": (run.path / "recipe.toml").read_text(),
        "commands": origins.commands(run),
        "call": origins.call(run),
        "own": origins.own(run),
    }


def _network(run: Run) -> nn.Module | None:
    """The network before training; None where it is the user's own and was not handed in."""
    try:
        return run.new_model()
    except CutawayError:
        return None


def _parameters(run: Run, network: nn.Module) -> tuple[int, int]:
    """How many numbers of the network learned, and how many it has."""
    freezes = [stage.freeze for stage in run.recipe.in_stages()]
    learned = count_learned(network, freezes, head_of(run.recipe))
    return learned, models.count(network, held=True)


def _optional(path: Path) -> dict[str, Any]:
    """The values of a file that a run may lack."""
    return read_json(path) if path.exists() else {}
