"""A trained network with all that its export depends on."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from cutaway.errors import UsageError
from cutaway.learn.run import Run
from cutaway.randomness import generator
from cutaway.ship.about import About
from cutaway.ship.examples import Examples, random_inputs
from cutaway.ship.portable import part_of, portable
from cutaway.ship.program import trace


@dataclass(frozen=True)
class Shipment:
    """A trained network that is to be exported.

    Args:
        run: whose network it is.
        int8: how weights and activations become 8 bits: auto, static, dynamic or weights.
        runtime: a folder with onnxruntime-web's files, for a page; else they are downloaded.
    """

    run: Run
    about: About
    int8: str = "auto"
    runtime: str = ""

    @classmethod
    def of(
        cls, run: Run, part: str = "", any_size: bool = False, int8: str = "auto", runtime: str = ""
    ) -> "Shipment":
        """Prepare the export of a part of a run.

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
        return cls(run, About.of(run, part, pictures and not any_size), int8, runtime)

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
    def module(self) -> nn.Module:
        """The PyTorch module from pixels (or codes, or places) to answers."""
        return portable(self.network, self.about)

    @cached_property
    def program(self) -> ExportedProgram:
        """The module as a program of tensor operations, traced once for all formats.

        Raises:
            UsageError: it cannot be written down, or takes images of one size only.
        """
        return trace(self.module, self.example_inputs(), self.about, self.dynamic_axes)

    def example_inputs(self) -> Tensor:
        """Three random examples, of another shape than the network's where any is allowed."""
        about = self.about
        if not about.takes_examples:
            return torch.from_numpy(random_inputs(about, 3))
        grid = about.size
        if about.resizes:
            grid = (grid[0] + 13, grid[1] + 6)
        elif self.any_size:
            grid = (2 * grid[0], 3 * grid[1])
        shape = (3, *grid, about.channels)
        return torch.randint(256, shape, generator=generator(0, "specimen")).byte()

    @property
    def dynamic_axes(self) -> tuple[str, ...]:
        """Names of the first axes of the input, which may have any length."""
        return ("batch", "height", "width") if self.about.resizes or self.any_size else ("batch",)
