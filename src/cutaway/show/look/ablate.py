"""Ablation: the accuracy without one unit and without many, and activation patching."""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from cutaway.figures import Axis, Curves, line
from cutaway.lab.figures import over
from cutaway.see.ablation import ablate, modified_outputs, patch_units, set_units
from cutaway.see.probe import answer, answers
from cutaway.show.look.specimen import Specimen
from cutaway.show.look.view import View, accuracy, parts
from cutaway.show.words import percent

COUNT, UNITS, DRAWS = 256, 128, 8
"""Examples that are measured on, units tried one by one, random choices of many."""
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9)


def view(specimen: Specimen) -> View:
    specimen.require_classes()
    layer, units = specimen.spatial_layer, specimen.width
    measure = accuracy(specimen, COUNT)
    whole = measure()
    alone = ablate(specimen.model, measure, layer, range(min(units, UNITS)))
    text = (
        f"Measured on {len(specimen.few(COUNT))} {specimen.source}, of which it classifies "
        f"{percent(whole)} correctly. Units of {layer} are set to zero. It needs unit "
        f"{int(alone.argmin())} most: without it, the accuracy is {percent(alone.min().item())}.",
    )
    items, lost = parts(
        {
            "Many units are": lambda: [_many_units(specimen, layer, units)],
            "Activation patching is": partial(_activation_patching, specimen, layer, units),
        }
    )
    return View("Ablation", (*text, *lost), (_single_units(alone, whole, layer), *items))


def _single_units(alone: Tensor, whole: float, layer: str) -> Curves:
    order = alone.argsort()
    return Curves(
        "Without one unit",
        Axis("units, the most needed first"),
        Axis("accuracy (%)"),
        (line("without it", range(1, len(alone) + 1), 100 * alone[order], dots=True),),
        levels=((100 * whole, "with all"),),
        caption=f"Each point is one unit of {layer} removed.",
    )


def _many_units(specimen: Specimen, layer: str, units: int) -> Curves:
    series = [
        over(
            "as trained",
            _shares_in_percent(),
            _accuracy_without(specimen, specimen.model, layer, units),
        )
    ]
    if specimen.fresh:
        fresh = specimen.fresh().to(specimen.held.x.device).eval()
        series.append(
            over(
                "before training",
                _shares_in_percent(),
                _accuracy_without(specimen, fresh, layer, units),
            )
        )
    return Curves(
        "Without many units", Axis("units removed (%)"), Axis("accuracy (%)"), tuple(series),
        caption=f"Random units of {layer}, {DRAWS} draws each, with 95 % intervals.",
    )  # fmt: skip


def _shares_in_percent() -> list[float]:
    return [100 * share for share in SHARES]


def _accuracy_without(specimen: Specimen, model: nn.Module, layer: str, units: int) -> Tensor:
    """Accuracy in per cent, a row a share of units, a column a draw."""
    few = specimen.few(COUNT)
    draw = torch.Generator().manual_seed(0)
    accuracies = torch.empty(len(SHARES), DRAWS)
    for i, share in enumerate(SHARES):
        for j in range(DRAWS):
            gone = torch.randperm(units, generator=draw)[: round(share * units)].tolist()
            with torch.no_grad(), modified_outputs(model, {layer: set_units(gone)}):
                right = answer(model, few.x).argmax(1) == few.t
                accuracies[i, j] = 100 * right.double().mean()
    return accuracies


def _activation_patching(specimen: Specimen, layer: str, units: int) -> Iterator[Curves]:
    """Replace more and more of a layer's outputs for one image by those for another class's."""
    model, shown, predicted = specimen.model, specimen.shown, specimen.output.argmax(1)
    other = (predicted != predicted[0]).nonzero().flatten().tolist()
    if not other:
        return
    a, b = shown.x[:1], shown.x[other[0]][None]
    classes = [int(predicted[0]), int(predicted[other[0]])]
    source = answers(model, b, [layer])[layer]

    def patched(exchanged: Sequence[int]) -> Tensor:
        with torch.no_grad(), modified_outputs(model, {layer: patch_units(source, exchanged)}):
            return specimen.probabilities(answer(model, a).float())[0, classes].cpu()

    order = torch.stack([patched([k]) for k in range(units)])[:, 1].argsort(descending=True)
    counts = sorted({round(share * units) for share in (*SHARES, 0.02, 0.05, 0.15, 0.35, 1.0)})
    probabilities = torch.stack([patched(order[:count].tolist()) for count in counts])
    names = (specimen.classes[k] for k in classes)
    yield Curves(
        "Activation patching",
        Axis(f"units of {layer} replaced"),
        Axis("probability (%)"),
        tuple(line(name, counts, 100 * p) for name, p in zip(names, probabilities.T, strict=True)),
        caption=f"{shown.names[0]}, with activations taken from {shown.names[other[0]]}: first "
        "those units that alone raise the probability of its class most.",
    )
