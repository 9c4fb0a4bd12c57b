"""What is exported: a network, what it is, and how it is to be written."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from cutaway.errors import UsageError
from cutaway.learn.run import Run
from cutaway.randomness import generator
from cutaway.ship.about import About
from cutaway.ship.examples import Examples, drawn
from cutaway.ship.portable import part_of, portable
from cutaway.ship.program import trace


@dataclass(frozen=True)
class Shipment:
    """A trained network on its way out.

    Args:
        run: whose network it is.
        how: how weights and activations become 8 bits: auto, static, dynamic or weights.
        runtime: a folder with onnxruntime-web's files, for a page; else they are downloaded.
    """

    run: Run
    about: About
    how: str = "auto"
    runtime: str = ""

    @classmethod
    def of(
        cls, run: Run, part: str = "", any_size: bool = False, how: str = "auto", runtime: str = ""
    ) -> "Shipment":
        """The part of a run that is asked for.

        Raises:
            UsageError: it has no such part, or takes no pictures of any size.
            RunError: the run has not ended.
        """
        part = part_of(run.recipe.in_stages()[-1].task, part)
        pictures = part in ("answer", "reconstruct") and len(run.data.size) == 2
        if any_size and not pictures:
            raise UsageError(
                f"'{part}' of {run.path} takes no pictures: export it without --any-size."
            )
        return cls(run, About.of(run, part, pictures and not any_size), how, runtime)

    @property
    def any_size(self) -> bool:
        """Whether images stay at the size that they have, instead of the network's."""
        about = self.about
        return about.takes_examples and len(about.size) == 2 and not about.resizes

    @property
    def network(self) -> nn.Module:
        return self.run.model

    @cached_property
    def examples(self) -> Examples:
        return Examples(self.run, self.about)

    @cached_property
    def whole(self) -> nn.Module:
        """Pixels (or codes, or places) to answers, in PyTorch."""
        return portable(self.network, self.about)

    @cached_property
    def program(self) -> ExportedProgram:
        """The whole as a program of tensor operations, traced once for all formats.

        Raises:
            UsageError: it cannot be written down, or takes images of one size only.
        """
        return trace(self.whole, self.specimen(), self.about, self.free)

    def specimen(self) -> Tensor:
        """Three made-up examples, of another shape than the network's where it may be any."""
        about = self.about
        if not about.takes_examples:
            return torch.from_numpy(drawn(about, 3))
        grid = about.size
        if about.resizes:
            grid = (grid[0] + 13, grid[1] + 6)
        elif self.any_size:
            grid = (2 * grid[0], 3 * grid[1])
        shape = (3, *grid, about.channels)
        return torch.randint(256, shape, generator=generator(0, "specimen")).byte()

    @property
    def free(self) -> tuple[str, ...]:
        """The axes of the input, from the first, that may have any length."""
        return ("batch", "height", "width") if self.about.resizes or self.any_size else ("batch",)
