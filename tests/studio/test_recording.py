"""A recording: one file that holds all it needs, whatever is in the names."""

import json
import re

import pytest

from cutaway.api import fit
from cutaway.errors import RunError, UsageError
from cutaway.learn.snapshots import Snapshots
from cutaway.studio.recording import FRAMES, bundled, page_with, recorded, write_recording


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return fit("mlp", "digits", epochs=2, out=out, progress=False, callbacks=[Snapshots()])


def test_it_has_a_moment_for_snapshots_from_the_first_to_the_last(run):
    found = recorded(run)
    steps = [frame["at"] for frame in found["frames"]]
    assert steps == sorted(steps)
    assert steps[0] == 0
    assert steps[-1] == found["begun"]["steps"]
    assert len(steps) <= FRAMES
    accuracy = [frame["metrics"].get("val_accuracy") for frame in found["frames"]]
    assert accuracy[0] is None
    assert accuracy[-1] > 0.5
    names = {view["name"] for view in found["begun"]["views"]}
    assert {"curves", "filters", "maps", "confusion"} <= names


def test_a_moment_knows_nothing_of_what_came_later(run):
    found = recorded(run)
    for frame in found["frames"]:
        for curve in frame["figures"]["curves"]:
            assert all(x <= frame["at"] for series in curve["series"] for x in series["x"])


def test_the_file_asks_for_nothing_and_its_data_end_no_script(run, tmp_path):
    write_recording(run.path, tmp_path / "demo.html")
    page = (tmp_path / "demo.html").read_text()
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert "import {" not in page
    hostile = {"begun": {"title": "</script><script>alert(1)</script><!--"}, "frames": []}
    page = page_with(hostile)
    data = page.split('id="recording">')[1].split("</script>")[0]
    assert json.loads(data) == hostile


def test_modules_come_after_what_they_import():
    script = bundled("main.js")
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)
    names = re.findall(r"^(?:async )?(?:function|class|const|let) \*?(\w+)", script, re.MULTILINE)
    assert len(names) == len(set(names))


def test_a_run_without_snapshots_is_refused(tmp_path):
    plain = fit("mlp", "digits", epochs=1, out=tmp_path / "run", progress=False)
    with pytest.raises(UsageError, match="keeps no snapshots"):
        write_recording(plain.path, tmp_path / "demo.html")


def test_a_run_that_has_not_ended_is_refused(run, tmp_path):
    import shutil

    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    (copy / "results.json").unlink()
    with pytest.raises(RunError, match="has not finished"):
        write_recording(copy, tmp_path / "demo.html")


def test_what_cannot_be_written_is_told(run, tmp_path):
    with pytest.raises(RunError):
        write_recording(run.path, tmp_path / "nowhere" / "demo.html")
