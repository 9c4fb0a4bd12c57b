"""Codes that follow a known distribution: nats an image, samples, reconstructions, the code."""

import math

from torch import Tensor

from cutaway.data.imageset import ImageSet
from cutaway.learn.tasks.variational import Variational
from cutaway.show.pages.base import Outcome, Page, Subject, Tile, build_page, tiles
from cutaway.show.pages.drawn import SAMPLES, plates
from cutaway.show.pages.reconstruct import AGAIN, CODES, ERRORS, content
from cutaway.show.words import plural


def page(subject: Subject) -> Page:
    values = content(subject, "nats") | plates(subject, "the codes of two test images")
    return build_page(subject, _outcome(subject), (SAMPLES, AGAIN, CODES, ERRORS), **values)


def _outcome(subject: Subject) -> Outcome:
    task, values, run = subject.run.task, subject.measures, subject.run
    assert isinstance(task, Variational)
    size = run.data.channels * math.prod(run.data.size)
    both = values["reconstruction"] + values["kl"]
    lead = [
        f"Encoded with this network, a test image takes at most {both:.1f} nats: "
        f"{values['reconstruction']:.1f} for its pixels once the code is known, and "
        f"{values['kl']:.1f} for the code (KL divergence). That is "
        f"{both / math.log(2) / size:.3f} bits a pixel; lower is better."
    ]
    if task.beta != 1:
        lead.append(
            f"The KL term was weighted by {task.beta:g} in training (beta), which makes the loss "
            f"{values['loss']:.1f}."
        )
    if subject.images is not None:
        plain = by_pixel(subject, subject.images)
        lead.append(
            f"Knowing nothing but each pixel's mean brightness, an image would take {plain:.1f}."
        )
    measured = [
        Tile("−ELBO", f"{both:.2f}", "nats an image: reconstruction and KL divergence"),
        *tiles(values, {
            "reconstruction": "nats an image for the pixels, −ln p(x|z)",
            "kl": "nats an image for the code, KL(q(z|x) ‖ N(0, 1))",
        }),
        Tile("Code", f"{subject.tensors['codes'].shape[1]:,}", f"numbers for the image's {size:,}"),
    ]  # fmt: skip
    caption = f"nats an image at most, on {plural(len(subject.result), 'test image')}"
    return Outcome(f"{both:.1f}", caption, lead, measured)


def by_pixel(subject: Subject, images: ImageSet) -> float:
    """Nats for a test image where each pixel is drawn with its mean over the training images."""
    p, x = (_mean(images, part) for part in (subject.run.split.train, subject.run.split.test))
    p = p.clamp(1e-4, 1 - 1e-4)
    return -(x * p.log() + (1 - x) * (1 - p).log()).sum().item()


def _mean(images: ImageSet, index: Tensor) -> Tensor:
    chosen = images.images[index[:: max(1, len(index) // 10_000)]]
    return chosen.flatten(1).double().mean(0) / 255
