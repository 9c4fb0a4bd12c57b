"""A discriminator that also classifies: the classifier's page, with generated images."""

from cutaway.learn.classification import Classification
from cutaway.show.pages import classify
from cutaway.show.pages.adversarial import ENDS
from cutaway.show.pages.base import LEARNING, ORIGINS, PROGRESS, Page, Section, Subject, tiles
from cutaway.show.pages.drawn import NOTES, SAMPLES, plates, quality
from cutaway.show.strip import strip
from cutaway.show.words import plural


def page(subject: Subject) -> Page:
    """The classifier's page, with generated images before its sections."""
    tensors, run = subject.tensors, subject.run
    answers = (tensors[name] for name in ("index", "targets", "probabilities"))
    result = Classification(
        subject.classes, *answers, unequal=run.data.target.unequal,
        conformity=tuple(run.tuned.get("conformity", ())),
    )  # fmt: skip
    labels, steps = run.recipe.in_stages()[-1].labels, strip(run)
    known = f"{labels:,} of the {plural(len(run.split.train), 'training image')}"
    lead = [
        f"It was given the class of {known if labels else 'every training image'}; from all of "
        "them the discriminator learned to distinguish real images from generated ones.",
        *quality(subject.measures),
    ]
    values = classify.content(subject, result) | plates(subject, ENDS)
    values |= {"lead": lead, "extra": tiles(subject.measures, NOTES), "steps": steps}
    progress = (PROGRESS,) if len(steps) > 1 else ()
    sections = (SAMPLES, *progress, LEARNING, *classify.ANSWERS, *ORIGINS)
    return Page(classify.title(result), (Section("result", "Result"), *sections), values)
