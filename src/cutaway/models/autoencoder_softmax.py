"""Autoencoder and softmax in two stages: pre-training without labels, then classes from few."""

from jaxtyping import Float
from torch import Tensor, nn

from cutaway.models.autoencoder import Autoencoder, Images, Widths, dense_pair
from cutaway.models.parts.activations import activation as tau
from cutaway.models.registry import Size, register


class Pretrained(Autoencoder):
    """s = U f(x): classes from the code, whose softmax is P(class | x).

    Learned in two stages: f and g by reconstruction, without labels; then, f frozen, U from the
    few labels that there are.

    Source: lecture M, 'Pre-training + fine-tuning'.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, code: int, classes: int):
        super().__init__(encoder, decoder)
        self.output = nn.Linear(code, classes)

    def reconstruct(self, x: Images) -> Images:
        """x^ = g(f(x))."""
        return super().forward(x)

    def forward(self, x: Images) -> Float[Tensor, "b classes"]:
        return self.output(self.encoder(x))


@register(
    "autoencoder_softmax",
    title="autoencoder without labels, then softmax on its code",
    source="lecture M, 'Pre-training + fine-tuning'",
    data="mnist",
    example=(1, 10, 28),
    rank=0,
)
def autoencoder_softmax(
    channels: int,
    classes: int,
    size: Size,
    widths: Widths = "none",
    bottleneck: int = 128,
    activation: str = "relu",
) -> Pretrained:
    """As `autoencoder`, with tau on the code too, and an output layer on it."""
    encoder, decoder = dense_pair((channels, *size), widths, bottleneck, activation)
    return Pretrained(nn.Sequential(encoder, tau(activation)), decoder, bottleneck, classes)
