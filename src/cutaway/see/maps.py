"""Embeddings of examples by a layer's features, and nearest neighbours in them."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.see.probe import Last, call_on_copy, last_answer

Images = Float[Tensor, "b c *side"]
Batches = Iterable[Float[Tensor, "_ c *side"]]
Features = Float[Tensor, "n d"]
MAX_COMPONENTS = 50
"""Number of principal components that t-SNE gets where there are more features."""


def embedding(model: nn.Module, batches: Batches, layer: str) -> Features:
    """A layer's output for each example, averaged over places where it has any.

    The mean leaves out where in an image something is, and keeps a vector as short as there are
    channels. Of a layer that is called several times, the last answer.

    Raises:
        UsageError: no such layer, or one whose output has no units.
    """
    with torch.no_grad(), last_answer(model, layer) as last:
        return torch.cat([_pooled(model, x, last) for x in batches])


def _pooled(model: nn.Module, x: Images, last: Last) -> Features:
    call_on_copy(model, x)
    y = last.value
    if y.ndim < 2:
        raise UsageError(f"The output of '{last.layer}' has no units.")
    return y.flatten(2).mean(2) if y.ndim > 2 else y


def pca(x: Features, k: int = 2) -> tuple[Float[Tensor, "n k"], Float[Tensor, "k"]]:
    """Coordinates along the k directions in which the features vary most, and their shares of
    variance.

    Of each direction the end of the larger weight is up, so that a map does not flip by chance.
    Source: Pearson 1901; Hotelling 1933.

    Raises:
        UsageError: more directions than there are features, or examples less one.
    """
    most = min(len(x) - 1, x.shape[1])
    if not 1 <= k <= most:
        raise UsageError(f"{len(x)} examples of {x.shape[1]} features have {most} directions.")
    u, s, v = torch.linalg.svd((x - x.mean(0)).double(), full_matrices=False)
    sign = v.gather(1, v.abs().argmax(1, keepdim=True)).sign()[:, 0]
    shares = s**2 / (s**2).sum().clamp(min=1e-300)
    return (u * s * sign)[:, :k].to(x), shares[:k].to(x)


def tsne(x: Features, seed: int = 0, perplexity: float = 30.0) -> Float[Tensor, "n 2"]:
    """Coordinates in a plane at which neighbours in feature space are neighbours; distances say
    little.

    Begun at the first two principal components; of many features the first 50 components are used
    (van der Maaten and Hinton 2008, section 4.2, use 30).

    Args:
        perplexity: about how many neighbours each example has; below the number of examples.

    Raises:
        UsageError: as many neighbours as examples, or more.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    if not 0 < perplexity < len(x):
        raise UsageError(
            f"A perplexity of {perplexity:g} needs more than {perplexity:g} examples, not {len(x)}."
        )
    x, _ = pca(x, min(MAX_COMPONENTS, len(x) - 1, x.shape[1]))
    maker = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    with threadpool_limits(1):  # the same on every machine, and on a busy one three times as quick
        return torch.from_numpy(maker.fit_transform(x.cpu().numpy()))


@dataclass(frozen=True)
class Nearest:
    """The k examples most similar to each image in a layer's features, most similar first.

    Attributes:
        likeness: cosine of the angle between the features, 1 where they point the same way.
        examples: numbers of the examples, in the order in which they came.
    """

    likeness: Float[Tensor, "b k"]
    examples: Int[Tensor, "b k"]


def nearest(model: nn.Module, x: Images, batches: Batches, layer: str, k: int = 5) -> Nearest:
    """Find the examples nearest to images in a layer's features (see `embedding`).

    Near is measured by the cosine: how strongly a layer answers depends on contrast, what it
    answers on the sort of thing. Only k examples an image and one batch are held at a time.

    Raises:
        UsageError: no such layer, or one whose output has no units.
    """
    of_x = F.normalize(embedding(model, [x], layer))
    likeness, examples = of_x.new_zeros(len(x), 0), torch.zeros(len(x), 0, dtype=torch.long)
    offset = 0
    for batch in batches:
        similarity = of_x @ F.normalize(embedding(model, [batch], layer)).T
        numbers = torch.arange(offset, offset + len(batch)).expand(len(x), -1)
        likeness = torch.cat([likeness, similarity], 1)
        examples = torch.cat([examples, numbers.to(examples)], 1)
        order = likeness.sort(dim=1, descending=True, stable=True).indices[:, :k]
        likeness, examples = (
            likeness.gather(1, order),
            examples.gather(1, order.to(examples.device)),
        )
        offset += len(batch)
    return Nearest(likeness, examples)
