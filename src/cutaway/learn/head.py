"""The layer of a network that gives its answers: found, and made anew for another number of them.

What comes before it is the backbone, which can be held still or learn more slowly.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from cutaway.errors import UsageError
from cutaway.learn.card import DataCard
from cutaway.learn.recipe import OWN, Recipe
from cutaway.randomness import reseed_global
from cutaway.see.probe import answer, resting

Dense = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d
Node = Any
"""An operation in autograd's graph."""


def own_head(
    recipe: Recipe, network: nn.Module, x: Tensor, outputs: int, told: bool = True
) -> tuple[Recipe, str]:
    """Find the head of a module of the user's own; where it gives another number of answers than
    are asked for, put a new one in its place.

    Args:
        x: a few images as it takes them.
        outputs: how many are asked for.
        told: whether the answers are those that `outputs` counts; else nothing is replaced.

    Returns:
        The recipe, with the head's name where it is known, and in a sentence what was replaced.

    Raises:
        UsageError: it is needed, for one of these, and not clear which layer it is.
    """
    given = _output(network, x)
    if given is None or not list(network.parameters()):  # which is said where it is tried
        return recipe, ""
    other = told and given.ndim > 1 and given.shape[1] != outputs
    head = recipe.head or _found(network, x, asked=other or _needs_head(recipe))
    if not (other and head):
        return recipe.override(head=head), ""
    before = given.shape[1]
    with torch.random.fork_rng(devices=[]):
        reseed_global(recipe.seed, "head")
        _replace(network, head, before, outputs)
    return recipe.override(head=head), (
        f"The layer {head} gave {before} answers, and {outputs} are asked for: a new one is in its "
        "place."
    )


def head_again(recipe: Recipe, network: nn.Module, card: DataCard, told: bool) -> nn.Module:
    """A module that is handed in again, which may still have its first head, with the run's."""
    if recipe.head:
        x = torch.zeros(2, card.channels, *card.size, device=next(network.parameters()).device)
        own_head(recipe, network, x, card.target.outputs, told)
    return network


def refuse_head(recipe: Recipe) -> None:
    """Refuse to name the head of a network that is known. Raises UsageError."""
    if recipe.head and not recipe.model.startswith(OWN):
        raise UsageError(
            f"head= names a layer of a module of your own, and that of {recipe.model} is known: "
            "leave it out."
        )


def find_head(network: nn.Module, x: Tensor) -> str:
    """The name of the last layer with weights, an `nn.Linear` or a 1x1 convolution, between the
    input and the output.

    Raises:
        UsageError: the last one is of another kind, or several lead to the output side by side.
    """
    last = _last_with_weights(network, x)
    found = [name for name in last if name and _outputs(network.get_submodule(name))]
    if len(last) == len(found) == 1:
        return found[0]
    kind = type(network).__name__
    if len(found) > 1:
        raise UsageError(
            f"The answers of {kind} come from {', '.join(found[:-1])} and {found[-1]}, and one of "
            f'them is to be the head: name it, head="{found[0]}".'
        )
    raise UsageError(
        f"The head of {kind} was not found, the last nn.Linear or 1x1 convolution before its "
        'output: name it, head="...".'
    )


def _found(network: nn.Module, x: Tensor, asked: bool) -> str:
    """The head; nothing where it is not clear, and not asked for."""
    try:
        return find_head(network, x)
    except UsageError:
        if asked:
            raise
        return ""


def _needs_head(recipe: Recipe) -> bool:
    stages = recipe.in_stages()
    return any("backbone" in one.freeze or one.backbone_rate != 1 for one in stages)


def _output(network: nn.Module, x: Tensor) -> Tensor | None:
    """What the network gives for some images; None where it fails."""
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]), resting(network):
            return answer(network, x)
    except (RuntimeError, UsageError):
        return None


def _last_with_weights(network: nn.Module, x: Tensor) -> list[str]:
    """The names of the layers with weights from whose outputs the network's output is computed by
    functions without any, in the order of the network."""
    with torch.enable_grad(), torch.random.fork_rng(devices=[]), resting(network):
        with _makers(network) as makers:
            y = answer(network, x.clone().requires_grad_())
        whole = _around(makers.values())
        reached, seen, waiting = set(), set(), [y.grad_fn]
        while waiting:
            node = waiting.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            if node in makers and makers[node] not in whole:
                reached.add(makers[node])
            else:
                waiting += [following for following, _ in node.next_functions]
    return [name for name, _ in network.named_modules() if name in reached]


def _around(names: Iterable[str]) -> set[str]:
    """Those of some modules that hold others of them, such as the network itself ("")."""
    outer = {name.rpartition(".")[0] for name in names}
    while more := {name.rpartition(".")[0] for name in outer} - outer:
        outer |= more
    return outer


@contextmanager
def _makers(network: nn.Module) -> Iterator[dict[Node, str]]:
    """The operations that give the outputs of layers with weights, and the layers' names."""
    makers: dict[Node, str] = {}

    def noting(name: str) -> Callable[..., None]:
        def note(layer: nn.Module, inputs: object, output: object) -> None:
            for one in output if isinstance(output, tuple) else (output,):
                if isinstance(one, Tensor) and one.grad_fn is not None:
                    makers.setdefault(one.grad_fn, name)

        return note

    with ExitStack() as undo:
        for name, layer in network.named_modules():
            if isinstance(layer, Dense) or list(layer.parameters(recurse=False)):
                undo.enter_context(layer.register_forward_hook(noting(name)))
        yield makers


def _outputs(layer: nn.Module) -> int:
    """How many numbers a layer gives, for each place where it is a convolution; 0 for others."""
    if isinstance(layer, nn.Linear):
        return layer.out_features
    if not isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return 0
    return layer.out_channels if {*layer.kernel_size} == {1} and layer.groups == 1 else 0


def _replace(network: nn.Module, head: str, before: int, outputs: int) -> None:
    """Put a new layer of the same kind in the place of the head. Raises UsageError."""
    try:
        old = network.get_submodule(head)
    except AttributeError:
        raise UsageError(f"{type(network).__name__} has no layer '{head}' (head=).") from None
    if _outputs(old) != before:
        raise UsageError(
            f"The layer {head} (head=) is no nn.Linear or 1x1 convolution that gives the network's "
            f"{before} answers, so that none with {outputs} can take its place: name another, or "
            "change the network's last layer."
        )
    where = {"device": old.weight.device, "dtype": old.weight.dtype}
    bias = old.bias is not None
    if isinstance(old, nn.Linear):
        new: nn.Module = nn.Linear(old.in_features, outputs, bias, **where)
    else:
        new = type(old)(old.in_channels, outputs, 1, old.stride, bias=bias, **where)
    network.set_submodule(head, new.train(old.training))
