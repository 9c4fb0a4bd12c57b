"""Small real runs of every task, each made once, when a test first asks for it."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import torch

from cutaway import recipes
from cutaway.data.imageset import ImageSet, Numbered
from cutaway.data.sources import load
from cutaway.learn.fit import fit
from cutaway.show.report import report
from helpers.report_page import Page, read
from helpers.report_runs import HOSTILE, Made, digits

QUICK = {"device": "cpu", "compile": "no", "precision": "float32"}


def few(count: int = 400) -> ImageSet:
    return digits().subset(torch.arange(count))


def masked() -> ImageSet:
    """Digits whose strokes are to be found: even ones apart from odd ones."""
    images = few(60)
    kinds = 1 + images.targets % 2
    masks = (images.images[..., 0] > 100) * kinds[:, None, None].byte()
    classes = ("ground", HOSTILE, "odd")
    return replace(images, masks=masks, targets=kinds, classes=classes)


def slope() -> ImageSet:
    """One picture, as all there is."""
    rows, columns = torch.meshgrid(torch.arange(12), torch.arange(10), indexing="ij")
    pixels = (rows * 15 + columns * 8).byte()[None, ..., None]
    return ImageSet(pixels, torch.zeros(1).long(), ("it",), ["it"], name="slope", whole=True)


def waves(rank: int = 1) -> ImageSet:
    """Signals that rise or fall, or videos of them."""
    targets = torch.arange(60) % 2
    ramp = torch.linspace(0, 255, 16)
    noise = 60 * torch.rand(60, 16, generator=torch.Generator().manual_seed(0))
    values = torch.where(targets[:, None] == 1, ramp, ramp.flip(0)) + noise
    values = values.clamp(0, 255).byte()[..., None]
    values = values if rank == 1 else values.view(60, 4, 2, 2, 1).repeat(1, 1, 4, 4, 1)
    names = Numbered("waves", len(values))
    return ImageSet(values, targets, ("falls", "rises"), names, name="waves")


STAGES = [{"task": "reconstruct", "epochs": 2}, {"task": "classify", "epochs": 2, "labels": 50}]
KINDS = {
    "segment": ("unet", masked, {"epochs": 2, "widths": "4-8"}),
    "reconstruct": ("autoencoder", few, {"epochs": 2, "widths": "16", "bottleneck": 4}),
    "signals": ("shadow_autoencoder", lambda: load("shadows"), {"epochs": 2}),
    "variational": ("vae", few, {"epochs": 3, "hidden": 16}),
    "adversarial": ("gan", few, {"epochs": 2, "latent": 4, "width": 8}),
    "semi-supervised": (
        "improved_gan", few,
        {"epochs": 2, "latent": 4, "width": 4, "kernels": 4, "reference": 8, "labels": 40},
    ),
    "implicit": ("siren", slope, {"epochs": 2, "repeat": 5, "width": 8, "depth": 1}),
    "and": ("perceptron", lambda: load("and"), {"epochs": 4, "batch_size": 1}),
    "xor": ("perceptron", lambda: load("xor"), {"epochs": 2, "batch_size": 1}),
    "gates": ("gates", lambda: load("xor"), {"epochs": 5, "batch_size": 1}),
    "stages": ("autoencoder_softmax", few, {"widths": "16", "bottleneck": 4, "stages": STAGES}),
    "waves": ("signal_net", waves, {"epochs": 1, "width": 4}),
    "videos": ("video_net", lambda: waves(3), {"epochs": 1, "width": 4}),
}  # fmt: skip


class Runs:
    """`runs("segment")` is the run of that kind with its images, `runs.page` its report."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.make, self.page = cache(self._make), cache(self._page)

    def __call__(self, kind: str) -> Made:
        return self.make(kind)

    def _page(self, kind: str) -> Page:
        return read(report(*self.make(kind)))

    def _make(self, kind: str) -> Made:
        model, source, changes = KINDS[kind]
        images = source()
        settings = {"augment": "none", "label_smoothing": 0.0, "image_size": 0, "batch_size": 16}
        recipe = recipes.pair(model, f"own:{kind}").with_options(**settings | changes | QUICK)
        return fit(recipe, images, out=self.folder / kind), images
