"""Calibration, confusions, effective ranks, similarity of layers and linear pieces."""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from cutaway.errors import UsageError
from cutaway.figures import Axis, Curves, Images, line
from cutaway.lab.evidence import Table
from cutaway.see.agreement import layer_agreement
from cutaway.see.layer_statistics import effective_rank, linear_regions
from cutaway.see.probe import answers
from cutaway.show.look.specimen import CannotShow, Inputs, Specimen, called
from cutaway.show.look.view import View, parts, rows_of, squares

COUNT = 256
PAIRS = 8
LAYERS = "A layer is a module: what is computed by functions between modules has no row of its own."
PLACES, BESIDE = (64, 1024), 1 << 23
"""Places on a line at which linear pieces are told apart, at least and at most, and numbers of
inputs there, which large examples are not to pass."""
WIDE = 2048
"""Features of a layer whose directions are counted; of more, means over places, or every so
many."""


def view(specimen: Specimen) -> View:
    held = specimen.few(COUNT)
    text = f"Layers on {len(held)} {specimen.source}."
    if specimen.classes and len(specimen.held.t):
        text = (
            f"Predictions on {len(specimen.held):,} {specimen.source}, layers on {len(held)} "
            "of them."
        )
    items, lost = parts(
        {
            "Predictions are": partial(_predictions, specimen),
            "Directions are": lambda: [_effective_ranks(_features(specimen, held.x))],
            "The similarity of layers is": lambda: [_layer_similarity(specimen)],
            "Linear pieces are": partial(_linear_pieces, specimen),
        }
    )
    return View("In numbers", (f"{text} {LAYERS}", *lost), items)


def _features(specimen: Specimen, x: Inputs) -> dict[str, Tensor]:
    """Each layer's outputs, one row for each example."""
    growing = _rows_per_example(specimen)
    parts = [
        {
            n: _flattened(y, len(part))
            for n, y in answers(specimen.model, part).items()
            if n in growing
        }
        for part in specimen.batches(x)
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _rows_per_example(specimen: Specimen) -> dict[str, int]:
    """The rows of an example in each call's output, where those grow with the examples; others (the
    last state of a recurrent layer) have no row for an example."""
    two = answers(specimen.model, specimen.shown.x[:2])
    size = specimen.sizes
    of_one = {name: len(y) for name, y in two.items() if y.ndim and size[name][:1]}
    return {
        n: size[n][0]
        for n, rows in of_one.items()
        if rows == size[n][0] * len(specimen.shown.x[:2])
    }


def _flattened(y: Tensor, n: int) -> Tensor:
    """Outputs as rows: means over places where wide; folded where a layer folds examples."""
    flat = y.float().reshape(n, -1) if len(y) % n == 0 else y.float().flatten(1)
    if flat.shape[1] <= WIDE or y.ndim < 3:
        return flat[:, :: -(-flat.shape[1] // WIDE)]
    return y.float().flatten(2).mean(2)


def _effective_ranks(features: dict[str, Tensor]) -> Table:
    if not features or len(next(iter(features.values()))) < 2:
        raise CannotShow("Directions are those in which at least two examples differ.")
    rows = tuple((name, x.shape[1], round(effective_rank(x), 1)) for name, x in features.items())
    return Table(
        "Effective rank of each layer's outputs", ("layer", "features", "effective rank"), rows
    )


def _layer_similarity(specimen: Specimen) -> Images:
    """The similarity of each pair of layers, and of each to those before training."""
    x, model = specimen.few(COUNT).x, specimen.model
    only = _layers_by_example(specimen)
    agreement = layer_agreement(model, model, x, only, only)
    ends = f"{agreement.rows[0]} (top, left) to {agreement.rows[-1]}"
    tiles = [(ends, squares(agreement.cka))]
    if specimen.fresh:
        before = layer_agreement(model, specimen.fresh().to(x.device).eval(), x, only, only)
        tiles.append(("down: as trained, across: before training", squares(before.cka)))
    caption = "Linear CKA of each pair of layers: dark 0, bright 1, the same up to a rotation."
    return rows_of("Similarity of layers (linear CKA)", [tiles], caption)


def _layers_by_example(specimen: Specimen) -> list[str]:
    """Layers that answer to one example with one: others fold examples, or mix them."""
    growing = _rows_per_example(specimen)
    folding = {called(n) for n in specimen.sizes if growing.get(n) != 1}
    return list(dict.fromkeys(called(n) for n in specimen.sizes if called(n) not in folding))


def _linear_pieces(specimen: Specimen) -> Iterator[Table]:
    """Linear pieces between examples."""
    shown = specimen.shown.some(4)
    if not isinstance(shown.x, Tensor) or not shown.x.is_floating_point():
        raise CannotShow(
            "A line between examples needs inputs that are one tensor of real numbers."
        )
    places = max(PLACES[0], min(PLACES[1], BESIDE // max(1, shown.x[:1].numel())))
    rows, layer = [], _piecewise_linear_layer(specimen, shown.x)
    for name, x in zip(shown.names[1:], shown.x[1:], strict=True):
        count = linear_regions(specimen.model, shown.x[0], x, places, layer)
        rows.append((f"{shown.names[0]} to {name}", count))
    of = f" of {layer}" if layer else ""
    if any(count > 1 for _, count in rows):
        title = f"Linear pieces{of} on the line between examples, counted at {places} points"
        yield Table(title, ("way", "pieces"), tuple(rows))


def _piecewise_linear_layer(specimen: Specimen, x: Tensor) -> str:
    """The last hidden layer where the outputs have no linear pieces, as after a softmax."""
    if len(x) > 1:
        try:
            linear_regions(specimen.model, x[0], x[1], PLACES[0])
        except UsageError:
            return specimen.hidden_layer
    return ""


def _predictions(specimen: Specimen) -> Iterator[Curves | Table]:
    """Calibration and the most frequent confusions."""
    if not (specimen.classes and len(specimen.held.t)):
        return
    from cutaway.learn.classification import Classification

    p = specimen.probabilities(specimen.predict(specimen.held.x)).cpu()
    t = specimen.held.t.cpu()
    evaluation = Classification(specimen.classes, torch.arange(len(t)), t, p)
    met = evaluation.calibration[evaluation.calibration[:, 2] > 0]
    yield Curves(
        "Calibration", Axis("mean confidence (%)"), Axis("accuracy (%)"),
        (
            line("predictions in bins", 100 * met[:, 0], 100 * met[:, 1], dots=True),
            line("well calibrated", (0, 100), (0, 100)),
        ),
        caption=f"Expected calibration error {100 * evaluation.calibration_error:.1f} %.",
    )  # fmt: skip
    wrong = evaluation.confusion - torch.diag(evaluation.confusion.diagonal())
    rows = []
    for flat in wrong.flatten().argsort(descending=True)[:PAIRS].tolist():
        true, predicted = divmod(flat, len(specimen.classes))
        if wrong[true, predicted]:
            count = int(wrong[true, predicted])
            rows.append((specimen.classes[true], specimen.classes[predicted], count))
    if rows:
        yield Table("Most often confused", ("is", "answered", "examples"), tuple(rows))
