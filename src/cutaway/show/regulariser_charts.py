"""Charts of regularisers: the gap that they are to close, and what each of them asked for."""

from collections.abc import Iterator

import torch
from torch import nn

from cutaway.learn import history
from cutaway.learn.checkpoint import load_tensors
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.show import plots
from cutaway.show.axes import quarters, short, whole
from cutaway.show.curves import Rows, last_stage
from cutaway.show.plots import Bar, Chart, Dot, Level, Point, Scale
from cutaway.show.words import listed, percent

HEIGHT, BARS = 200, 12


def gap(rows: Rows, recipe: Recipe, dropout: bool) -> Iterator[Chart]:
    """How much worse the validation loss is than the training loss, by epoch.

    Args:
        recipe: of the last stage; `dropout` tells whether units were left out in it.
    """
    own = last_stage(rows)
    data: list[Point] = [
        (row["epoch"], row["val_loss"] - row["train_loss"])
        for row in own
        if row.get("val_loss") is not None and row.get("train_loss") is not None
    ]
    if len(data) < 2:
        return
    low, high = min(0.0, *(v for _, v in data)), max(0.0, *(v for _, v in data))
    margin = 0.1 * (high - low) or 0.1
    below = 3 * margin if recipe.patience else margin  # room for the word beside the mark
    x, y = plots.across(data[0][0], data[-1][0]), plots.upright(low - below, high + margin, HEIGHT)
    kept = history.selected(own, recipe.monitor, recipe.patience)["epoch"]
    yield Chart(
        title="Gap between validation and training loss",
        summary=f"Validation loss minus training loss, from {data[0][1]:.3g} in the first epoch to "
        f"{data[-1][1]:.3g} in the last.",
        x_label="epoch",
        y_label="validation − training",
        height=HEIGHT,
        x_ticks=whole(x),
        y_ticks=plots.place(plots.round_ticks(y.low, y.high), y, short),
        lines=(plots.line("gap", "val", data, x, y, lambda p: f"epoch {p[0]:.0f}: {p[1]:.3g}"),),
        marks=(plots.mark(x(kept), f"kept: epoch {kept}"),) if recipe.patience else (),
        levels=(Level(y(0), ""),),
        caption="Validation loss minus training loss. Where it rises, the network has begun to "
        f"overfit.{_eased(recipe, dropout)}",
    )


def _eased(recipe: Recipe, dropout: bool) -> str:
    """Why the gap may be below zero."""
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


def lengths(run: Run, limit: float, network: nn.Module | None) -> Chart:
    """How long the vectors of weights into the units of each layer are at the end.

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
    top = max([limit, *(float(r.max()) for r in rows.values())]) * 1.15 or 1.0
    x, y = plots.across(0.5, len(rows) + 0.5), plots.upright(0, top, HEIGHT)
    radius = 5.0 if len(rows) <= 25 else 2.5
    dots = tuple(
        _length(i + 1, name, row, radius, x, y) for i, (name, row) in enumerate(rows.items())
    )
    return Chart(
        title="Norm of the weights",
        summary="Norm of the weights into a unit, by layer: " + "; ".join(d.label for d in dots),
        x_label="layer, first to last" if network else "layer, by name",
        y_label="L2 norm",
        height=HEIGHT,
        x_ticks=whole(x),
        y_ticks=plots.place(plots.round_ticks(0, y.high), y, short),
        dots=dots,
        levels=(Level(y(limit), f"max-norm {limit:g}"),) if limit else (),
        caption="The norm of the weights into each unit at the end: the dot is the median of a "
        "layer, the line reaches from its smallest to its largest.",
    )


def _length(at: int, name: str, norms: torch.Tensor, radius: float, x: Scale, y: Scale) -> Dot:
    low, middle, high = norms.min().item(), norms.median().item(), norms.max().item()
    label = f"{name}: {low:.2g} to {high:.2g}, median {middle:.2g}"
    return Dot(x(at), y(middle), radius, y(low), y(high), label)


def depth(keeps: list[float]) -> Chart:
    """How often each residual block is kept."""
    count = len(keeps)
    x, y = plots.across(0.5, count + 0.5), plots.upright(0, 1.05, HEIGHT)
    wide = max(1.0, x(2) - x(1) - 2)
    return Chart(
        title="How often a block is kept",
        summary=f"The first of {count} blocks is kept {percent(keeps[0])} of the time, the last "
        f"{percent(keeps[-1])}.",
        x_label="residual block, first to last",
        y_label="kept (%)",
        height=HEIGHT,
        x_ticks=whole(x),
        y_ticks=quarters(y),
        bars=tuple(
            Bar(
                x(i + 1) - wide / 2,
                y(keep),
                wide,
                y(0) - y(keep),
                f"block {i + 1}: {percent(keep)}",
            )
            for i, keep in enumerate(keeps)
        ),
        caption="Drawn for each image and step. After training every block is always used.",
    )


def targets(smoothing: float, classes: int) -> Chart:
    """The smoothed target for an image: the true class first, then others."""
    shown = min(classes, BARS)
    values = [1 - smoothing + smoothing / classes] + [smoothing / classes] * (shown - 1)
    x, y = plots.across(0, shown), plots.upright(0, 1.05, HEIGHT)
    wide, of = x(1) - x(0) - 4, f"; {shown} of {classes} classes" if shown < classes else ""
    labels = [f"{'another' if i else 'the true class'}: {percent(v)}" for i, v in enumerate(values)]
    return Chart(
        title="The smoothed target",
        summary=f"{percent(values[0])} for the true class, {percent(values[-1])} for each other.",
        x_label="class",
        y_label="target (%)",
        height=HEIGHT,
        x_ticks=((x(0.5), "true"),),
        y_ticks=quarters(y),
        bars=tuple(
            Bar(x(i) + 2, y(v), wide, y(0) - y(v), label)
            for i, (v, label) in enumerate(zip(values, labels, strict=True))
        ),
        caption=f"The smoothed target of one image{of}.",
    )
