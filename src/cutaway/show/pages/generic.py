"""Any other task: its measures, and the pictures that it kept."""

import torch

from cutaway.show import measures
from cutaway.show.pages.base import Outcome, Page, Plate, Section, Subject, tiles, told
from cutaway.show.pictures import sheet
from cutaway.show.words import plural

MOST = 64


def page(subject: Subject) -> Page:
    values, primary = subject.measures, subject.run.task.primary
    numbers = {k: v for k, v in values.items() if isinstance(v, int | float) and k != "images"}
    n = plural(len(subject.found), "test " + subject.noun)
    figure = measures.text(primary, numbers[primary]) if primary in numbers else n
    said = f"{measures.name(primary)} on {n}" if primary in numbers else "evaluated"
    lead = [f"What each metric means is defined by the task, {type(subject.run.task).__name__}."]
    outcome = Outcome(figure, said, lead, tiles(numbers, dict.fromkeys(numbers, "on the test set")))
    found = plates(subject)
    sections = (Section("samples", "Pictures"),) if found else ()
    return told(subject, outcome, sections, plates=found)


def plates(subject: Subject) -> list[Plate]:
    """Each kept tensor that holds pictures."""
    return [
        Plate(name, sheet(kept[:MOST], 8), f"{min(MOST, len(kept))} pictures: {name}")
        for name, kept in subject.kept.items()
        if kept.dtype == torch.uint8 and kept.ndim == 4 and kept.shape[-1] <= 4
    ]
