"""Weight files from elsewhere: finding one, refusing what could run code, reading what it holds."""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from cutaway.errors import UsageError
from cutaway.learn.card import WeightFacts
from cutaway.learn.checkpoint import load_tensors
from cutaway.models import Model, find

PICKLED = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle")
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 224
"""Mean, standard deviation and side that torchvision's weights were learned with."""


TIMM_SETTINGS = {"mean", "std", "input_size"}
"""What is read of timm's `config.json`, in its `pretrained_cfg` where it has one."""


@dataclass(frozen=True)
class WeightFile:
    """The content of a weight file.

    Attributes:
        tensors: by the file's own names.
        mean, std: what the weights were learned with, a channel at a time, for pixels in 0..1.
        size: side in pixels of the images that they were learned from.
        digest: SHA-256 of the file.
        architecture: timm's name of the network, where the file comes with it.
    """

    path: Path
    tensors: dict[str, Tensor]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: int
    digest: str
    architecture: str = ""


def open_weights(source: str, model: Model) -> WeightFile:
    """The weights that `source` names: `auto`, a file, a run, or a repository of the hub.

    Raises:
        UsageError: there are none, they cannot be had, or they are not safetensors.
        RunError: a run's weights were damaged.
    """
    facts: WeightFacts = {}
    if source.startswith("torchvision/"):
        model, source = find(source), "auto"
    at_hand = source == "auto" and model.weights is not None
    if at_hand:
        path, tensors = _at_hand(model)
    else:
        path = _find(_of_hub(model) if source == "auto" else source)
        tensors, facts = _read(path)
    config = {} if at_hand else _config(path.with_name("config.json"))
    mean, std, size = _normalisation(facts, config, model)
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    architecture = str(config.get("architecture", ""))
    return WeightFile(path, tensors, mean, std, size, digest, architecture)


def _at_hand(model: Model) -> tuple[Path, dict[str, Tensor]]:
    """The file that the model itself knows of, the only one that may be pickled."""
    assert model.weights is not None
    path = model.weights.find()
    if path.suffix in PICKLED:  # of tensors and plain containers only; nothing else is built
        return path, torch.load(path, map_location="cpu", weights_only=True)
    return path, load_file(path)


def _of_hub(model: Model) -> str:
    """The repository of the hub that the registry knows of."""
    if not model.hub:
        raise UsageError(
            f"No weights of {model.name} are known: name a .safetensors file, a run, or a "
            "repository of the Hugging Face hub such as timm/resnet18.a1_in1k."
        )
    return model.hub


def _find(source: str) -> Path:
    """The file that a path or an id of the hub stands for."""
    path = Path(source).expanduser()
    if path.is_dir():
        for name in ("weights.safetensors", "model.safetensors"):
            if (path / name).is_file():
                return path / name
        raise UsageError(
            f"{path} holds no weights.safetensors: name a run that has ended, or a weight file."
        )
    if path.is_file():
        return path
    if re.fullmatch(r"[\w.-]+/[\w.-]+", source) and path.suffix not in (".safetensors", *PICKLED):
        return download(source)
    raise UsageError(
        f"There is no weight file {path}: check the path, or name a repository of the Hugging "
        "Face hub such as timm/resnet18.a1_in1k."
    )


def download(repository: str) -> Path:
    """`model.safetensors` of a repository of the Hugging Face hub, from its cache where it is.

    Raises:
        UsageError: no library, no network, no such repository, or no such file in it.
    """
    try:
        from huggingface_hub import errors, hf_hub_download
    except ImportError:
        raise UsageError(
            f"Fetching {repository} needs the package huggingface_hub: "
            "pip install 'cutaway[transfer]'."
        ) from None
    try:
        path = Path(hf_hub_download(repository, "model.safetensors"))
    except errors.RepositoryNotFoundError:
        problem = "neither a path here nor a public repository of the Hugging Face hub"
    except errors.RemoteEntryNotFoundError:
        problem = "a repository without model.safetensors, the only kind of file that is opened"
    except (OSError, ValueError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        problem = f"no path here, and the Hugging Face hub did not give it ({lines[0]})"
    else:
        with suppress(errors.EntryNotFoundError, OSError):  # it says what the weights expect
            hf_hub_download(repository, "config.json")
        return path
    raise UsageError(
        f"{repository} is {problem}: check the name, or fetch the file elsewhere and give its path."
    )


def _read(path: Path) -> tuple[dict[str, Tensor], WeightFacts]:
    """Tensors by name, and the facts that a file of our own carries."""
    _refuse_pickles(path)
    try:
        with safe_open(path, framework="pt") as file:
            ours = "cutaway" in (file.metadata() or {})
        return load_tensors(path) if ours else (load_file(path), {})
    except (OSError, SafetensorError) as error:
        raise UsageError(
            f"{path} is not a complete safetensors file ({error}): get it again."
        ) from None


def _refuse_pickles(path: Path) -> None:
    """Refuse what torch.save and pickle write, by its name and by its first bytes."""
    with open(path, "rb") as file:
        start = file.read(9)
    # Safetensors begins with the length of a JSON header, which may look like a pickle's start.
    pickled = start[:4] == b"PK\x03\x04" or (start[:1] == b"\x80" and start[8:] != b"{")
    if pickled or path.suffix.lower() in PICKLED:
        saved = f"torch.load('{path.name}', weights_only=True), '{path.stem}.safetensors'"
        raise UsageError(
            f"{path} is pickled, and unpickling can run any code, so it is not opened: if you "
            "trust it, convert it once, "
            f'python -c "import torch, safetensors.torch as s; s.save_file({saved})".'
        )


def _normalisation(
    facts: WeightFacts, config: Mapping[str, Any], model: Model
) -> tuple[tuple[float, ...], tuple[float, ...], int]:
    """Mean, standard deviation and side that the weights were learned with.

    They come from a run's own record, else from timm's `config.json` beside the file, else from
    what the registry says of the model; ImageNet's are taken where nobody says anything.
    """
    if "data" in facts:
        card = facts["data"]
        return tuple(card["mean"]), tuple(card["std"]), min(card["size"])
    settings = config.get("pretrained_cfg", config)
    if isinstance(settings, dict) and settings.keys() >= TIMM_SETTINGS:
        mean, std, size = (settings[name] for name in ("mean", "std", "input_size"))
        return tuple(mean), tuple(std), int(size[-1])
    if model.weights is not None:
        return model.weights.mean, model.weights.std, model.weights.size
    return IMAGENET


def _config(path: Path) -> Mapping[str, Any]:
    """timm's `config.json`; nothing where there is none that can be read."""
    try:
        config = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}
