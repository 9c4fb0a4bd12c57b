"""Transfer: weights learned elsewhere, what of them is kept still, and how fast the rest moves."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

from torch import Tensor, nn

from cutaway.errors import UsageError, nearest
from cutaway.learn.external_weights import open_weights
from cutaway.models import Model

Naming = Callable[[str], str]


@dataclass(frozen=True)
class Pretrained:
    """The weights that were taken over from a file.

    Attributes:
        source: what the user named.
        digest: SHA-256 of the file.
        loaded, new: our names of what was read from it, and of what begins anew (the head).
        mean, std: what the weights expect of each channel, for pixels in 0..1.
        size: side in pixels of the images that they were learned from.
    """

    source: str
    digest: str
    loaded: tuple[str, ...]
    new: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: int

    def to_dict(self) -> dict[str, object]:
        """Plain values, for a run's records."""
        return asdict(self)


def load_pretrained(network: nn.Module, model: Model, source: str) -> Pretrained:
    """Put the weights that `source` names into `network`: all that should fit, or none.

    The head stays as it is where the file was made for another number of classes, or has none.
    Where images have one channel and the weights' had several, the first kernels are summed over
    the channels, which is to show the same grey image in each; the other way round, each channel
    gets an equal share of the kernel, which is to show the mean of the channels.

    Args:
        model: what the registry says of the network.
        source: `auto` (what the registry knows to be at hand), a `.safetensors` file with
            torchvision's, timm's or our own names, a run, or an id of the Hugging Face hub.

    Raises:
        UsageError: no such weights, a pickled file, or weights that do not fit.
        RunError: a run's weights were damaged.
    """
    file = open_weights(source, model)
    ours = network.state_dict()
    naming = _naming(model, ours, file.tensors)
    new = _new_head(model, ours, naming, file.tensors)
    matched, problems = _match(ours, naming, new, file.tensors)
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise UsageError(
            f"{file.path} does not fit {model.name}: {', '.join(problems[:3])}{more}; nothing was "
            "loaded, so name weights that were made for this network."
        )
    network.load_state_dict(matched, strict=False)
    channels = _channels(ours)
    mean, std = (_spread(values, channels) for values in (file.mean, file.std))
    return Pretrained(source, file.digest, tuple(matched), tuple(new), mean, std, file.size)


def frozen(network: nn.Module, freeze: str, head: str) -> list[nn.Module]:
    """Hold a part of the network fixed; give its layers that keep running statistics.

    These have to `rest` whenever the network is set to train, or their statistics would go on
    moving with the new images.

    Args:
        freeze: "" for nothing, `backbone` for all but the head, or names of modules (`stem,stages`)
            with all that is inside them.
        head: the module that gives the answers.

    Raises:
        UsageError: a part that the network does not have, or nothing is left to learn.
    """
    names = [name for name, _ in (*network.named_modules(), *network.named_parameters())]
    parts = [part.strip() for part in freeze.split(",") if part.strip()]
    for part in parts:
        if part not in ("backbone", *names):
            near = [name for name in names if name and name.count(".") <= part.count(".")]
            raise UsageError(f"The network has no part '{part}' to freeze.{nearest(part, near)}")

    def held(name: str) -> bool:
        return any(_inside(name, p) or (p == "backbone" and not _inside(name, head)) for p in parts)

    for name, parameter in network.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and not held(name))
    if not any(p.requires_grad for p in network.parameters()):
        raise UsageError(f"With --freeze {freeze} nothing is left to train: freeze less.")
    return [m for name, m in network.named_modules() if held(name) and _keeps_statistics(m)]


def rest(modules: Iterable[nn.Module]) -> None:
    """Put modules at rest; to be called after `network.train()`."""
    for module in modules:
        module.eval()


def backbone(network: nn.Module, head: str) -> list[nn.Parameter]:
    """The parameters of all but the head, which may learn more slowly."""
    return [p for name, p in network.named_parameters() if not _inside(name, head)]


def _inside(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def _keeps_statistics(module: nn.Module) -> bool:
    return getattr(module, "running_mean", None) is not None


def _naming(model: Model, ours: Iterable[str], theirs: Iterable[str]) -> Naming:
    """The way of naming parameters that finds most of ours in the file."""
    namings: list[Naming] = [str]
    if model.external_name is not None:
        torchvision = model.external_name
        namings += [torchvision, lambda name: _timm_dense(torchvision(name))]
    if model.weights is not None:
        namings.append(model.weights.names)
    held, names = set(theirs), list(ours)
    return max(namings, key=lambda naming: sum(naming(name) in held for name in names))


def _timm_dense(name: str) -> str:
    """timm's names for the three dense layers that torchvision calls classifier.0, 3 and 6."""
    dense = {"0": "pre_logits.fc1", "3": "pre_logits.fc2", "6": "head.fc"}
    return re.sub(r"^classifier\.([036])\b", lambda match: dense[match[1]], name)


def _new_head(
    model: Model, ours: dict[str, Tensor], naming: Naming, theirs: dict[str, Tensor]
) -> list[str]:
    """The head's names, where the file has no head or one for another number of classes."""
    head = [name for name in ours if _inside(name, model.head)]
    there = [name for name in head if naming(name) in theirs]
    other = any(theirs[naming(name)].shape[:1] != ours[name].shape[:1] for name in there)
    return head if other or not there else []


def _match(
    ours: dict[str, Tensor], naming: Naming, new: Sequence[str], theirs: dict[str, Tensor]
) -> tuple[dict[str, Tensor], list[str]]:
    """The file's tensors by our names, and in words whatever does not match."""
    matched, problems = {}, []
    first = next(iter(ours))
    for name, like in ours.items():
        value = theirs.get(naming(name))
        if name in new or (value is None and _counts_batches(name)):
            continue
        fitted = None if value is None else _fitted(value, like, name == first)
        if value is None:
            problems.append(f"{naming(name)} is missing")
        elif fitted is None:
            problems.append(f"{naming(name)} is {_shape(value)} and not {_shape(like)}")
        else:
            matched[name] = fitted
    known = {naming(name) for name in ours}
    problems += [f"{k} is unexpected" for k in theirs if not (k in known or _counts_batches(k))]
    return matched, problems


def _fitted(value: Tensor, like: Tensor, first: bool) -> Tensor | None:
    """`value` in the shape of `like`; None where it has another meaning."""
    if value.is_floating_point() != like.is_floating_point():
        return None
    if value.shape == like.shape:
        return value
    if value.ndim == 4 and like.ndim == 2 and value.flatten(1).shape == like.shape:
        return value.flatten(1)  # a dense layer written as a convolution over all that there is
    kernels = value.ndim == like.ndim > 2 and value[:, 0].shape == like[:, 0].shape
    if first and kernels and 1 in (value.shape[1], like.shape[1]):
        return value.sum(1, keepdim=True).expand_as(like) / like.shape[1]
    return None


def _counts_batches(name: str) -> bool:
    """Whether it is the counter that some files leave out, and that nothing is computed from."""
    return name.endswith("num_batches_tracked")


def _shape(tensor: Tensor) -> str:
    kind = "" if tensor.is_floating_point() else f" {tensor.dtype}".replace("torch.", "")
    return (" x ".join(map(str, tensor.shape)) or "a single number") + kind


def _channels(ours: dict[str, Tensor]) -> int | None:
    """The channels that the network's first kernels take; None where it begins otherwise."""
    first = next(iter(ours.values()))
    return first.shape[1] if first.ndim > 2 else None


def _spread(values: tuple[float, ...], channels: int | None) -> tuple[float, ...]:
    """A value a channel: as they are, or their mean for each where there are others."""
    if channels is None or channels == len(values):
        return values
    return (sum(values) / len(values),) * channels
