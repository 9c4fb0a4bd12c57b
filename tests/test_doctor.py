"""`cutaway doctor`: on this computer, and on others with something amiss."""

import json
import os
import subprocess
from importlib.metadata import metadata

import pytest
from helpers.command import CUTAWAY, cutaway, words

from cutaway.doctor import COMBINED, Finding, cache, data, examine, extras, packages


def told(found):
    """What was told of each thing; of several under one name the last."""
    return {one.what: one for one in found}


def fake(folder, name, version, *needs):
    """A package that says that it is installed."""
    place = folder / f"{name}-{version}.dist-info"
    place.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {one}" for one in needs]
    (place / "METADATA").write_text("\n".join(lines) + "\n")


def test_this_computer_is_well():
    found = told(examine())
    assert [one for one in found.values() if one.fine is False] == []
    assert found["packages"].told.startswith("all ")
    for extra in metadata("cutaway").get_all("Provides-Extra"):
        assert (extra in found) == (extra not in COMBINED)
    assert found["search"] == Finding("search", "installed")


def test_it_is_a_line_each_or_json():
    lines = cutaway("doctor")
    assert lines.code == 0
    rows = cutaway("doctor", "--json").json
    assert len(rows) == len(lines.out.splitlines())
    for line, row in zip(lines.out.splitlines(), rows, strict=True):
        assert words(line).startswith({True: "ok", None: "-"}[row["fine"]] + f" {row['what']} ")


def test_what_is_missing_or_too_old_is_named_with_what_to_install(tmp_path, monkeypatch):
    fake(tmp_path, "pooch", "0.1")
    fake(tmp_path, "optuna", "1.0")
    monkeypatch.syspath_prepend(tmp_path)
    (old,) = packages()
    assert old.fine is False
    assert old.told == "pooch is 0.1, and >=1.8 is needed"
    assert old.advice == "pip install 'pooch>=1.8'"
    search = told(extras())["search"]
    assert search.fine is None
    assert search.told == "optuna is 1.0, and >=5 is needed"
    assert search.advice == "pip install 'cutaway[search]'"
    fake(tmp_path, "cutaway", "9", "nothing-here>=2", 'never; python_version < "3"')
    (lacking,) = packages()
    assert lacking.told == "nothing-here is not installed"


def test_an_extra_of_extras_lacks_what_they_lack(tmp_path, monkeypatch):
    fake(tmp_path, "pyarrow", "1.0")
    monkeypatch.syspath_prepend(tmp_path)
    found = told(extras())
    assert {name for name, one in found.items() if one.fine is None} == {"parquet", "remote"}


def test_a_cache_that_cannot_be_written_is_wrong(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "file"))
    (found,) = cache()
    assert found.fine is False
    assert "cannot be written" in found.told
    assert "CUTAWAY_CACHE" in found.advice


def test_data_that_are_not_where_they_are_said_to_be_are_wrong(tmp_path, monkeypatch):
    monkeypatch.setenv("CUTAWAY_DATA", str(tmp_path / "nowhere"))
    (found,) = data()
    assert found.fine is False
    (tmp_path / "mnist").mkdir()
    monkeypatch.setenv("CUTAWAY_DATA", str(tmp_path))
    (found,) = data()
    assert found.fine is True
    assert "mnist" in found.told


@pytest.mark.parametrize("fault", ["ImportError('libtorch.so: cannot open')", "OSError('9')"])
def test_a_pytorch_that_is_broken_is_told_and_the_rest_is_looked_at(tmp_path, fault):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(f"raise {fault}\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [*CUTAWAY, "doctor", "--json"], env=os.environ | {"PYTHONPATH": path}, check=False,
        capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    found = {one["what"]: one for one in json.loads(done.stdout)}
    assert found["PyTorch"]["fine"] is False
    assert fault.split("'")[1] in found["PyTorch"]["told"]
    assert "pip install" in found["PyTorch"]["advice"]
    assert {"cache", "data", "search"} <= found.keys()
