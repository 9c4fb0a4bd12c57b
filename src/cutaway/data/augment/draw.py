"""Where the random numbers of a step's augmentation come from."""

from collections import Counter
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from cutaway.randomness import derive, generator


@dataclass(frozen=True)
class Draw:
    """The draws of one batch: what they are named by decides them, and nothing else.

    Attributes:
        seed: of the training.
        number: of the batch.
        index: positions in the set of the batch's images.
        device: where images are augmented as a batch.
        rows: which images of the batch are augmented, where other processes augment the rest.
    """

    seed: int
    number: int
    index: Int[Tensor, " b"]
    device: str = "cpu"
    rows: Int[Tensor, " m"] | None = None

    @property
    def batch(self) -> int:
        """A seed for the whole batch."""
        return derive(self.seed, "augment", self.number)

    @property
    def generator(self) -> torch.Generator:
        """The batch's own generator, on its device, at its start."""
        return generator(self.seed, "augment", self.number, device=self.device)

    @property
    def images(self) -> list[int]:
        """A seed for each image, the same wherever in the batch it stands.

        One that is shown several times in a batch has another each time.
        """
        seen = Counter[int]()
        seeds = []
        for image in self.index.tolist():
            seeds.append(derive(self.seed, "augment", self.number, image, seen[image]))
            seen[image] += 1
        return seeds if self.rows is None else [seeds[row] for row in self.rows.tolist()]
