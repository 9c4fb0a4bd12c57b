"""What README.md and docs/*.md show can be typed: every command, its options and names parse."""

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
import typer
from helpers.command import cutaway
from helpers.model_packages import package

from cutaway import cli
from cutaway.cli.train import read_request
from cutaway.cli.words import with_bare_flags
from cutaway.learn.recipe import Recipe
from cutaway.models import is_model
from cutaway.recipes import starting_point

ROOT = Path(__file__).parents[1]
FIELDS = {spec.name for spec in fields(Recipe)}
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands() -> list[str]:
    """Command lines in blocks of bash, without what is said beside them."""
    blocks = [b for p in PAGES for b in re.findall(r"```bash\n(.*?)```", p.read_text(), re.DOTALL)]
    lines = [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    lines = [line.partition(" > ")[0] for line in lines]  # what the shell does with its output
    return sorted({line for line in lines if line.startswith("cutaway ")})


def parsed(line: str) -> typer.Context:
    """The command with its parameters; raises what the command line would say."""
    name, *words = with_bare_flags(shlex.split(line)[1:])
    command = typer.main.get_command(cli.app).commands[name]  # type: ignore[attr-defined]
    return command.make_context(name, words)


def test_there_are_commands():
    assert len(commands()) > 20


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_pages_parses(line: str):
    context = parsed(line)
    given = context.params
    if shlex.split(line)[1] in ("train", "search"):
        named = [word for word in (given["model"], given["data"]) if word]
        for word in named:
            if is_model(word) and "/" in word:  # of a package, which need not be installed
                package(word.partition("/")[0])
        named = ["digits" if word.endswith(("/", ".jpg", ".csv")) else word for word in named]
        own = {k: v for k, v in given.items() if k in FIELDS - {"model", "data", "vary"}}
        names, _, changes = read_request([*named, *context.args], "", own)
        assert starting_point(*names).with_options(**changes)
    elif shlex.split(line)[1] == "prove":
        from cutaway import lab
        from cutaway.cli.prove import read_words

        numbers, changes = read_words(given["words"] or [])
        for one in lab.claims(*numbers):
            assert one.settle(**changes).keys() >= changes.keys()


def inner(needs: list[str]) -> set[str]:
    """The extras that a list of requirements names."""
    return {one[len("cutaway[") : -1] for one in needs if one.startswith("cutaway[")}


def test_the_install_line_brings_what_the_page_shows():
    """Everything but the tools of the tests, by one extra."""
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert "pip install -q '.[all]'" in PAGES[0].read_text()
    held = inner(extras["all"])
    held |= {name for one in held for name in inner(extras[one])}
    assert held == set(extras) - {"all", "test"}


@pytest.mark.slow
def test_the_quick_commands_of_the_readme_run(tmp_path):
    lines = [
        "train --epochs 2",
        "train mlp digits --widths 8 --image-size 8 --optimizer newton --epochs 2",
        "search mlp digits --widths 8 --epochs 1 --trials 2",
        "predict runs/lenet5-digits-1 seven.png",
        "evaluate runs/lenet5-digits-1", "export runs/lenet5-digits-1 --to onnx",
        "audit digits", "models", "data",
    ]  # fmt: skip
    from helpers.digits import digits
    from PIL import Image

    Image.fromarray(digits(8).images[7, ..., 0].numpy()).save(tmp_path / "seven.png")
    for line in lines:
        done = cutaway(*line.split(), folder=tmp_path)
        assert done.code == 0, (line, done.err)
