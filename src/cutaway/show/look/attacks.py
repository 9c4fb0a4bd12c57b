"""Robustness: small changes that turn the answer, and common corruptions."""

from collections.abc import Iterator
from functools import partial

from torch import Tensor

from cutaway.figures import Axis, Curves, Images, line
from cutaway.lab.evidence import Cell, Table
from cutaway.randomness import generator
from cutaway.see.attack import accuracy_against_size, few_pixels, fgsm, pgd
from cutaway.see.corrupt import CORRUPTIONS, STRENGTHS
from cutaway.show.look.specimen import Examples, Specimen
from cutaway.show.look.view import View, in_rows, parts, rows_of
from cutaway.show.words import capital

COUNT, PIXELS = 256, 32
"""Examples that are attacked; of pixel by pixel attacks, which are slow, so many at most."""
SIZES = (0, 1, 2, 4, 8, 16, 32, 64)
"""Largest changes of a pixel, of 255."""
FEW = (0, 1, 2, 4)
SMALL = 48
"""Sides up to which pixels are tried one by one."""
PICTURED = 8
"""The size of the pictured attack, of 255; five times as large for images of one channel."""


def view(specimen: Specimen) -> View:
    specimen.require_classes()
    specimen.require_pictures()
    held = specimen.few(COUNT)
    text = (
        f"On {len(held)} {specimen.source}. The attacks know the weights: FGSM takes one step in "
        "the direction in which the loss grows, PGD ten, and no pixel changes by more than the "
        "size of the change.",
    )
    items, lost = parts(
        {
            "Accuracy under attack is": lambda: [_accuracy_under_attack(specimen, held)],
            "A few changed pixels are": partial(_few_pixels, specimen, held),
            "Attacked examples are": lambda: [_attacked_examples(specimen)],
            "Corruptions are": lambda: [
                _corruption_table(specimen, held),
                _corrupted_example(specimen),
            ],
        }
    )
    return View("Robustness", (*text, *lost), items)


def _pixel_step(held: Examples) -> Tensor:
    """A change by one of 255, in the units of the network's input."""
    return (held.high - held.low) / 255


def _accuracy_under_attack(specimen: Specimen, held: Examples) -> Curves:
    step = _pixel_step(held)
    series = []
    for name, attack in (("FGSM", fgsm), ("PGD", pgd)):
        accuracies = accuracy_against_size(
            specimen.model, held.x, held.t,
            lambda m, x, t, size, low, high, attack=attack: attack(m, x, t, size * step, low, high),
            SIZES, held.low, held.high,
        )  # fmt: skip
        series.append(line(name, SIZES, 100 * accuracies))
    return Curves(
        "Accuracy against the size of the change", Axis("largest change of a pixel (of 255)"),
        Axis("accuracy (%)"), tuple(series),
    )  # fmt: skip


def _attacked_examples(specimen: Specimen) -> Images:
    """Images before the attack, its change, and images after it."""
    shown = specimen.shown.some(3)
    size = PICTURED * (5 if shown.x.shape[1] == 1 else 1)
    before = specimen.output[: len(shown)].argmax(1)
    x = pgd(specimen.model, shown.x, before, size * _pixel_step(shown), shown.low, shown.high)
    after = specimen.probabilities(specimen.predict(x)).max(1)
    changed = shown.as_pictures(x)
    rows = []
    for i, picture in enumerate(shown.pictures):
        change = (changed[i] - picture) * 255 / (2 * size) + 0.5
        turned = specimen.classes[int(after.indices[i])]
        rows.append(
            [
                (specimen.classes[int(before[i])], picture),
                ("the change", change),
                (f"{turned}, {100 * after.values[i]:.0f} %", changed[i]),
            ]
        )
    caption = f"No pixel changes by more than {size} of 255. In the change, grey is zero."
    return rows_of("Image, change, changed image (PGD)", rows, caption)


def _few_pixels(specimen: Specimen, held: Examples) -> Iterator[Curves]:
    if max(held.x.shape[2:]) > SMALL:
        return
    few = held.some(PIXELS)
    accuracies = accuracy_against_size(
        specimen.model, few.x, few.t,
        lambda m, x, t, size, low, high: few_pixels(m, x, t, int(size), low, high),
        FEW, few.low, few.high,
    )  # fmt: skip
    yield Curves(
        "A few changed pixels", Axis("pixels set to black or white"), Axis("accuracy (%)"),
        (line("greedy attack", FEW, 100 * accuracies),),
        caption=f"Measured on {len(few)} examples.",
    )  # fmt: skip


def _corruption_table(specimen: Specimen, held: Examples) -> Table:
    accuracies = {
        name: [
            _accuracy(specimen, held, change(_original_pixels(held), s, draw)) for s in STRENGTHS
        ]
        for name, change in CORRUPTIONS.items()
        for draw in (generator(0, name),)
    }
    clean = _accuracy(specimen, held, _original_pixels(held))
    worst = sorted(accuracies, key=lambda k: accuracies[k][-1])
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (capital(name.replace("-", " ")), *accuracies[name]) for name in worst
    )
    columns = ("corruption", *(f"strength {s} (%)" for s in STRENGTHS))
    return Table(f"Accuracy under common corruptions; {clean} % without", columns, rows)


def _original_pixels(held: Examples) -> Tensor:
    """Pixels from 0 to 1, channels first."""
    return held.normalise.undo(held.x.float()).clamp(0, 1)


def _accuracy(specimen: Specimen, held: Examples, pixels: Tensor) -> float:
    x = held.normalise(pixels.clone())
    right = specimen.predict(x).argmax(1) == held.t
    return round(100 * right.double().mean().item(), 1)


def _corrupted_example(specimen: Specimen) -> Images:
    """One example under every corruption."""
    one = specimen.shown.some(1)
    tiles = [("as it is", one.pictures[0])]
    for name, change in CORRUPTIONS.items():
        pixels = change(_original_pixels(one), 3, generator(0, name))
        tiles.append((name.replace("-", " "), pixels[0].movedim(0, -1).cpu()))
    return rows_of("Corruptions at strength 3", in_rows(tiles, 6))
