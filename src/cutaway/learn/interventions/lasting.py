"""What changes mean for all steps that follow."""

from dataclasses import dataclass, field


@dataclass
class Lasting:
    """What changes so far mean for all steps that follow.

    Attributes:
        factor: of the learning rate.
        dropout: its probability; None: that of the recipe.
        images: of a batch that are learned from; None: all.
        held: what a unit of a layer is held at.
    """

    factor: float = 1.0
    dropout: float | None = None
    images: int | None = None
    held: dict[tuple[str, int], float] = field(default_factory=dict)
