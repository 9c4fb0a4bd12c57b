"""Prepare a `Specimen` from a run, the name of a network or any module."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from cutaway import models
from cutaway.data.feed import Normalise, to_float
from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError
from cutaway.learn.network import initial_network
from cutaway.learn.recipe import OWN, Recipe
from cutaway.learn.run import Run
from cutaway.learn.tasks import TASKS
from cutaway.randomness import generator
from cutaway.see.batch import Batch
from cutaway.show.look.specimen import Examples, Specimen, known
from cutaway.show.look.validate import as_inputs, class_names, class_targets, first_output

BYTES = 1 << 28
"""Memory that examples may take as floats."""
HELD, LEARNED, SHOWN = 1024, 4096, 8
UNLEARNED = "This one is untrained, and its examples are random."
SIDE = 224
"""The largest side of examples that are made up."""


def of_run(run: Run, image: Path | None = None, layer: str = "", on: str = "") -> Specimen:
    """A trained network with its own images.

    Args:
        image: a picture that is shown first.
        layer: the one to look at; those that suit each view where none is named.
        on: the part that is measured on: test, val or train; by default the validation images, or
            the test set where there are none. A look at the test set is logged.

    Raises:
        UsageError: no such layer or part, or an image of another kind.
        DataError: a file that is not an image.
        RunError: no weights yet, or images that have changed.
    """
    model = run.model
    layer = known(model, layer) if layer else ""
    images = run.images()
    on = on or ("val" if len(run.split.val) else "test")
    if on == "test":
        run.evaluate(on="test", why="look")
    part = _part(run, on)
    held = _examples(run, images, _evenly_spaced(part, _affordable(images, HELD)))
    learned = _examples(run, images, _evenly_spaced(run.split.train, _affordable(images, LEARNED)))
    shown = _of_many_classes(held)
    return Specimen(
        name=str(run.path),
        model=model,
        shown=_with_image(run, image, shown) if image else shown,
        held=held,
        learned=learned if on != "train" else None,
        classes=run.data.classes if run.task.classifies and run.task.takes == "images" else (),
        layer=layer,
        fresh=None if run.recipe.model.startswith(OWN) else run.new_model,
        source={"val": "validation images", "test": "test images"}.get(on, "training images"),
        probabilities=partial(run.task.answer, target=run.data.target),
    )


def _part(run: Run, on: str) -> Tensor:
    if on not in ("train", "val", "test"):
        raise UsageError(f"A run has the parts train, val and test, not '{on}'.")
    index: Tensor = getattr(run.split, on)
    if not len(index):
        raise UsageError(f"{run.path} has no data held out for '{on}'.")
    return index


def _affordable(images: ImageSet, wanted: int) -> int:
    return max(1, min(wanted, BYTES // (4 * images.images[0].numel())))


def _evenly_spaced(index: Int[Tensor, " n"], most: int) -> Int[Tensor, " m"]:
    """At most so many indices, evenly spaced."""
    return index[torch.linspace(0, len(index) - 1, min(most, len(index))).long()]


def _examples(run: Run, images: ImageSet, index: Int[Tensor, " m"]) -> Examples:
    x = to_float(images.images[index].to(run.runtime.device))
    t = images.targets[index].to(run.runtime.device)
    names = tuple(images.names[i] for i in index.tolist())
    return Examples(run.data.normalise(x), t, names, run.data.normalise)


def _of_many_classes(held: Examples) -> Examples:
    """A few examples, of as many classes as there are."""
    firsts = [int((held.t == k).nonzero()[0]) for k in held.t.unique()[:SHOWN]]
    rest = [i for i in range(len(held)) if i not in firsts][: SHOWN - len(firsts)]
    chosen = torch.tensor([*firsts, *rest], device=held.x.device)
    names = tuple(held.names[i] for i in chosen.tolist())
    return Examples(held.x[chosen], held.t[chosen], names, held.normalise)


def _with_image(run: Run, image: Path, shown: Examples) -> Examples:
    """One's own picture before the others; its class is not known."""
    pixels = run.data.pixels(image)[None].to(run.runtime.device)
    x = torch.cat([run.data.normalise(to_float(pixels)), shown.x])[:SHOWN]
    t = torch.cat([shown.t.new_tensor([-1]), shown.t])[:SHOWN]
    return Examples(x, t, (image.name, *shown.names)[:SHOWN], shown.normalise)


def of_model(name: str, layer: str = "") -> Specimen:
    """A registered network as it is before it learns, with made-up images of the size it takes.

    Raises:
        UsageError: no such model or layer.
    """
    model = models.find(name)
    channels, classes, size = model.example
    sides = (min(size, max(SIDE, model.min_size)),) * 2 if isinstance(size, int) else size
    network = initial_network(Recipe(model=name), channels, classes, sides).eval()
    draw = generator(0, "images")
    x = torch.rand(SHOWN, channels, *sides, generator=draw)
    takes = TASKS[model.task].takes
    if takes == "codes":
        x = torch.randn(SHOWN, int(network.latent), generator=draw)  # type: ignore[arg-type]
    if takes == "places":
        x = torch.rand(SHOWN, len(sides), generator=draw)
    specimen = of_module(network, x, name=name, layer=layer, source="random examples")
    return replace(specimen, unclassed=UNLEARNED)


def of_module(
    model: nn.Module,
    x: Any,
    t: Any = None,
    *,
    classes: Sequence[str] = (),
    name: str = "",
    layer: str = "",
    source: str = "examples",
) -> Specimen:
    """Any network and examples as it takes them; values are shown from their least to their most.

    Args:
        x: a tensor or array, a tuple of them for several inputs, a mapping for inputs by name.
        t: classes of the examples, where the network tells classes apart.

    Raises:
        UsageError: no such layer, a model that fails on these examples, or labels that do not fit.
    """
    layer = known(model, layer) if layer else ""
    x = as_inputs(x)
    output = first_output(model, x)
    t, unclassed = class_targets(output, t, len(x))
    names = tuple(map(str, range(len(x))))
    examples = Examples(x, t.to(x.device), names, _from_least_to_most(x))
    return Specimen(
        name=name or type(getattr(model, "_orig_mod", model)).__name__,
        model=model,
        shown=_of_many_classes(examples) if len(t) else examples.some(SHOWN),
        held=examples,
        classes=class_names(classes, output) if len(t) or len(classes) else (),
        layer=layer,
        unclassed=unclassed,
        source=source,
    )


def _from_least_to_most(x: Tensor | Batch) -> Normalise:
    """The normalisation by which the least value is shown black and the most white."""
    values = x[x.isfinite()] if isinstance(x, Tensor) and x.is_floating_point() else torch.empty(0)
    low, high = (values.min().item(), values.max().item()) if len(values) else (0.0, 1.0)
    wide, channels = max(high - low, 1e-12), x.shape[1] if x.ndim > 1 else 1
    return Normalise((-low / wide,) * channels, (1 / wide,) * channels)
