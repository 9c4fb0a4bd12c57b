"""Figures of regularisers: the gap that they are to close, and the settings of each."""

from collections.abc import Iterator

from torch import nn

from cutaway.figures import Axis, Curves, Series
from cutaway.learn import history
from cutaway.learn.checkpoint import load_tensors
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.show.curves import Rows, last_stage
from cutaway.show.timeline import EPOCH
from cutaway.show.words import listed, percent

COLUMNS = 12
"""Classes that a smoothed target is drawn for."""


def gap(rows: Rows, recipe: Recipe, dropout: bool) -> Iterator[Curves]:
    """The validation loss minus the training loss, by epoch.

    Args:
        recipe: of the last stage; `dropout` tells whether units were left out in it.
    """
    own = last_stage(rows)
    data = [
        (row["epoch"], row["val_loss"] - row["train_loss"])
        for row in own
        if row.get("val_loss") is not None and row.get("train_loss") is not None
    ]
    if len(data) < 2:
        return
    epochs, gaps = zip(*data, strict=True)
    epoch = history.selected(own, recipe.monitor, recipe.patience)["epoch"]
    yield Curves(
        title="Gap between validation and training loss",
        x=EPOCH,
        y=Axis("validation − training"),
        series=(Series("", epochs, gaps, role="val"),),
        levels=((0.0, ""),),
        marks=((epoch, f"kept: epoch {epoch}"),) if recipe.patience else (),
        caption="Validation loss minus training loss. Where it rises, the network has begun to "
        f"overfit.{_why_negative(recipe, dropout)}",
        summary=f"Validation loss minus training loss, from {gaps[0]:.3g} in the first epoch to "
        f"{gaps[-1]:.3g} in the last.",
    )


def _why_negative(recipe: Recipe, dropout: bool) -> str:
    """The reason why the gap may be below zero, as a sentence."""
    hard = {
        "dropout": dropout,
        "stochastic depth": bool(recipe.stochastic_depth),
        "smoothed targets": bool(recipe.label_smoothing),
        "mixed images": bool(recipe.mixup or recipe.cutmix),
        "augmented images": recipe.augment != "none",
    }
    names = [name for name, on in hard.items() if on]
    if not names:
        return ""
    return f" Only training has {listed(names)}, so the gap can lie below zero."


def lengths(run: Run, limit: float, network: nn.Module | None) -> Curves:
    """The norms of the weights into the units of each layer at the end.

    Args:
        network: gives the order of the layers; without it they are sorted by name.
    """
    tensors, _ = load_tensors(run.path / "weights.safetensors")
    order = list(network.state_dict()) if network else sorted(tensors)
    rows = {
        name.removesuffix(".weight"): tensors[name].flatten(1).float().norm(dim=1)
        for name in order
        if tensors[name].ndim > 1 and tensors[name].is_floating_point()
    }
    ends = [(r.min().item(), r.median().item(), r.max().item()) for r in rows.values()]
    low, middle, high = (tuple(column) for column in zip(*ends, strict=True))
    labels = tuple(
        f"{name}: {a:.2g} to {c:.2g}, median {b:.2g}"
        for name, (a, b, c) in zip(rows, ends, strict=True)
    )
    layers = tuple(range(1, len(rows) + 1))
    return Curves(
        title="Norm of the weights",
        x=Axis("layer, first to last" if network else "layer, by name", whole=True),
        y=Axis("L2 norm", zero=True),
        series=(Series("", layers, middle, low, high, style="dots", labels=labels),),
        levels=((limit, f"max-norm {limit:g}"),) if limit else (),
        caption="The norm of the weights into each unit at the end: the dot is the median of a "
        "layer, the line reaches from its smallest to its largest.",
        summary=f"Norm of the weights into a unit, by layer: {'; '.join(labels)}",
    )


def depth(keeps: list[float]) -> Curves:
    """The chance of each residual block to be kept."""
    blocks = tuple(range(1, len(keeps) + 1))
    labels = tuple(f"block {i}: {percent(keep)}" for i, keep in zip(blocks, keeps, strict=True))
    return Curves(
        title="How often a block is kept",
        x=Axis("residual block, first to last", whole=True),
        y=Axis("kept (%)", share=True, low=0.0, high=1.0),
        series=(Series("", blocks, tuple(keeps), style="columns", labels=labels),),
        caption="Drawn for each image and step. After training every block is always used.",
        summary=f"The first of {len(keeps)} blocks is kept {percent(keeps[0])} of the time, the "
        f"last {percent(keeps[-1])}.",
    )


def targets(smoothing: float, classes: int) -> Curves:
    """The smoothed target for an image: the true class first, then others."""
    shown = min(classes, COLUMNS)
    values = (1 - smoothing + smoothing / classes, *[smoothing / classes] * (shown - 1))
    names = ("true", "other") if shown == 2 else ("true", *[""] * (shown - 1))
    labels = tuple(
        f"{'another' if i else 'the true class'}: {percent(v)}" for i, v in enumerate(values)
    )
    of = f"; {shown} of {classes} classes" if shown < classes else ""
    return Curves(
        title="The smoothed target",
        x=Axis("class", names=names),
        y=Axis("target (%)", share=True, low=0.0, high=1.0),
        series=(Series("", tuple(range(1, shown + 1)), values, style="columns", labels=labels),),
        caption=f"The smoothed target of one image{of}.",
        summary=f"{percent(values[0])} for the true class, {percent(values[-1])} for each other.",
    )
