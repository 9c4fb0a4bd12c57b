"""The rules of the house: imports go downhill, lint, types, size of files."""

import ast
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "cutaway"

# What each room may know of, besides itself and the ground (GROUND).
MAY_IMPORT = {
    "data": set(),
    "models": set(),
    "byhand": set(),
    "see": set(),
    "learn": {"data", "models", "see"},
    "recipes": {"models", "learn"},
    "systems": {"data", "models", "learn", "byhand"},
    "lab": {"data", "models", "byhand", "see", "learn"},
    "ship": {"data", "models", "see", "learn"},
    "show": {"data", "models", "byhand", "see", "learn", "lab"},
    "api": {"data", "models", "learn", "recipes", "show", "ship"},
    "cli": {
        "data",
        "models",
        "learn",
        "recipes",
        "lab",
        "ship",
        "show",
        "api",
        "byhand",
        "systems",
    },
    "__main__": {"cli"},
}
GROUND = {"arithmetic", "errors", "files", "randomness"}
# The only way up: what is on disk shows itself, so that `run.report()` and a notebook find its
# page. Looked up when it is asked for, never before.
WHEN_ASKED = {"learn/job.py": {"show"}}


def imported(path: Path, at_once: bool = False) -> set[str]:
    """The rooms that a file imports, also inside functions unless only what comes `at_once`."""
    rooms, tree = set(), ast.parse(path.read_text())
    for node in tree.body if at_once else ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "cutaway" else []
            names += [f"cutaway.{a.name}" for a in node.names if node.module == "cutaway"]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        rooms |= {name.split(".")[1] for name in names if name.startswith("cutaway.")}
    return rooms


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_downhill(path):
    here = room(path)
    if here == "__init__":
        return
    allowed = GROUND if here in GROUND else GROUND | {here} | MAY_IMPORT[here]
    assert imported(path, at_once=True) <= allowed
    assert imported(path) <= allowed | WHEN_ASKED.get(path.relative_to(PACKAGE).as_posix(), set())


def test_files_are_short():
    assert [p.name for p in FILES if p.read_text().count("\n") > 300] == []


TESTS = Path(__file__).parent
FOR_ALL = {TESTS, TESTS / "helpers"}  # folders that mirror no folder of the package


def test_tests_lie_where_their_modules_do():
    """Names need not be unique: pytest imports each file by its path."""
    folders = {path.parent for path in TESTS.rglob("*.py")} - FOR_ALL
    mirrored = {TESTS / path.parent.relative_to(PACKAGE) for path in FILES}
    assert folders - mirrored == set()
    assert not list((TESTS / "helpers").glob("test_*.py"))


def test_no_test_imports_another():
    """Also not in a program that it writes; what two of them need is in `helpers`."""
    imports = re.compile(r"^\s*(?:from|import)\s.*\b(?:test_\w+|conftest)\b", re.MULTILINE)
    found = {path: imports.findall(path.read_text()) for path in TESTS.rglob("*.py")}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_experiments_fit_a_page():
    """One of the lab is under 60 lines, from its name to its end."""
    long = []
    for path in (PACKAGE / "lab" / "chapters").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            marks = map(ast.unparse, getattr(node, "decorator_list", []))
            proved = any(mark.startswith("claim(") for mark in marks)
            if proved and node.end_lineno - node.lineno + 1 >= 60:
                long.append(f"{path.stem}.{node.name}")
    assert long == []


@pytest.mark.parametrize(
    "command", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=lambda c: c[0]
)
def test_lint_and_types(command):
    oldest = sys.version_info[:2] == (3, 11) and int(version("torch").split(".")[1]) >= 13
    if command == ["mypy"] and not oldest:
        pytest.skip("types are checked beside Python 3.11 and torch 2.13: libraries change theirs")
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_front_door_opens_without_anything_heavy():
    code = (
        "import sys, cutaway, cutaway.cli\n"
        "heavy = {'torch', 'numpy', 'sklearn', 'matplotlib', 'PIL', 'pyarrow', 'scipy'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
