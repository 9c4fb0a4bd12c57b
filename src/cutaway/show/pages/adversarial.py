"""Two players: how similar generated images are to real ones."""

from cutaway.show import measures
from cutaway.show.pages.base import Outcome, Page, Subject, build_page, tiles
from cutaway.show.pages.drawn import NOTES, SAMPLES, plates, quality
from cutaway.show.words import percent, plural

ENDS = "two random codes"


def page(subject: Subject) -> Page:
    return build_page(subject, _outcome(subject), (SAMPLES,), **plates(subject, ENDS))


def _outcome(subject: Subject) -> Outcome:
    values, n = subject.measures, len(subject.result)
    drawn = f"{plural(n, 'generated image')} and as many test images"
    if values.get("fid") is not None:
        figure, caption = measures.text("fid", values["fid"]), f"Frechet distance of {drawn}"
    else:
        figure = percent(values["discriminator_accuracy"])
        caption = f"of {drawn} classified correctly by the discriminator"
    return Outcome(figure, caption, quality(values), tiles(values, NOTES))
