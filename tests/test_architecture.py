"""The diagram and the table of docs/architecture.md are those of the code as it is."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]
DRAWN = runpy.run_path(str(ROOT / "scripts" / "architecture.py"))


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
