"""A planted world for numbers: discs whose radius and place are to be told."""

import csv
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

SIDE = 16


def discs(count: int, seed: int = 0) -> tuple[UInt8[np.ndarray, "n h w"], Float[np.ndarray, "n 2"]]:
    """Pictures of a disc, and its radius and how far across it lies, in pixels."""
    draw = np.random.default_rng(seed)
    radius, across, down = draw.uniform(1.5, 5, count), *draw.uniform(5, 11, (2, count))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    away = np.hypot(columns - across[:, None, None], rows - down[:, None, None])
    pixels = 255 / (1 + np.exp(2 * (away - radius[:, None, None])))
    return pixels.round().astype(np.uint8), np.stack([radius, across], 1)


def discs_table(folder: Path, count: int) -> Path:
    """The same as files with a table; the last row lacks its radius."""
    folder.mkdir(parents=True, exist_ok=True)
    images, values = discs(count)
    with open(folder / "discs.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "radius", "across", "colour"])
        for i, (image, (radius, across)) in enumerate(zip(images, values, strict=True)):
            Image.fromarray(image).save(folder / f"{i:03}.png")
            cell = "" if i == count - 1 else f"{radius:.4f}"
            table.writerow([f"{i:03}.png", cell, f"{across:.4f}", "white"])
    return folder / "discs.csv"
