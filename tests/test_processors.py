"""What `scripts/processors.py` runs: every processor once, and the one unlike plain `pytest`."""

import runpy
from pathlib import Path

SCRIPT = runpy.run_path(str(Path(__file__).parents[1] / "scripts" / "processors.py"))


def test_the_last_combination_differs_from_the_first_in_all_that_it_sets():
    plain, *_, opposite = SCRIPT["combinations"]()
    assert plain.keys() == {"CUTAWAY_PRECISION"}
    assert {plain["CUTAWAY_PRECISION"], opposite["CUTAWAY_PRECISION"]} == {"float32", "bfloat16"}
    assert set(opposite.items()).isdisjoint(plain.items())


def test_every_combination_is_there_once():
    found = [tuple(sorted(one.items())) for one in SCRIPT["combinations"]()]
    assert len(set(found)) == len(found)
    for name in {name for one in found for name, _ in one}:
        levels = [dict(one).get(name) for one in found]
        assert len({levels.count(level) for level in levels}) == 1
