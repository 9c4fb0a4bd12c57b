"""The regularisers of a run: those that were on, in words and drawn."""

from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature

from torch import nn

from cutaway.data.imageset import ImageSet
from cutaway.errors import CutawayError
from cutaway.figures import Curves
from cutaway.learn.optim import optimizer_class
from cutaway.learn.recipe import OWN, Recipe
from cutaway.learn.regularise import dropouts, residuals, survival
from cutaway.learn.run import Run
from cutaway.learn.stage import with_own_streams
from cutaway.show import regulariser_figures as figures
from cutaway.show import regulariser_pictures as pictures
from cutaway.show.regulariser_pictures import Altered, Mixture, Units
from cutaway.show.words import listed, percent, plural

PULLS = {
    "own": "as {optimizer} does it",
    "l2": "as part of the gradient (L2)",
    "decoupled": "beside the gradient (decoupled)",
}


@dataclass(frozen=True)
class Regulariser:
    """A regulariser in words: its name, its setting, and what it does."""

    name: str
    value: str
    what: str


@dataclass(frozen=True)
class Regularisers:
    """The section of the report; a drawing is missing where its regulariser was off."""

    entries: tuple[Regulariser, ...]
    figures: tuple[Curves, ...]
    units: Units | None
    altered: Altered | None
    mixtures: tuple[Mixture, ...]


def regularisers(
    run: Run, images: ImageSet | None, network: nn.Module | None
) -> Regularisers | None:
    """Those that were on in any stage of a run; None where none was.

    Args:
        images: what the run learned from; without them no images are drawn.
        network: as before training; without it what depends on its layers is said more roughly.
    """
    stages = run.recipe.in_stages()
    entries = _of_stages(run, stages, network)
    if not entries:
        return None
    drawn = [with_own_streams(recipe, number) for number, recipe in enumerate(stages)]
    return Regularisers(
        entries,
        tuple(_figures(run, stages, network)),
        pictures.units(drawn, network),
        pictures.altered(run, drawn, images) if images else None,
        pictures.mixtures(run, drawn, images) if images else (),
    )


def _figures(run: Run, stages: tuple[Recipe, ...], network: nn.Module | None) -> Iterator[Curves]:
    final = stages[-1]
    yield from figures.gap(run.metrics, final, any(pictures.left_out(final, network)))
    if _decays(final) or final.max_norm:
        yield figures.lengths(run, final.max_norm, network)
    if final.stochastic_depth and network:
        yield figures.depth(survival(len(residuals(network)), final.stochastic_depth))
    if final.label_smoothing:
        yield figures.targets(final.label_smoothing, len(run.data.classes))


def _of_stages(
    run: Run, stages: tuple[Recipe, ...], network: nn.Module | None
) -> tuple[Regulariser, ...]:
    """The regularisers that were on, each with its stages where it was not on in all of them."""
    stages_of: dict[Regulariser, list[str]] = {}
    for number, recipe in enumerate(stages):
        for one in _of_one_stage(run, recipe, network):
            stages_of.setdefault(one, []).append(str(number + 1))
    return tuple(
        one
        if len(numbers) == len(stages)
        else Regulariser(one.name, f"{one.value}, in stage {listed(numbers)}", one.what)
        for one, numbers in stages_of.items()
    )


def _of_one_stage(run: Run, recipe: Recipe, network: nn.Module | None) -> Iterator[Regulariser]:
    """Those of one stage."""
    if _decays(recipe):
        how = PULLS[recipe.decay].format(optimizer=recipe.optimizer)
        yield Regulariser(
            "Weight decay",
            f"{recipe.weight_decay:g}",
            f"Each step pulls matrices and kernels towards zero, {how}; biases and normalisation "
            "are left alone.",
        )
    if recipe.max_norm:
        yield Regulariser(
            "Max-norm",
            f"{recipe.max_norm:g}",
            "After each step the weights into a unit are scaled back, where they are longer.",
        )
    yield from _left_out(recipe, network)
    yield from _images(recipe, len(run.data.classes))
    if recipe.patience:
        yield Regulariser(
            "Early stopping",
            plural(recipe.patience, "epoch"),
            f"It stops after so many without a better {recipe.monitor.replace('val-', '')} on the "
            "validation data, and the best weights are kept.",
        )


def _decays(recipe: Recipe) -> bool:
    """Whether weight decay does anything: not every optimizer has one of its own."""
    if recipe.decay != "own" or not recipe.weight_decay:
        return bool(recipe.weight_decay)
    try:
        return "weight_decay" in signature(optimizer_class(recipe.optimizer)).parameters
    except CutawayError:  # an optimizer of one's own that is not here now
        return True


def _left_out(recipe: Recipe, network: nn.Module | None) -> Iterator[Regulariser]:
    layers = dropouts(network) if network else {}
    shares = sorted(set(pictures.left_out(recipe, network)))
    if any(shares):
        where = plural(len(layers), "layer") + " of dropout" if layers else "the head"
        yield Regulariser(
            "Dropout",
            " and ".join(percent(share, 0) for share in shares),
            f"At each step other units are left out before {where}, so that none can rely on "
            "another.",
        )
    if recipe.stochastic_depth:
        count = plural(len(residuals(network)), "residual block") if network else "residual blocks"
        yield Regulariser(
            "Stochastic depth",
            percent(recipe.stochastic_depth, 0),
            f"Each image skips some of the {count} at each step, the last one with this chance "
            "and earlier ones less often.",
        )


def _images(recipe: Recipe, classes: int) -> Iterator[Regulariser]:
    if recipe.augment != "none":
        yield Regulariser(
            "Augmentation",
            recipe.augment.removeprefix(OWN),
            "Each epoch shows every image in another form.",
        )
    if recipe.mixup:
        yield Regulariser(
            "Mixup",
            f"Beta({recipe.mixup:g}, {recipe.mixup:g})",
            "Two images are blended into one, and so are their targets.",
        )
    if recipe.cutmix:
        yield Regulariser(
            "CutMix",
            f"Beta({recipe.cutmix:g}, {recipe.cutmix:g})",
            "A box of another image is pasted in, and its class counts in the target by its area.",
        )
    if recipe.label_smoothing:
        spread = recipe.label_smoothing
        yield Regulariser(
            "Label smoothing",
            f"{spread:g}",
            f"The target is {percent(1 - spread + spread / classes)} the true class, and "
            f"{percent(spread / classes)} {'the other' if classes == 2 else 'each of the others'}.",
        )
