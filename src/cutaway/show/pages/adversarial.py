"""Two players: how like real images the drawn ones are."""

from cutaway.show import measures
from cutaway.show.pages.base import Outcome, Page, Subject, tiles, told
from cutaway.show.pages.drawn import NOTES, SAMPLES, judged, plates
from cutaway.show.words import percent, plural

ENDS = "two random codes"


def page(subject: Subject) -> Page:
    return told(subject, _likeness(subject), (SAMPLES,), **plates(subject, ENDS))


def _likeness(subject: Subject) -> Outcome:
    values, n = subject.measures, len(subject.found)
    drawn = f"{plural(n, 'generated image')} and as many test images"
    if values.get("fid") is not None:
        figure, said = measures.text("fid", values["fid"]), f"Frechet distance of {drawn}"
    else:
        figure = percent(values["discriminator_accuracy"])
        said = f"of {drawn} classified correctly by the discriminator"
    return Outcome(figure, said, judged(values), tiles(values, NOTES))
