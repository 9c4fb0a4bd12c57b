"""Drawn images: the sheets that show them, and how like real ones they are."""

from typing import Any

from cutaway.learn.tasks.variational import GRID, ROWS
from cutaway.show.pages.base import Plate, Section, Subject
from cutaway.show.pictures import flat, sheet
from cutaway.show.words import percent

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


def judged(values: dict[str, Any]) -> list[str]:
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


def plates(subject: Subject, ends: str) -> dict[str, Any]:
    """The sheets of drawn images.

    Args:
        ends: what the ways between images begin and end with.
    """
    kept, n = subject.kept, len(subject.kept["samples"])
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
