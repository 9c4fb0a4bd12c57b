"""The measures of all tasks: what they are called, and how their values are written."""

from typing import Any

from cutaway.learn.history import share
from cutaway.show.words import percent

NAMES = {
    "accuracy": "accuracy",
    "top5": "top-5",
    "loss": "loss",
    "calibration_error": "calibration error",
    "iou": "mean IoU",
    "psnr": "PSNR",
    "gradient_psnr": "PSNR of the gradient",
    "laplacian_psnr": "PSNR of the Laplacian",
    "reconstruction": "reconstruction",
    "kl": "KL divergence",
    "fid": "Frechet distance",
    "sure": "clear images",
    "variety": "variety",
    "discriminator_accuracy": "discriminator's accuracy",
    "-ELBO": "\N{MINUS SIGN}ELBO",
    "lr": "learning rate",
}
UNITS = {"psnr": "dB", "-ELBO": "nats"}
"""Of other measures, by how their names end."""
PARTS = {"train": "", "val": "val"}


def name(key: str) -> str:
    """`val_loss` as `val loss`, `train_generator_loss` as `generator loss`."""
    part, _, rest = key.partition("_")
    if part in PARTS and rest:
        return f"{PARTS[part]} {name(rest)}".strip()
    return NAMES.get(key, key.replace("_", " "))


def unit(key: str) -> str:
    """What its values are written with: `%`, `dB`, `nats`, or nothing."""
    if share(key):
        return "%"
    return next((unit for name, unit in UNITS.items() if key.endswith(name)), "")


def text(key: str, value: Any, places: int = 2) -> str:
    """A value with its unit: shares in per cent, ratios in decibels, others as numbers."""
    if value is None:
        return "none"
    if share(key):
        return percent(value, places)
    if unit(key):
        return f"{value:.2f} {unit(key)}"
    return f"{value:,.2f}" if abs(value) >= 10 else f"{value:.4f}"


def interval(key: str, found: dict[str, Any]) -> str:
    """`low` to `high`, as a fleet's results have them."""
    return f"{text(key, found['low'])} to {text(key, found['high'])}"


def figures(row: dict[str, Any]) -> list[tuple[str, str]]:
    """The measures of an epoch's row, named and written."""
    return [(name(k), text(k, v)) for k, v in row.items() if k.partition("_")[0] in PARTS]
