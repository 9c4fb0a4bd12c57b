"""Fields of the recipe and options of a model as options of a command."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import fields
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

import typer

from cutaway.errors import UsageError
from cutaway.learn import synonyms
from cutaway.learn.recipe import Recipe

BARE = {"--pretrained": "auto", "--drop-last": "yes"}
"""Options that may stand without a value, with what they then mean."""


def with_recipe_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one text option for each field of `Recipe`, except model and data."""
    signature = inspect.signature(command)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    extra = [
        inspect.Parameter(
            spec.name, inspect.Parameter.KEYWORD_ONLY, default=None,
            annotation=Annotated[str | None, typer.Option(
                help=spec.metadata["help"], rich_help_panel=f"Recipe: {spec.metadata['panel']}",
                show_default=False, metavar="VALUE",
            )],
        )
        for spec in fields(Recipe) if spec.name not in ("model", "data", "vary", "stages")
    ]  # fmt: skip
    command.__signature__ = signature.replace(parameters=[*own, *extra])  # type: ignore[attr-defined]
    return command


def read_words(words: list[str], task: str = "") -> tuple[str, str, dict[str, Any]]:
    """Model, data and the options of model and task, out of what is no option of the command.

    Raises:
        UsageError: a flag that neither a recipe nor the model knows, one without a value, or a
            third argument.
    """
    from cutaway.learn.fields import read_value

    plain, flags, rest = [], {}, list(words)
    while rest:
        word, equals, value = rest.pop(0).partition("=")
        if not word.startswith("-") or Path(word).exists():
            plain.append(word + equals + value)
        elif equals or rest:
            flags[word] = read_value(value if equals else rest.pop(0))
        else:
            flags[word] = None
    model, data = (*plain, "", "")[:2]
    own = own_options(model, task)
    for flag, value in flags.items():
        if flag[2:].replace("-", "_") not in own:
            raise UsageError(f"There is no option {flag}.{hint(flag, own)}")
        if value is None:
            raise UsageError(f"{flag} needs a value.")
    if len(plain) > 2:
        raise UsageError(f"Unexpected argument: '{plain[2]}'.")
    return model, data, {flag[2:].replace("-", "_"): value for flag, value in flags.items()}


def read_vary(words: list[str]) -> dict[str, list[Any]]:
    """`lr=0.1,0.01` as a field and its values.

    Raises:
        UsageError: no name or no values.
    """
    from cutaway.learn.fields import read_value

    found = {}
    for word in words:
        name, _, values = word.removeprefix("--").partition("=")
        if not (name and values):
            raise UsageError(f"--vary takes a field and its values, lr=0.1,0.01, not '{word}'.")
        found[name.replace("-", "_")] = [read_value(value) for value in values.split(",")]
    return found


def own_options(model: str, task: str) -> dict[str, Any]:
    """The options of a model, and of a task or else of the model's own."""
    from cutaway.learn.tasks import TASKS, options
    from cutaway.models import MODELS

    if model not in MODELS:
        return options(task) if task in TASKS else {}
    task = task if task in TASKS else MODELS[model].task
    return MODELS[model].options | options(task)


def hint(flag: str, own: Iterable[str]) -> str:
    """What to write instead of an option that is not known."""
    names = {spec.name for spec in fields(Recipe)} - {"model", "data", "stages"}
    return synonyms.hint(flag, {*names, *own, "recipe", "out", "quiet", "trials"}, flags=True)


def with_bare_flags(words: list[str]) -> list[str]:
    """What some options mean without a value: `--pretrained` is `--pretrained auto`."""
    found = []
    for word, following in zip_longest(words, words[1:], fillvalue="--"):
        found += [word, BARE[word]] if word in BARE and following[:2] == "--" else [word]
    return found
