"""Networks that draw images: how like real ones they are, and how one turns into another."""

import math
from typing import Any

from torch import Tensor

from cutaway.data.imageset import ImageSet
from cutaway.learn.evaluation import Evaluation
from cutaway.learn.tasks.adversarial import Adversarial
from cutaway.learn.tasks.variational import GRID, ROWS, Variational
from cutaway.show import measures
from cutaway.show.pages import classify
from cutaway.show.pages.base import (
    LEARNING,
    ORIGINS,
    PROGRESS,
    Outcome,
    Page,
    Plate,
    Section,
    Subject,
    Tile,
    tiles,
    told,
)
from cutaway.show.pages.reconstruct import AGAIN, CODES, ERRORS, inside
from cutaway.show.pictures import flat, sheet
from cutaway.show.strip import strip
from cutaway.show.words import percent, plural

SAMPLES = Section("samples", "Samples")
NOTES = {
    "fid": "between drawn and test images; 0 is best",
    "sure": "drawn images of whose class the fixed network is more than 90 % sure",
    "variety": "equally frequent classes that would be as varied",
    "discriminator_accuracy": "50 %: it only guesses, 100 %: it sees through all",
}
FIXED = (
    "The judge is a small network that learned to read handwritten digits once and for all and is "
    "kept with Cutaway. It turns each image into a few numbers, and the Frechet distance compares "
    "the mean and the spread of these numbers between real and drawn images: the lower, the more "
    "alike, 0 for no difference. It depends on how many images are drawn, so compare only "
    "distances of the same number."
)


def variational(subject: Subject) -> Page:
    content = inside(subject, "nats") | plates(subject)
    return told(subject, _elbo(subject), (SAMPLES, AGAIN, CODES, ERRORS), **content)


def adversarial(subject: Subject) -> Page:
    return told(subject, _likeness(subject), (SAMPLES,), **plates(subject))


def semi_supervised(subject: Subject) -> Page:
    """The classifier's page, with what the generator draws before it."""
    kept, run = subject.kept, subject.run
    found = Evaluation(subject.classes, *(kept[k] for k in ("index", "targets", "probabilities")))
    labels, steps = run.recipe.in_stages()[-1].labels, strip(run)
    known = f"{labels:,} of the {plural(len(run.split.train), 'training image')}"
    lead = [
        f"It was told the class of {known if labels else 'every training image'}; the "
        "discriminator learned the rest by telling real images from the generator's.",
        *_judged(subject.measures),
    ]
    content = classify.content(subject, found) | plates(subject)
    content |= {"lead": lead, "extra": tiles(subject.measures, NOTES), "steps": steps}
    progress = (PROGRESS,) if len(steps) > 1 else ()
    result = Section("result", "Result")
    sections = (result, SAMPLES, *progress, LEARNING, *classify.ANSWERS, *ORIGINS)
    return Page(classify.title(found), sections, content)


def _elbo(subject: Subject) -> Outcome:
    task, values, run = subject.run.task, subject.measures, subject.run
    assert isinstance(task, Variational)
    size = run.data.channels * math.prod(run.data.size)
    both = values["reconstruction"] + values["kl"]
    lead = [
        f"Said with this network, a test image takes at most {both:.1f} nats: "
        f"{values['reconstruction']:.1f} for its pixels once the code is known, and "
        f"{values['kl']:.1f} for the code (KL divergence). That is "
        f"{both / math.log(2) / size:.3f} bits a pixel; lower is better."
    ]
    if task.beta != 1:
        lead.append(
            f"The code's part was weighed {task.beta:g} times in training (beta), which makes the "
            f"loss {values['loss']:.1f}."
        )
    if subject.images is not None:
        plain = by_pixel(subject, subject.images)
        lead.append(
            f"Knowing nothing but each pixel's mean brightness, an image would take {plain:.1f}."
        )
    found = [
        Tile("−ELBO", f"{both:.2f}", "nats an image: reconstruction and KL divergence"),
        *tiles(values, {
            "reconstruction": "nats an image for the pixels, −ln p(x|z)",
            "kl": "nats an image for the code, KL(q(z|x) ‖ N(0, 1))",
        }),
        Tile("Code", f"{subject.kept['codes'].shape[1]:,}", f"numbers for the image's {size:,}"),
    ]  # fmt: skip
    said = f"nats an image at most, on {plural(len(subject.found), 'test image')}"
    return Outcome(f"{both:.1f}", said, lead, found)


def by_pixel(subject: Subject, images: ImageSet) -> float:
    """Nats for a test image where each pixel is drawn with its mean over the training images."""
    p, x = (_mean(images, part) for part in (subject.run.split.train, subject.run.split.test))
    p = p.clamp(1e-4, 1 - 1e-4)
    return -(x * p.log() + (1 - x) * (1 - p).log()).sum().item()


def _mean(images: ImageSet, index: Tensor) -> Tensor:
    chosen = images.images[index[:: max(1, len(index) // 10_000)]]
    return chosen.flatten(1).double().mean(0) / 255


def _likeness(subject: Subject) -> Outcome:
    values, n = subject.measures, len(subject.found)
    drawn = f"{plural(n, 'drawn image')} and as many test images"
    if values.get("fid") is not None:
        figure, said = measures.text("fid", values["fid"]), f"Frechet distance of {drawn}"
    else:
        figure = percent(values["discriminator_accuracy"])
        said = f"of {drawn} told apart by the discriminator"
    return Outcome(figure, said, _judged(values), tiles(values, NOTES))


def _judged(values: dict[str, Any]) -> list[str]:
    """What the measures of drawn images say."""
    share = values["discriminator_accuracy"]
    verdict = "it can hardly tell them apart"
    if share >= 0.6:
        verdict = "it still sees through many" if share < 0.9 else "it sees through almost all"
    lead = [
        f"The network's own discriminator is right about {percent(share)} of real and drawn "
        f"images: {verdict} (50 % would be guessing). It judges by what it has learned itself, "
        "so this says who is ahead, and not how good the images are."
    ]
    if values.get("fid") is None:
        return [
            *lead,
            "No Frechet distance was measured: the network kept for it knows grey images of "
            "28 × 28 or 32 × 32 pixels only.",
        ]
    seen = (
        f"The judge is more than 90 % sure of the class of {percent(values['sure'])} of them, and "
        f"they are as varied as {values['variety']:.1f} equally frequent classes."
    )
    return [FIXED, seen, *lead]


def plates(subject: Subject) -> dict[str, Any]:
    """The sheets of drawn images."""
    kept, adversary = subject.kept, isinstance(subject.run.task, Adversarial)
    n = len(kept["samples"])
    ends = "two drawn codes" if adversary else "the codes of two test images"
    found = [
        Plate(
            "Drawn images", sheet(flat(kept["samples"]), 8), f"{n} images drawn by the network",
            f"{n} codes drawn from N(0, 1), none chosen.",
        ),
        Plate(
            "Ways between images", sheet(flat(kept["between"]), ROWS),
            f"{len(kept['between']) // ROWS} rows of {ROWS} images, each row turning from one "
            "image into another",
            f"Each row goes straight from one to the other of {ends}, in {ROWS} steps. Where all "
            "images on the way are plausible, the network did more than store examples.",
        ),
    ]  # fmt: skip
    if "map" in kept:
        caption = (
            f"What the network draws at {GRID} × {GRID} places of its code of two numbers; the "
            "steps are such that each place is equally probable under N(0, 1)."
        )
        alt = f"{GRID} by {GRID} images, each like its neighbours"
        found.append(Plate("The map of the code", sheet(flat(kept["map"]), GRID), alt, caption))
    return {"plates": found}
