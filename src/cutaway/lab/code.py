"""The code that decides what an experiment finds, apart from what only says it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from cutaway.lab.experiment import Claim

CHAPTERS = Path(__file__).parent / "chapters"
PACKAGE = "cutaway.lab.chapters."


class _Name(NamedTuple):
    """A name of a file; all of them where it is empty."""

    file: Path
    name: str


class _Statement(NamedTuple):
    """A statement of a file: the names that it makes, what it says, and the names that it needs."""

    makes: set[str]
    text: str
    needs: list[_Name]


def code_of(claim: Claim) -> str:
    """The experiment and all that it uses of its file and of the chapters, name by name.

    Without comments, docstrings and what claims say of themselves, which change no result: so a
    change of one claim, or of a rule, does not undo what others found. The same in each version
    of Python.
    """
    parts: dict[tuple[str, str, int], str] = {}
    seen: set[_Name] = set()
    waiting = [_Name(claim.file, claim.experiment.__name__)]
    while waiting:
        asked = waiting.pop()
        if asked in seen:
            continue
        seen.add(asked)
        for place, one in enumerate(_statements(asked.file, asked.file.stat().st_mtime_ns)):
            key = (asked.file.parent.name, asked.file.name, place)
            # What makes no name counts always.
            if key not in parts and (not one.makes or not asked.name or asked.name in one.makes):
                parts[key] = one.text
                waiting += one.needs
    return "\n".join(parts[key] for key in sorted(parts))


@cache
def _statements(file: Path, _changed: int) -> list[_Statement]:
    """A file's statements, without docstrings, claims without decorators, imports one by one."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [one for one in node.body if not _is_text(one)]
        if isinstance(node, ast.FunctionDef) and any(map(_is_claim, node.decorator_list)):
            node.decorator_list = []
            node.args.defaults = []  # each setting's value stands beside the code
    nodes = [one for node in tree.body for one in _singly(node)]
    made = set().union(*map(_makes, nodes))
    return [
        _Statement(
            _makes(node),
            repr(_plain(node)),
            [one for one in _needs(node, file) if one.file != file or one.name in made],
        )
        for node in nodes
    ]


def _singly(node: ast.stmt) -> list[ast.stmt]:
    match node:
        case ast.ImportFrom(module, names, level):
            return [ast.ImportFrom(module, [one], level) for one in names]
        case ast.Import(names):
            return [ast.Import([one]) for one in names]
    return [node]


def _is_text(node: ast.stmt) -> bool:
    """Whether a statement is a string: a docstring."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_claim(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "claim"


def _makes(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {(one.asname or one.name).split(".")[0] for one in names}
    stored = (one for one in ast.walk(node) if isinstance(one, ast.Name))
    return {one.id for one in stored if isinstance(one.ctx, ast.Store)}


def _needs(node: ast.stmt, file: Path) -> Iterator[_Name]:
    """The names that a statement takes from its file, and what it takes from a chapter's files."""
    if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(PACKAGE):
        module = CHAPTERS.joinpath(*f"{node.module}.".removeprefix(PACKAGE).split("."))
        for name in node.names:
            wanted = [(module.with_suffix(".py"), name.name), (module / f"{name.name}.py", "")]
            yield from (_Name(*pair) for pair in wanted if pair[0].is_file())
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            yield _Name(file, one.id)
        elif isinstance(one, ast.Constant) and str(one.value).endswith(".py"):
            script = file.with_name(str(one.value))  # one that is run beside it
            yield from [_Name(script, "")] * script.is_file()


def _plain(node: Any) -> Any:
    """A tree as lists; without what is empty, which is what versions of Python differ in."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, ast.AST):
        return node
    fields = [(name, _plain(value)) for name, value in ast.iter_fields(node)]
    return [type(node).__name__, *(one for one in fields if one[1] not in (None, []))]
