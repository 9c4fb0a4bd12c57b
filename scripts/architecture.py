"""Draw the packages of Cutaway and their imports into docs/architecture.md.

    python scripts/architecture.py

The diagram and the table come from the code: imports by `ast` (also those inside functions), and
the first paragraph of each package's docstring. No module is loaded. `tests/test_house.py` reads
imports with the same functions.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "cutaway"
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- made by scripts/architecture.py -->\n", "<!-- end of what was made -->\n"
GROUND, OF_GROUND = "ground", {"figures", "workplaces"}
"""All that others stand on is drawn as one: single files, and the folders that are named here."""
OUTSIDE = {"__init__", "__main__"}  # the package's face and `python -m cutaway`: no room of theirs

WHEN_ASKED = {"learn/job.py": {"show"}}
"""The only way up: what is on disk shows itself, so that `run.report()` and a notebook find its
page. It is looked up when it is asked for, never before."""

Uses = dict[str, set[str]]
"""Each room with the rooms that it imports from."""


@cache
def imported(path: Path) -> set[str]:
    """Return the rooms that a file imports from, also inside functions."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
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
    """Return the room that a file belongs to: a folder or a single file of the package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports() -> Uses:
    """Return what each room imports from."""
    found: Uses = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if room(path) not in OUTSIDE:
            up = WHEN_ASKED.get(path.relative_to(PACKAGE).as_posix(), set())
            found.setdefault(room(path), set()).update(imported(path) - {room(path)} - up)
    return found


def uses() -> Uses:
    """Return what each room imports from, the files of the ground taken as one room."""
    found = imports()
    ground = grounded(found)
    joined: Uses = {GROUND: set()}
    for name in found.keys() - ground:
        joined[name] = {GROUND if used in ground else used for used in found[name]}
    return joined


def grounded(rooms: Uses) -> set[str]:
    """Return the rooms of the ground that import nothing but each other."""
    files = {name for name in rooms if (PACKAGE / f"{name}.py").is_file()} | OF_GROUND
    while above := {name for name in files if not rooms[name] <= files}:
        files -= above
    return files


def direct(rooms: Uses) -> Uses:
    """Leave out what a room reaches through another that it uses (transitive reduction)."""

    @cache
    def reached(name: str) -> frozenset[str]:
        return frozenset(rooms[name]).union(*(reached(one) for one in rooms[name]))

    return {
        name: {one for one in used if not any(one in reached(other) for other in used - {one})}
        for name, used in rooms.items()
    }


def floors(rooms: Uses) -> dict[str, int]:
    """Return how many imports a room stands above the ground, by the longest way down."""

    @cache
    def height(name: str) -> int:
        return max((1 + height(one) for one in rooms[name]), default=0)

    return {name: height(name) for name in rooms}


def diagram(rooms: Uses) -> Iterator[str]:
    """Write the rooms as a Mermaid flow chart, a floor a subgraph, the highest first."""
    heights = floors(rooms)
    yield "```mermaid\nflowchart TD\n"
    for floor in sorted(set(heights.values()), reverse=True):
        names = sorted(name for name in rooms if heights[name] == floor)
        yield f"  subgraph floor{floor} [floor {floor}]\n"
        yield f"    {'; '.join(names)}\n  end\n"
    files = ", ".join(sorted(grounded(imports())))
    yield f'  {GROUND}["{GROUND}: {files}"]\n'
    for name, used in sorted(direct(rooms).items(), key=lambda one: (-heights[one[0]], one[0])):
        if used:
            yield f"  {name} --> {' & '.join(sorted(used))}\n"
    yield "```\n"


def purpose(path: Path) -> str:
    """Return the first paragraph of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return text.partition("\n\n")[0].replace("\n", " ")


def table() -> Iterator[str]:
    """Write a row for each package, two levels deep, and each single file of the top."""
    yield "| where | what it says of itself |\n| --- | --- |\n"
    for path in sorted([*PACKAGE.glob("*/__init__.py"), *PACKAGE.glob("*/*/__init__.py")]):
        yield f"| `{path.parent.relative_to(PACKAGE)}/` | {purpose(path)} |\n"
    for path in sorted(PACKAGE.glob("*.py")):
        if path.stem not in OUTSIDE:
            yield f"| `{path.name}` | {purpose(path)} |\n"


def section() -> str:
    """Write what stands between the two marks of the page."""
    return "".join(["\n", *diagram(uses()), "\n", *table(), "\n"])


def page(text: str) -> str:
    """Return the page with its section made anew."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return before + BEGIN + section() + END + after


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
