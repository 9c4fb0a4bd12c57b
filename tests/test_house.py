"""The rules of the house: imports go downhill, lint, types, size of files."""

import ast
import builtins
import re
import runpy
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "cutaway"
READING = runpy.run_path(str(ROOT / "scripts" / "architecture.py"))
imported, room, WHEN_ASKED = (READING[name] for name in ("imported", "room", "WHEN_ASKED"))

# What each room may know of, besides itself and the ground (GROUND).
MAY_IMPORT = {
    "together": set(),
    "data": {"together"},
    "models": {"together"},
    "byhand": set(),
    "see": {"together"},
    "learn": {"together", "data", "models", "see"},
    "recipes": {"models", "learn"},
    "systems": {"data", "models", "learn", "byhand"},
    "lab": {"data", "models", "byhand", "see", "learn"},
    "ship": {"data", "models", "see", "learn"},
    "show": {"data", "models", "byhand", "see", "learn", "lab"},
    "planning": {"data", "learn", "recipes", "show"},
    "doctor": {"data", "learn"},
    "jobs": {"together", "data", "learn", "show"},
    "api": {"together", "data", "models", "learn", "planning", "jobs", "show", "ship"},
    "studio": {
        "together",
        "byhand",
        "systems",
        "data",
        "models",
        "see",
        "learn",
        "lab",
        "recipes",
        "show",
        "ship",
        "api",
    },
    "cli": {
        "together",
        "data",
        "models",
        "learn",
        "recipes",
        "planning",
        "doctor",
        "lab",
        "ship",
        "show",
        "api",
        "byhand",
        "systems",
        "studio",
    },
    "__main__": {"cli"},
}
GROUND = {
    "addresses", "arithmetic", "errors", "figures", "files", "processes", "randomness", "settings",
    "version", "workplaces",
}  # fmt: skip
# What is on disk goes on: `run.resume()` asks what made it, also only then. A recipe asks its model
# and its task for their options then: the command line offers its fields without PyTorch.
GOES_ON = {"learn/run.py", "learn/fleet/fleet.py", "learn/search/search.py", "learn/recipe.py"}


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_downhill(path):
    here = room(path)
    if here == "__init__":
        return
    allowed = GROUND if here in GROUND else GROUND | {here} | MAY_IMPORT[here]
    assert imported(path) <= allowed | WHEN_ASKED.get(path.relative_to(PACKAGE).as_posix(), set())
    assert {name.split(".")[1] for name in at_once(path)} <= allowed


def module(path):
    """The name under which a file is imported."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path, modules):
    """The modules that a file imports, also inside functions; not those for annotations alone."""
    found, nodes = set(), [ast.parse(path.read_text())]
    later = path.relative_to(PACKAGE).as_posix() in WHEN_ASKED.keys() | GOES_ON
    for node in nodes:
        if later and isinstance(node, ast.FunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in modules else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        nodes += ast.iter_child_nodes(node)
    return found & modules


def at_once(path):
    """The modules of the package that a file imports before it is asked anything."""
    tree = ast.parse(path.read_text())
    names = {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
    return {name for name in names if name.startswith("cutaway.")}


def test_no_files_import_each_other_in_a_circle():
    modules = {module(path) for path in FILES}
    graph = {module(path): imports_of(path, modules) for path in FILES}
    TopologicalSorter(graph).prepare()  # raises CycleError, with the circle


def test_no_file_reaches_the_package_from_above():
    """`import cutaway` inside the package would go round the import rule."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert "cutaway" not in {alias.name for alias in node.names}, path


def test_every_name_is_known():
    """Ruff's rule on undefined names is off, since it reads the shapes in annotations as names."""
    for path in FILES:
        nodes = [*ast.walk(ast.parse(path.read_text()))]
        bound = {*vars(builtins), "__file__", "__name__", "__path__"}
        for node in nodes:
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                bound.add(node.id)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                bound.add(node.name)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                bound |= {(a.asname or a.name).partition(".")[0] for a in node.names}
            elif isinstance(node, ast.arg):
                bound.add(node.arg)
            elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
                bound.add(node.name)
        used = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        assert used <= bound, f"{path}: {used - bound}"


def test_files_are_short():
    assert [p.name for p in FILES if p.read_text().count("\n") > 300] == []


TESTS = Path(__file__).parent
FOR_ALL = {
    TESTS,
    TESTS / "helpers",
    TESTS / "helpers" / "counter_worlds",
}  # folders that mirror no folder of the package


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
    "command",
    [
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        pytest.param(["mypy"], marks=pytest.mark.slow),
    ],
    ids=lambda c: c[0],
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
