"""Any other task: its measures, and its saved pictures."""

import torch

from cutaway.show import measures
from cutaway.show.pages.base import Outcome, Page, Plate, Section, Subject, build_page, tiles
from cutaway.show.pictures import sheet
from cutaway.show.words import plural

MOST = 64


def page(subject: Subject) -> Page:
    values, primary = subject.measures, subject.run.leading
    numbers = {k: v for k, v in values.items() if isinstance(v, int | float) and k != "images"}
    n = plural(len(subject.result), "test " + subject.noun)
    figure = measures.text(primary, numbers[primary]) if primary in numbers else n
    caption = f"{measures.name(primary)} on {n}" if primary in numbers else "evaluated"
    lead = [f"What each metric means is defined by the task, {type(subject.run.task).__name__}."]
    notes = dict.fromkeys(numbers, "on the test set")
    outcome = Outcome(figure, caption, lead, tiles(numbers, notes))
    pictures = plates(subject)
    sections = (Section("samples", "Pictures"),) if pictures else ()
    return build_page(subject, outcome, sections, plates=pictures)


def plates(subject: Subject) -> list[Plate]:
    """A sheet for each saved tensor that holds pictures."""
    return [
        Plate(name, sheet(tensor[:MOST], 8), f"{min(MOST, len(tensor))} pictures: {name}")
        for name, tensor in subject.tensors.items()
        if tensor.dtype == torch.uint8 and tensor.ndim == 4 and tensor.shape[-1] <= 4
    ]
