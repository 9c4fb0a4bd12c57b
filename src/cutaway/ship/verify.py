"""Compare an export with the network in PyTorch."""

from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cutaway.errors import RunError
from cutaway.ship import measures
from cutaway.ship.exported_model import ExportedModel, Forward, of_module
from cutaway.ship.formats import Format
from cutaway.ship.shipment import Shipment

ENLARGED = 16
"""Number of examples that are tried at another size as well, where the network resizes them."""


@dataclass(frozen=True)
class Check:
    """The comparison of an export with the same network in PyTorch (float32, this processor).

    Attributes:
        bytes: of the file, or of all files of the folder.
        examples: how many held-out ones (or drawn codes) it answered.
        difference: of outputs: largest, mean, and the share of examples with the same answer.
        resized: the same of images of another size, which it brings to its own.
        files: the same of its answers to held-out files at their own sizes, beside those to the
            pixels that the run made of them; nothing where the images were in memory.
        pytorch, export: accuracy or IoU of each; nothing where there is no truth.
        latency: milliseconds of a call of each at 1 and at 64 examples.
    """

    format: str
    file: str
    bytes: int
    examples: int
    difference: dict[str, float]
    resized: dict[str, float]
    files: dict[str, float]
    pytorch: dict[str, float]
    export: dict[str, float]
    latency: dict[str, dict[int, float]]
    tolerance: dict[str, float] = field(default_factory=dict)

    @property
    def lost(self) -> float:
        """Points of accuracy or IoU that the export loses."""
        return max((100 * (v - self.export[k]) for k, v in self.pytorch.items()), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def require_agreement(self) -> None:
        """Refuse an export that differs too much from the network.

        Raises:
            RunError: it differs more than its tolerance.
        """
        largest, lost = self.difference["largest"], self.lost
        if not np.isfinite(largest) or largest > self.tolerance["difference"]:
            raise RunError(
                f"The {self.format} export differs from PyTorch by {largest:.2g} in an output "
                f"({self.tolerance['difference']:g} is allowed), so it was not kept: export "
                "another format, or allow more with --difference."
            )
        if self.files and self.files["largest"] > self.tolerance["difference"]:
            raise RunError(
                f"The {self.format} export gives other outputs than the run for "
                f"{self.files['images']:g} held-out files at their original sizes: they differ by "
                f"{self.files['largest']:.2g} ({self.tolerance['difference']:g} is allowed), so it "
                "was not kept. Allow more with --difference."
            )
        if lost > self.tolerance["lost"]:
            raise RunError(
                f"The {self.format} export loses {lost:.2f} points ({self.tolerance['lost']:g} "
                "are allowed), so it was not kept: export another format, or allow more with "
                "--lost."
            )


class Reference:
    """The network in PyTorch on the examples, computed once for all formats.

    Args:
        shipment: what is exported.
    """

    def __init__(self, shipment: Shipment):
        self.shipment = shipment
        self.opened: ExportedModel = of_module(shipment.run.path, shipment.about, shipment.module)

    @cached_property
    def examples(self) -> np.ndarray:
        return self.shipment.examples.all()

    @cached_property
    def files(self) -> list[tuple[int, np.ndarray]]:
        return self.shipment.examples.files()

    @cached_property
    def outputs(self) -> np.ndarray:
        return self.opened.in_batches(self.examples)

    @cached_property
    def pytorch_quality(self) -> dict[str, float]:
        return self.quality(self.outputs)

    def quality(self, outputs: np.ndarray) -> dict[str, float]:
        about = self.shipment.about
        if about.part != "answer":
            return {}
        truth = self.shipment.examples.targets()
        return about.task_kind().quality(torch.from_numpy(outputs), truth, about.target)

    def check(self, kind: Format, opened: ExportedModel, tolerance: dict[str, float]) -> Check:
        """Compare an opened export with PyTorch on all examples."""
        outputs = opened.in_batches(self.examples)
        calls = {"pytorch": self.opened.answer, "export": opened.answer}
        return Check(
            kind.name, opened.path.name, total_bytes(opened.path), len(outputs),
            self._difference(self.outputs, outputs), self._resized_difference(opened.answer),
            self._file_differences(opened.answer, outputs),
            self.pytorch_quality, self.quality(outputs),
            measures.latencies(calls, self.examples), tolerance,
        )  # fmt: skip

    def _difference(self, one: np.ndarray, other: np.ndarray) -> dict[str, float]:
        """The difference of two sets of outputs; values are divided by their spread in the training
        examples."""
        if self.shipment.about.part == "answer":
            scale = self.shipment.about.target.scale().numpy()
            scale = scale.reshape(1, -1, *[1] * (one.ndim - 2))
            one, other = one / scale, other / scale
        return measures.compare_outputs(one, other)

    def _resized_difference(self, answer: Forward) -> dict[str, float]:
        if not self.shipment.about.resizes:
            return {}
        larger = enlarged(self.examples[:ENLARGED])
        return self._difference(self.opened.answer(larger), answer(larger))

    def _file_differences(self, answer: Forward, outputs: np.ndarray) -> dict[str, float]:
        """Compare each file alone with the outputs for its pixels as the run has them."""
        if not self.files:
            return {}
        rows, pictures = zip(*self.files, strict=True)
        file_outputs = np.concatenate([answer(picture[None]) for picture in pictures])
        return {"images": len(rows), **self._difference(outputs[list(rows)], file_outputs)}


def enlarged(pixels: np.ndarray) -> np.ndarray:
    """Pictures twice as high and three times as wide, so that they have to be cropped and
    resized."""
    return pixels.repeat(2, axis=1).repeat(3, axis=2)


def total_bytes(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return sum(one.stat().st_size for one in files)
