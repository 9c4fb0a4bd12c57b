"""The code of a claim: what decides its result, and nothing else."""

from pathlib import Path

import pytest

from cutaway import lab
from cutaway.lab import code, registry
from cutaway.lab.code import code_of


def test_a_change_of_its_code_is_another_key(own):
    before = {one.number: code_of(one) for one in registry.OWN.values()}
    own.write_text(own.read_text().replace('seed, "coin"', 'seed, "other coin"'))
    assert code_of(lab.claim("coins.fair")) != before["coins.fair"]
    assert code_of(lab.claim("coins.slow")) == before["coins.slow"]


def test_a_change_of_words_is_none(own):
    before = code_of(lab.claim("coins.fair"))
    text = (
        own.read_text().replace("The coin is fair.", "It is.").replace("def wait", "# no\ndef wait")
    )
    own.write_text(text)
    assert code_of(lab.claim("coins.fair")) == before


def test_no_other_claim_and_no_rule_counts():
    """A chapter's files are read by name: what an experiment uses, wherever it stands."""
    rocks = code_of(lab.claim("6.8"))
    for used in ("Answers", "Folds", "left_out"):  # of its neighbour
        assert f"'name', '{used}'" in rocks
    assert "better_and_faster" in Path(lab.claim("6.8").file).read_text()
    assert "better_and_faster" not in rocks
    assert "'name', 'lenet'" not in rocks


def test_the_quick_settings_count_as_settings(own):
    before = code_of(lab.claim("coins.fair"))
    assert "replicates: Replicates = 400" in own.read_text()
    own.write_text(own.read_text().replace("Replicates = 400", "Replicates = 500"))
    assert code_of(lab.claim("coins.fair")) == before


def test_another_chapter_counts_where_it_is_used():
    gates = (Path(code.__file__).parent / "chapters/neurons/gates.py").read_text()
    assert "def table_of" in gates
    users = [one for one in lab.claims("4") if "'table_of'" in code_of(one)]
    assert users
    assert all("('name', 'table_of')" in code_of(one) for one in users)


def test_a_program_that_is_run_beside_it_counts():
    assert "tensorflow" in code_of(lab.claim("8.5"))


@pytest.mark.parametrize("one", lab.claims(), ids=lambda one: one.number)
def test_each_claim_has_its_experiment(one):
    assert f"('name', '{one.experiment.__name__}')" in code_of(one)
