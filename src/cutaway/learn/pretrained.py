"""Transfer: weights learned elsewhere, what of them is kept still, and how fast the rest moves."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from torch import Tensor, nn

from cutaway.errors import UsageError, nearest
from cutaway.learn.external_weights import WeightFile, open_weights
from cutaway.models import Counterpart, Model, Naming


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
    ours, first = network.state_dict(), _first_kernels(network)
    written = _written_as(model, ours, file.tensors)
    _refuse_other(file, model)
    new = _new_head(model, ours, written.names, file.tensors)
    matched, problems = _match(ours, written.names, new, file.tensors, first)
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise UsageError(
            f"{file.path} does not fit {model.name}: {', '.join(problems[:3])}{more}; nothing was "
            "loaded, so name weights that were made for this network."
        )
    if written.eps is not None:
        _with_our_eps(network, matched, written.eps)
    network.load_state_dict(matched, strict=False)
    channels = ours[first].shape[1] if first in ours else None
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
    for part in _parts(freeze):
        if part not in ("backbone", *names):
            near = [name for name in names if name and name.count(".") <= part.count(".")]
            raise UsageError(f"The network has no part '{part}' to freeze.{nearest(part, near)}")

    for name, parameter in network.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and not _held(name, freeze, head))
    if not any(p.requires_grad for p in network.parameters()):
        raise UsageError(f"With --freeze {freeze} nothing is left to train: freeze less.")
    return [
        m
        for name, m in network.named_modules()
        if _held(name, freeze, head) and _keeps_statistics(m)
    ]


def count_learned(network: nn.Module, freezes: Sequence[str], head: str) -> int:
    """How many parameters learn in one stage at least, whose `freeze` are these."""
    return sum(
        p.numel()
        for name, p in network.named_parameters()
        if p.requires_grad and not all(_held(name, freeze, head) for freeze in freezes)
    )


def _parts(freeze: str) -> list[str]:
    return [part.strip() for part in freeze.split(",") if part.strip()]


def _held(name: str, freeze: str, head: str) -> bool:
    """Whether a module or a parameter is held fixed."""
    return any(
        _inside(name, part) or (part == "backbone" and not _inside(name, head))
        for part in _parts(freeze)
    )


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


def _refuse_other(file: WeightFile, model: Model) -> None:
    """Refuse the weights of a network that timm has under another name, and that may have the same
    parameters: with another padding it would answer wrongly. Raises UsageError."""
    known = [one for one in model.counterparts if one.library == "timm"]
    names = [name for one in known for name in (one.model, *one.also)]
    if file.architecture and names and file.architecture not in names:
        raise UsageError(
            f"{file.path} holds weights of timm's {file.architecture}, and {model.name} here is "
            f"timm's {names[0]}: train timm/{file.architecture}, or name other weights."
        )


def _published(model: Model) -> list[Counterpart]:
    """The ways in which a file may name the network's parameters: ours, and those of others."""
    ours = [Counterpart("cutaway", model.name, str)]
    installed = [Counterpart("", "", model.weights.names)] if model.weights else []
    return [*ours, *model.counterparts, *installed]


def _written_as(model: Model, ours: Iterable[str], theirs: Iterable[str]) -> Counterpart:
    """The way of naming parameters that finds most of ours in the file."""
    held, names = set(theirs), list(ours)
    return max(_published(model), key=lambda one: sum(one.names(name) in held for name in names))


def _with_our_eps(network: nn.Module, matched: dict[str, Tensor], eps: float) -> None:
    """Shift variances by what is added to them here less what was added there: their sum, which is
    all that a normalisation computes with, stays."""
    for name, value in matched.items():
        module, _, field = name.rpartition(".")
        if field == "running_var":
            matched[name] = value + (eps - float(network.get_submodule(module).eps))  # type: ignore[arg-type]


def _new_head(
    model: Model, ours: dict[str, Tensor], naming: Naming, theirs: dict[str, Tensor]
) -> list[str]:
    """The head's names, where the file has no head or one for another number of classes."""
    head = [name for name in ours if _inside(name, model.head)]
    there = [name for name in head if naming(name) in theirs]
    other = any(theirs[naming(name)].shape[:1] != ours[name].shape[:1] for name in there)
    return head if other or not there else []


def _match(
    ours: dict[str, Tensor],
    naming: Naming,
    new: Sequence[str],
    theirs: dict[str, Tensor],
    first: str,
) -> tuple[dict[str, Tensor], list[str]]:
    """The file's tensors by our names, and in words whatever does not match.

    Args:
        first: our name of the kernels that images meet first.
    """
    matched, problems = {}, []
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
    if value.squeeze().shape == like.squeeze().shape:
        return value.reshape(like.shape)  # with axes of length 1, or without them
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


def _first_kernels(network: nn.Module) -> str:
    """The name of the kernels that images meet first; nothing where it begins otherwise."""
    kinds = nn.Conv1d | nn.Conv2d | nn.Conv3d
    convolutions = (name for name, module in network.named_modules() if isinstance(module, kinds))
    first = next(convolutions, None)
    return "" if first is None else f"{first}.weight".lstrip(".")


def _spread(values: tuple[float, ...], channels: int | None) -> tuple[float, ...]:
    """A value a channel: as they are, or their mean for each where there are others."""
    if channels is None or channels == len(values):
        return values
    return (sum(values) / len(values),) * channels
