"""The measures of all tasks: what they are called, and how their values are written."""

from typing import Any

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
    "lr": "learning rate",
}
SHARES = ("accuracy", "top5", "error", "iou", "sure")
PARTS = {"train": "", "val": "val"}


def name(key: str) -> str:
    """`val_loss` as `val loss`, `train_generator_loss` as `generator loss`."""
    part, _, rest = key.partition("_")
    if part in PARTS and rest:
        return f"{PARTS[part]} {name(rest)}".strip()
    return NAMES.get(key, key.replace("_", " "))


def text(key: str, value: Any, places: int = 2) -> str:
    """A value with its unit: shares in per cent, ratios in decibels, others as numbers."""
    if value is None:
        return "none"
    if key.endswith("psnr"):
        return f"{value:.2f} dB"
    if key.endswith(SHARES):
        return percent(value, places)
    return f"{value:,.2f}" if abs(value) >= 10 else f"{value:.4f}"


def figures(row: dict[str, Any]) -> list[tuple[str, str]]:
    """The measures of an epoch's row, named and written."""
    return [(name(k), text(k, v)) for k, v in row.items() if k.partition("_")[0] in PARTS]
