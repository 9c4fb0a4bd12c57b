"""Compare drawn images with real ones by the features of a fixed network.

The Frechet distance compares two normal distributions of the network's features, one fitted to
real images and one to drawn ones (Heusel et al. 2017, equation 6). The network that sees is kept
with the package, so that distances can be compared between runs and machines; the usual one, which
learned from ImageNet, knows nothing of digits.
"""

from functools import cache
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from cutaway import models
from cutaway.data.feed import Normalise
from cutaway.learn.checkpoint import load_tensors
from cutaway.learn.runtime import Runtime

DIGITS = Path(__file__).with_name("feature_networks") / "digits.safetensors"
SURE = 0.9


class FeatureNetwork:
    """A fixed classifier whose features and answers judge drawn images.

    Args:
        network: its last linear layer gives the classes; what enters that layer are the features.
        normalise: what it wants done to pixels in 0..1.
    """

    def __init__(self, network: nn.Module, normalise: Normalise):
        self.network, self.normalise = network.eval(), normalise
        self.features: list[Tensor] = []
        last = [m for m in network.modules() if isinstance(m, nn.Linear)][-1]
        last.register_forward_pre_hook(lambda _, inputs: self.features.append(inputs[0]))

    @classmethod
    def for_images(
        cls, images: UInt8[Tensor, "n *grid c"], runtime: Runtime
    ) -> "FeatureNetwork | None":
        """Load that for grey images of 28 x 28 or 32 x 32 pixels; None for others."""
        if tuple(images.shape[1:]) not in ((28, 28, 1), (32, 32, 1)):
            return None
        network, normalise = _digits()
        return cls(runtime.place(network), normalise)

    @torch.no_grad()
    def features_and_answers(
        self, x: Float[Tensor, "n c h w"]
    ) -> tuple[Float[Tensor, "n f"], Float[Tensor, "n k"]]:
        """Features and class probabilities of images in -1..1."""
        answers = []
        self.features.clear()
        for part in x.float().split(512):
            pixels = _resized((part + 1) / 2)
            answers.append(self.network(self.normalise(pixels.clone())).softmax(1))
        features = torch.cat(self.features)
        self.features.clear()
        return features.double().cpu(), torch.cat(answers).double().cpu()

    def seen(
        self, real: Float[Tensor, "n c h w"], fake: Float[Tensor, "m c h w"]
    ) -> tuple[Float[Tensor, "n f"], Float[Tensor, "m f"], Float[Tensor, "m k"]]:
        """What `image_quality` takes of real and drawn images, both in -1..1."""
        features, _ = self.features_and_answers(real)
        return features, *self.features_and_answers(fake)


def image_quality(
    features: Float[Tensor, "n f"], drawn: Float[Tensor, "m f"], answers: Float[Tensor, "m k"]
) -> dict[str, float]:
    """Measures of drawn images beside real ones, from what a network makes of them.

    fid: the Frechet distance; 0 for equal distributions. It depends on how many images are drawn.
    sure: share of drawn images whose class the network is more than 90 % sure of.
    variety: exp of the entropy of the classes drawn; as many as there are classes at best.

    Args:
        features, drawn: features of real and of drawn images.
        answers: class probabilities of the drawn ones.
    """
    share = answers.mean(0)
    return {
        "fid": frechet(features, drawn),
        "sure": (answers.max(1).values > SURE).double().mean().item(),
        "variety": torch.special.entr(share).sum().exp().item(),
    }


def frechet(a: Float[Tensor, "n f"], b: Float[Tensor, "m f"]) -> float:
    """|mu_a - mu_b|^2 + tr(A + B - 2 (A B)^(1/2)), with A and B the covariances."""
    A, B = torch.cov(a.T), torch.cov(b.T)
    values, vectors = torch.linalg.eigh(A)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    both: Tensor = torch.linalg.eigvalsh(root @ B @ root).clamp(min=0).sqrt().sum()
    shift = (a.mean(0) - b.mean(0)).square().sum()
    return (shift + A.trace() + B.trace() - 2 * both).clamp(min=0).item()


def _resized(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c 28 28"]:
    """28 x 28 pixels: what is larger is scaled."""
    if x.shape[2:] == (28, 28):
        return x
    return nn.functional.interpolate(x, (28, 28), mode="bilinear", antialias=True)


@cache
def _digits() -> tuple[nn.Module, Normalise]:
    tensors, facts = load_tensors(DIGITS)
    network = models.build(facts["model"], 1, 10, 28, facts["options"])
    network.load_state_dict({name: value.float() for name, value in tensors.items()})
    return network, Normalise(tuple(facts["data"]["mean"]), tuple(facts["data"]["std"]))
