"""Features of images, computed once where the part of a network that makes them is held fixed.

A frozen backbone makes the same features of an image in every epoch. Where nothing else changes
them (no augmentation, no dropout before the head), they are computed once, and the last modules of
the network learn from a table.
"""

import copy
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cutaway.data.batch import Batch
from cutaway.data.feed import Feed
from cutaway.learn.recipe import Recipe
from cutaway.learn.regularise import Dropout
from cutaway.learn.runtime import Runtime
from cutaway.learn.task import Task
from cutaway.see.probe import resting
from cutaway.together.share import Share

MOST = 1 << 28
"""Largest number of values of a table of features: 1 GiB."""
CHUNK = 32
"""Images whose features are computed at a time."""


@dataclass(frozen=True)
class FrozenBackbone:
    """A network in two parts: what is held fixed, and the last modules, some of which learn.

    Attributes:
        network: all of it.
        tail: the last modules, which are the network's own, called one after the other.
    """

    network: nn.Module
    tail: nn.Sequential

    def __call__(self, x: Float[Tensor, "b c *grid"]) -> Float[Tensor, "b *features"]:
        """What reaches the tail, in the mode that the network is in; no gradient leads back."""
        reached: list[Tensor] = []
        first = next(self.tail.children())
        handle = first.register_forward_pre_hook(lambda _, inputs: reached.append(inputs[0]))
        try:
            with torch.no_grad():
                self.network(x)
        finally:
            handle.remove()
        return reached[0].float()


class FeatureFeed(Feed):
    """A feed whose batches hold the features of their images instead of pixels.

    They are computed when the first batch is asked for, which may be long after it was made.

    Args:
        images: the feed whose order, targets and sizes of batches these are.
        runtime: of the training, for features that are learned from: computed in its precision.
            What is evaluated is computed in float32.
    """

    def __init__(self, images: Feed, backbone: FrozenBackbone, runtime: Runtime | None = None):
        vars(self).update(vars(images))
        self.source, self.backbone, self.runtime = images, backbone, runtime

    @property
    def plain(self) -> bool:
        return False

    def over(self, index: Int[Tensor, " m"]) -> "FeatureFeed | None":
        """The same of other images, which its table holds; None where it lacks one."""
        if not torch.isin(index, self._known).all():
            return None
        other = copy.copy(self)
        other.index = index
        return other

    def _make(
        self, index: Int[Tensor, " b"], number: int | None, share: Share | None = None
    ) -> Batch:
        own = index if share is None else index[share.rows]
        t = self.target.learned(self.targets[own].to(self.device, non_blocking=True))
        places = torch.searchsorted(self._known, own)
        return Batch(self._features.index_select(0, places.to(self.device)), t, own, share)

    @cached_property
    def _known(self) -> Int[Tensor, " n"]:
        """Positions in the set of those in the table, in their order."""
        known: Tensor = self.index.unique()
        return known

    @cached_property
    def _features(self) -> Float[Tensor, "n *features"]:
        precision = self.runtime.autocast() if self.runtime else nullcontext()
        with resting(self.backbone.network), precision:
            some = [self.backbone(self.source.of(i).x) for i in self._known.split(CHUNK)]
        table: Tensor = torch.cat(some)
        return table


def frozen_backbone(
    recipe: Recipe, task: Task, network: nn.Module, feed: Feed
) -> FrozenBackbone | None:
    """The parts of a network whose features are the same in each epoch; None where they are not.

    Args:
        recipe: of the stage, whose frozen modules are held and at rest already.
        feed: gives images to try it on, and says how many there are.
    """
    changes = recipe.augment != "none" or recipe.stochastic_depth > 0 or not feed.finite
    if not recipe.freeze or changes or recipe.watch or not task.takes_features:
        return None
    x = feed.of(feed.index[:2]).x
    with torch.random.fork_rng([x.device] if x.is_cuda else []), _buffers_kept(network):
        tail = _tail(network, x, recipe.dropout)
        if tail is None:
            return None
        backbone = FrozenBackbone(network, tail)
        return backbone if _fixed(backbone, x, len(feed.index.unique())) else None


@contextmanager
def _buffers_kept(network: nn.Module) -> Iterator[None]:
    """Put back the statistics that a network in training mode gathers of what it is tried on."""
    before = [(buffer, buffer.clone()) for buffer in network.buffers()]
    try:
        yield
    finally:
        for buffer, value in before:
            buffer.copy_(value)


def _tail(network: nn.Module, x: Tensor, dropout: float) -> nn.Sequential | None:
    """The modules from the first that learns or draws, where each takes what that before it gave;
    None where something else happens between them.

    Args:
        dropout: the share that layers of dropout will leave out; below 0 their own.
    """
    names = {module: name for name, module in network.named_modules()}
    calls: list[tuple[nn.Module, object, object]] = []

    def note(leaf: nn.Module, inputs: tuple[object, ...], y: object) -> None:
        calls.append((leaf, inputs[0] if inputs else None, y))

    with ExitStack() as undo, torch.no_grad(), resting(network):
        for module in names:
            if not list(module.children()):
                undo.enter_context(module.register_forward_hook(note))
        wanted = network(x)
    begin = next((k for k, (leaf, *_) in enumerate(calls) if _moves(leaf, dropout)), len(calls))
    for _, given, gave in reversed(calls[begin:]):
        if gave is not wanted:
            return None
        wanted = given
    tail = {in_tail(names[leaf]): leaf for leaf, *_ in calls[begin:]}
    learning = {p for p in network.parameters() if p.requires_grad}
    reached = learning <= {p for leaf in tail.values() for p in leaf.parameters()}
    once = len(tail) == len(calls) - begin
    return nn.Sequential(OrderedDict(tail)) if tail and once and reached else None


def in_tail(name: str) -> str:
    """The name in the tail of a module with this name in the network."""
    return name.replace(".", "_")


def _moves(leaf: nn.Module, dropout: float) -> bool:
    """Whether what a module makes of the same input changes from step to step."""
    if isinstance(leaf, Dropout) and (leaf.p if dropout < 0 else dropout) > 0:
        return True
    return any(p.requires_grad for p in leaf.parameters())


def _fixed(backbone: FrozenBackbone, x: Tensor, count: int) -> bool:
    """Whether features of `count` images find place, and are the same while the network learns, and
    whatever other images are beside them."""
    if len(x) < 2:
        return False
    with resting(backbone.network):
        z, alone = backbone(x), backbone(x[:1])
    if z[0].numel() * count > MOST:
        return False
    pairs = (z[:1], alone), (z, backbone(x))
    return all(torch.allclose(a, b, rtol=1e-3, atol=1e-4) for a, b in pairs)
