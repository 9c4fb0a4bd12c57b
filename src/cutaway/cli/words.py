"""Fields of the recipe and options of a model as options of a command."""

import inspect
from collections.abc import Callable, Iterable
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

import typer

from cutaway.errors import UsageError
from cutaway.learn import synonyms
from cutaway.learn.recipe import SETTINGS, Recipe

BARE = {
    "--pretrained": "auto", "--drop-last": "yes", "--shard": "yes",
    "--print-slurm": "auto", "--print-kubernetes": "auto",
}  # fmt: skip
"""Options that may stand without a value, and the value they then have."""

ELSEWHERE = ("model", "data", "head", "vary", "stages")
"""Fields of a recipe that are no options: arguments, and what only Python can name."""


def with_recipe_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one text option for each field of `Recipe`, except model and data."""
    signature = inspect.signature(command)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    extra = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=None,
            annotation=Annotated[str | None, typer.Option(
                help=setting.help, rich_help_panel=f"Recipe: {setting.panel}",
                show_default=False, metavar="VALUE",
            )],
        )
        for name, setting in SETTINGS.items() if name not in ELSEWHERE
    ]  # fmt: skip
    command.__signature__ = signature.replace(parameters=[*own, *extra])  # type: ignore[attr-defined]
    return command


def read_words(words: list[str]) -> tuple[list[str], dict[str, Any]]:
    """Model and data, and flags with their values, None where one lacks it: the words that are no
    options of the command.

    Raises:
        UsageError: a third argument.
    """
    from cutaway.settings import read_value

    plain, flags, rest = list[str](), dict[str, Any](), list(words)
    while rest:
        word, equals, value = rest.pop(0).partition("=")
        if not word.startswith("-") or Path(word).exists():
            plain.append(word + equals + value)
        elif equals or rest:
            flags[word] = read_value(value if equals else rest.pop(0))
        else:
            flags[word] = None
    if len(plain) > 2:
        raise UsageError(f"Unexpected argument: '{plain[2]}'.")
    return plain, flags


def read_options(flags: dict[str, Any], recipe: Recipe, changes: dict[str, Any]) -> dict[str, Any]:
    """Flags as options of the model and of the task of a recipe that is about to change.

    Raises:
        UsageError: a flag that neither the command nor the model or the task knows, or one without
            a value.
    """
    from cutaway.learn.options import known_options

    known = [name for own in known_options(recipe, changes).values() for name in own]
    options = {}
    for flag, value in flags.items():
        name = flag[2:].replace("-", "_")
        if name not in known:
            raise UsageError(f"There is no option {flag}.{hint(flag, known)}")
        if value is None:
            raise UsageError(f"{flag} needs a value.")
        options[name] = value
    return options


def read_vary(words: list[str]) -> dict[str, list[Any]]:
    """Parse `lr=0.1,0.01` as a field and its values.

    Raises:
        UsageError: no name or no values.
    """
    from cutaway.settings import read_value

    values_by_field = {}
    for word in words:
        name, _, values = word.removeprefix("--").partition("=")
        if not (name and values):
            raise UsageError(f"--vary takes a field and its values, lr=0.1,0.01, not '{word}'.")
        values_by_field[name.replace("-", "_")] = [read_value(value) for value in values.split(",")]
    return values_by_field


def hint(flag: str, own: Iterable[str]) -> str:
    """The suggestion for an unknown option."""
    names = SETTINGS.keys() - {"model", "data", "head", "stages"}
    return synonyms.hint(flag, {*names, *own, "recipe", "out", "quiet", "trials"}, flags=True)


def with_bare_flags(words: list[str]) -> list[str]:
    """Add the values of options without one: `--pretrained` becomes `--pretrained auto`."""
    expanded = []
    for word, following in zip_longest(words, words[1:], fillvalue="--"):
        expanded += [word, BARE[word]] if word in BARE and following[:2] == "--" else [word]
    return expanded
