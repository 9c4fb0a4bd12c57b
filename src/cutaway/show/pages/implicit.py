"""A network that is a picture: the picture beside it, and their derivatives."""

import math

from cutaway.learn.tasks.implicit import Implicit
from cutaway.show import measures
from cutaway.show.pages.base import Outcome, Page, Plate, Section, Subject, build_page, tiles
from cutaway.show.pictures import picture
from cutaway.show.words import number

SECTIONS = (Section("beside", "Pictures"),)
LARGEST = 420
"""Sides of pictures are reduced to so many pixels; up to this they stay exact."""
DERIVATIVES = {
    "value": ("The picture", "picture", "found", "psnr"),
    "gradient": ("Length of the gradient", "gradient_true", "gradient", "gradient_psnr"),
    "laplacian": ("Laplacian", "laplacian_true", "laplacian", "laplacian_psnr"),
}
FIT_NOTES = {
    "value": "It was trained on the values; gradient and Laplacian follow from what it learned.",
    "gradient": "It was trained on the gradient alone, which leaves the picture's mean "
    "brightness open; so the pictures are compared without their means.",
    "laplacian": "It was trained on the Laplacian alone, which leaves the picture open up to its "
    "mean and a slope; so the pictures are compared without their means.",
}


def page(subject: Subject) -> Page:
    task, tensors, values = subject.run.task, subject.tensors, subject.measures
    assert isinstance(task, Implicit)
    rows = []
    for name, (title, true, predicted, measure) in DERIVATIVES.items():
        both = [
            Plate(caption, picture(tensors[key][0], LARGEST, crisp=LARGEST), f"{title}: {caption}")
            for caption, key in (("of the picture", true), ("of the network", predicted))
        ]
        rows.append((title, measures.text(measure, values[measure]), name == task.fit, both))
    return build_page(subject, _outcome(subject, task), SECTIONS, compared=rows)


def _outcome(subject: Subject, task: Implicit) -> Outcome:
    values, data = subject.measures, subject.run.data
    off = math.sqrt(values["loss"]) / 2 * 255
    places = math.prod(data.size)
    lead = [
        f"The network gives the value at each of {number(places)} places ({data.size[0]} × "
        f"{data.size[1]} pixels), with a root mean squared error of about {off:.1f} of 255 levels.",
        FIT_NOTES[task.fit],
    ]
    notes = {
        "psnr": "of the picture; 10 dB more is a tenth of the squared error",
        "gradient_psnr": "against differences between pixels",
        "laplacian_psnr": "against second differences between pixels",
        "loss": "mean squared error of values of −1 to 1",
    }
    caption = "peak signal-to-noise ratio of the network's picture"
    return Outcome(measures.text("psnr", values["psnr"]), caption, lead, tiles(values, notes))
