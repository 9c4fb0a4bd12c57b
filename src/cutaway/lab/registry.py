"""Finding claims by number: those of the course, chapter by chapter, and one's own."""

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from cutaway.data.cache import digest
from cutaway.errors import UsageError, nearest
from cutaway.lab.chapters import CHAPTERS
from cutaway.lab.experiment import Claim

OWN: dict[str, Claim] = {}
"""Claims of the user's own."""


def claim(number: str) -> Claim:
    """The claim of a number.

    Raises:
        UsageError: there is none; the nearest is offered.
    """
    known = _beside(number) | OWN
    if number not in known:
        raise UsageError(f"There is no claim {number}.{nearest(number, _all())}")
    return known[number]


def claims(*words: str) -> list[Claim]:
    """Claims by number (`4.2`) or chapter (`4`), in order, each once; all where none is named.

    Raises:
        UsageError: there is no such claim or chapter.
    """
    if not words:
        return list(_all().values())
    chosen: dict[str, Claim] = {}
    for word in words:
        chosen |= _chapter(word) if word in CHAPTERS else {word: claim(word)}
    return list(chosen.values())


def add(file: str | Path) -> list[Claim]:
    """Take the claims of a Python file, which is run; those of an earlier `add` give way.

    Raises:
        UsageError: it cannot be run, holds no claim, or one whose number is taken.
    """
    path = Path(file).resolve()
    added = _of(_load(path))
    if not added:
        raise UsageError(f"{path} holds no claim: put @claim(...) before an experiment.")
    for number in added:
        if number in _beside(number) or (number in OWN and OWN[number].file != path):
            raise UsageError(f"{path}: the number {number} is taken, give this claim another.")
    OWN.update(added)
    return list(added.values())


def _load(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"There is no file {path} with claims.")
    spec = spec_from_file_location(f"claims_{digest(str(path))}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is no Python file: its name must end in .py.")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and type hints look there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"{path} cannot be run: {type(error).__name__}: {error}.") from error
    return module


def _all() -> dict[str, Claim]:
    return _course() | OWN


def _course() -> dict[str, Claim]:
    return {n: one for chapter in CHAPTERS for n, one in _chapter(chapter).items()}


def _beside(number: str) -> dict[str, Claim]:
    """The claims of the chapter to which a number belongs, if there is one."""
    chapter = number.partition(".")[0]
    return _chapter(chapter) if chapter in CHAPTERS else {}


def _chapter(number: str) -> dict[str, Claim]:
    """A chapter's claims in order, from its file or from all files of its folder."""
    module = import_module(f"cutaway.lab.chapters.{CHAPTERS[number].module}")
    inner = [
        import_module(f"{module.__name__}.{one.name}")
        for one in iter_modules(getattr(module, "__path__", []))
    ]
    claims_by_number = {n: one for part in (module, *inner) for n, one in _of(part).items()}
    return dict(sorted(claims_by_number.items(), key=lambda item: _order(item[0])))


def _of(module: ModuleType) -> dict[str, Claim]:
    """The claims that a module makes itself."""
    claims = [one for one in vars(module).values() if isinstance(one, Claim)]
    return {one.number: one for one in claims if one.experiment.__module__ == module.__name__}


def _order(number: str) -> list[int]:
    return [int(part) for part in number.split(".")]
