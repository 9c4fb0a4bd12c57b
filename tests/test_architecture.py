"""The diagram and the table of docs/architecture.md are those of the code as it is."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DRAWN = runpy.run_path(str(ROOT / "scripts" / "architecture.py"))
PLACES = (ROOT, ROOT / "src", ROOT / "src" / "cutaway")
INVENTED = {"src/cutaway/show/templates/doubts.html"}  # CONTRIBUTING's example


def test_the_page_is_up_to_date():
    text = (ROOT / "docs" / "architecture.md").read_text()
    assert DRAWN["page"](text) == text, "python scripts/architecture.py draws it anew"


def test_only_direct_imports_are_drawn():
    rooms = {"top": {"middle", "low"}, "middle": {"low"}, "beside": {"low"}, "low": set()}
    assert DRAWN["direct"](rooms) == rooms | {"top": {"middle"}}
    assert DRAWN["floors"](rooms) == {"top": 2, "middle": 1, "beside": 1, "low": 0}


def test_what_is_drawn_reaches_all_that_is_imported():
    drawn = DRAWN["direct"](DRAWN["uses"]())

    def reached(name: str) -> set[str]:
        return drawn[name].union(*map(reached, drawn[name]))

    for name, used in DRAWN["uses"]().items():
        assert used <= reached(name)


def test_imports_inside_functions_count(tmp_path):
    file = tmp_path / "one.py"
    file.write_text("from cutaway import see\n\ndef f():\n    import cutaway.data.split\n")
    assert DRAWN["imported"](file) == {"see", "data"}


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_files_that_are_named_are_there(page):
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", (ROOT / page).read_text())
    named = [name for name in named if name not in INVENTED]
    assert len(named) > 10
    for name in named:
        assert any((start / name).exists() for start in PLACES), name
