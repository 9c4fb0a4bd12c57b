"""Making a run's directory."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cutaway.data.split import Split
from cutaway.errors import RunError
from cutaway.files import write_json, write_whole, writing
from cutaway.learn.card import DataCard
from cutaway.learn.recipe import Recipe


def destination(out: str | Path, stem: str) -> Path:
    """`out`, or without it the first free `runs/stem-N`.

    Raises:
        RunError: there is something at `out` already.
    """
    path = Path(out)
    if not out:
        return free_path(Path("runs"), stem)
    if path.exists():
        raise RunError(
            f"{path} is there already, and nothing is overwritten: choose another --out, or go "
            f"on with it: cutaway resume {path}"
        )
    return path


def create(path: Path, recipe: Recipe, card: DataCard, split: Split, about: dict[str, Any]) -> None:
    """Make a run directory in one step: it appears whole, or not at all.

    Args:
        about: more JSON files by name, such as `environment` and `audit`.

    Raises:
        RunError: it cannot be written.
    """
    with appearing(path) as folder:
        write_whole(folder / "recipe.toml", recipe.to_toml())
        write_json(folder / "data.json", card.to_dict())
        split.save(folder / "split.json")
        for name, value in about.items():
            write_json(folder / f"{name}.json", value)


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A folder to fill, which gets its name when the block has ended well, and else is gone.

    Raises:
        RunError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    with writing(path):
        shutil.rmtree(temporary, ignore_errors=True)  # left by a process that was killed
        temporary.mkdir(parents=True)
        try:
            yield temporary
            temporary.rename(path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def free_path(folder: Path, stem: str) -> Path:
    """`folder/stem-1`, or the first number above that is free."""
    number = 1
    while (folder / f"{stem}-{number}").exists():
        number += 1
    return folder / f"{stem}-{number}"
