from pathlib import Path

import pytest
from helpers.pictures import image, write

from cutaway.data.audit import audit
from cutaway.data.finding_notes import notable
from cutaway.data.similar_names import alike_classes
from cutaway.data.sources import load


@pytest.mark.parametrize(
    "names",
    [("Cat", "cat"), ("hot dog", "hot_dog"), ("1", "01"), ("1", "1.0"), ("e\u0301", "\u00e9")],
)
def test_one_class_written_in_two_ways(names: tuple[str, str]) -> None:
    findings = alike_classes([*names, "other"])
    assert [(f.kind, f.where) for f in findings] == [("alike-classes", names)]
    assert f"{names[0]!r} and {names[1]!r}" in findings[0].detail


def test_names_that_differ_are_not_told_of() -> None:
    assert alike_classes(["1", "-1", "10", "cat", "cats", "a b", "ab", "1.5", "15"]) == []


@pytest.mark.parametrize("name", ["nan", "None", "?", "N/A"])
def test_a_name_that_means_no_label(name: str) -> None:
    assert [(f.kind, f.where) for f in alike_classes([name, "cat"])] == [("blank-class", (name,))]


def test_a_folder_and_a_table_are_audited_for_it_and_train_says_it(tmp_path: Path) -> None:
    for i, name in enumerate(("Cat", "cat", "None")):
        write(tmp_path, f"folder/{name}/{i}.png", image(8, 8, seed=i))
    lines = ["file,label", *(f"folder/{c}/{i}.png,{c}" for i, c in enumerate(["Cat", "cat"]))]
    lines += ["folder/None/2.png,none"]
    table = write(tmp_path, "t.csv", "\n".join(lines).encode())
    for source in (tmp_path / "folder", table):
        kinds = [kind for kind, _ in notable(audit(load(source)).findings)]
        assert {"alike-classes", "blank-class"} <= set(kinds)
