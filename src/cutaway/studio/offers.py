"""What the studio offers to begin with: systems and data, and the fields of their recipes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cutaway import recipes
from cutaway.data.catalog import SOURCES
from cutaway.errors import UsageError
from cutaway.learn.optim import METHODS
from cutaway.learn.recipe import SETTINGS, Recipe
from cutaway.models import MODELS
from cutaway.settings import Setting
from cutaway.studio.pace import paced

LEFT_OUT = frozenset({
    "model", "data", "task", "task_options", "model_options", "pretrained", "freeze", "head",
    "vary", "group_by", "label", "fix", "fold", "folds", "stages", "device",
    "optimizer_options", "labels", "steps", "monitor", "backbone_rate",
})  # fmt: skip
"""Fields that a page does not offer: they name files or code, make several networks, or need
words that only a command line has room for."""
NETWORKS = 64
"""Networks that a page may train at once."""
CALLED = frozenset({"augment", "optimizer", "init"})
"""Fields whose values could name code by `package.module:name`."""
CODE = re.compile(r"(;| or) package\.module:\w+")
"""What their help says of that."""


@dataclass(frozen=True)
class Card:
    """A system to begin with."""

    model: str
    data: str
    title: str
    sentence: str
    minutes: str
    picture: str
    fields: tuple[tuple[str, str], ...] = ()
    pace: float = 0.0


CARDS = (
    Card("mlp", "xor", "XOR",
         "The smallest network that one gate cannot replace: see its two inputs being divided.",
         "seconds", "xor.webp"),
    Card("perceptron", "and", "A perceptron",
         "One unit with a threshold learns AND by the rule of 1958, and cannot learn XOR.",
         "seconds", "perceptron.webp"),
    Card("lenet5", "digits", "LeNet-5, small digits",
         "Convolutions learn 1,797 handwritten digits: hold a unit still and see what it was for.",
         "a minute", "digits.svg", pace=10.0),
    Card("mlp", "digits", "Multilayer perceptron",
         "Fully connected layers on the same digits: weights as pictures, layer by layer.",
         "seconds", "network.svg"),
    Card("mlp", "digits", "Eight at once",
         "The same recipe from eight seeds: a fan of curves, and how much of a result is chance.",
         "seconds", "fan.svg", (("replicates", "8"),)),
    Card("lenet5", "mnist", "LeNet-5, MNIST",
         "The network and the 70,000 digits that made convolutions known.", "2 minutes",
         "kernels.webp"),
    Card("conv_autoencoder", "mnist", "Autoencoder",
         "A network that tells images through a narrow code, and draws them again.", "5 minutes",
         "rebuilt.webp"),
    Card("vae", "mnist", "Variational autoencoder",
         "Codes that follow a known distribution, on a map that unfolds while it learns.",
         "5 minutes", "codes.webp"),
    Card("dcgan", "mnist", "GAN of convolutions",
         "Two players: one draws digits out of noise, the other tells them from real ones.",
         "10 minutes", "samples.webp"),
    Card("unet", "scenes", "U-Net",
         "A class for every pixel: masks of digits on patterned grounds.", "10 minutes",
         "masks.webp"),
    Card("siren", "china", "SIREN",
         "One photograph as a function of the place, with sines: see it come into focus.",
         "2 minutes", "siren.webp"),
    Card("resnet20", "cifar10", "ResNet-20",
         "Residual blocks on 50,000 small colour pictures.", "half an hour or more",
         "residual.webp"),
    Card("plain20", "cifar10", "The same without skips",
         "What depth does to a network when nothing leads past its layers.",
         "half an hour or more", "plain.webp"),
)  # fmt: skip


def offered(data: tuple[str, ...] = ()) -> dict[str, Any]:
    """Cards, and the names of all networks and data.

    Args:
        data: names of data of somebody's own, named when the studio was started.
    """
    known = [one for one in CARDS if one.model in MODELS and one.data in names_of_data()]
    return {
        "systems": [
            vars(one) | {"picture": f"/page/card-{one.picture}", "fields": dict(one.fields)}
            for one in known
        ],
        "models": sorted(MODELS), "data": [*data, *names_of_data()],
    }  # fmt: skip


def names_of_data() -> list[str]:
    """The data of the catalogue."""
    return list(SOURCES)


def fields_of(model: str, data: str, own: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of the recipe for a network and data, as a page offers them."""
    try:
        recipe = recipes.starting_point(*_checked_names(model, data, own))
    except UsageError as error:
        return {"fields": [], "problem": str(error)}
    shown = [one for name, one in SETTINGS.items() if name not in LEFT_OUT]
    return {"fields": [_field(one, recipe) for one in shown], "problem": ""}


def _field(spec: Setting, recipe: Recipe) -> dict[str, Any]:
    value = getattr(recipe, spec.name)
    words = {number: word for word, number in spec.words.items()}
    text = words.get(value, value) if not isinstance(value, bool) else "yes" if value else "no"
    return {
        "name": spec.name, "help": CODE.sub("", spec.help), "panel": spec.panel,
        "choices": list(METHODS) if spec.name == "optimizer" else list(spec.choices),
        "kind": getattr(spec.kind, "__name__", str(spec.kind)), "value": str(text),
    }  # fmt: skip


def checked_start(asked: Any, own: tuple[str, ...] = ()) -> dict[str, Any]:
    """What a page asks to be trained, where it may: known names, and fields that name no code.

    Raises:
        UsageError: anything else.
    """
    if not isinstance(asked, Mapping):
        raise UsageError("Say which model and which data.")
    model, data = _checked_names(str(asked.get("model", "")), str(asked.get("data", "")), own)
    fields = asked.get("fields", {})
    changes = {}
    for name, value in fields.items() if isinstance(fields, Mapping) else ():
        if name not in SETTINGS or name in LEFT_OUT:
            raise UsageError(f"The studio has no field '{name}': use the command line.")
        text = str(value)
        if name in CALLED and any(part[:1].isalpha() for part in text.split(":")[1:]):
            raise UsageError(
                f"The studio runs no code that a page names, as '{text}': use the command line."
            )
        changes[name] = SETTINGS[name].read(text)
    _check_several(changes.get("replicates", 1), bool(asked.get("paused")))
    recipes.starting_point(*filter(None, (model, data))).with_options(**changes)
    try:
        pace = paced(asked.get("pace", 0.0))
    except ValueError:
        raise UsageError("A pace is a number of steps a second, up to 1000.") from None
    return {
        "model": model, "data": data, "fields": changes, "paused": bool(asked.get("paused")),
        "pace": pace,
    }  # fmt: skip


def _check_several(networks: int, paused: bool) -> None:
    if networks > NETWORKS:
        raise UsageError(
            f"The studio trains at most {NETWORKS} networks at once: use the command line."
        )
    if networks > 1 and paused:
        raise UsageError("Several networks at once do not begin paused: one alone does.")


def _checked_names(model: str, data: str, own: tuple[str, ...]) -> tuple[str, str]:
    if model not in MODELS and not (model == "" and data in own):
        raise UsageError(f"There is no model '{model}' in the studio: see `cutaway models`.")
    if data not in names_of_data() and data not in own:
        raise UsageError(
            f"The studio may not read '{data}': start it with its name, cutaway studio {model} "
            f"{data or 'DATA'}, or choose data of the list."
        )
    return model, data
