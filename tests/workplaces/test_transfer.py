"""Files on their way home: each once, whole, and in an order that a kill may cut anywhere."""

import os

import pytest

from cutaway.errors import RunError
from cutaway.files import write_whole
from cutaway.workplaces import transfer
from cutaway.workplaces.transfer import Changes


def fill(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def test_each_change_is_news_once(tmp_path):
    fill(tmp_path, "members/000/a", "members/001/b")
    changes = Changes(tmp_path)
    assert changes.news("members/000") == [("members/000/a", b"members/000/a")]
    assert changes.news("members/000") == []
    write_whole(tmp_path / "members/000/a", b"other")
    assert changes.news("members/000") == [("members/000/a", b"other")]


def test_what_came_from_home_is_no_news(tmp_path):
    fill(tmp_path, "run/a", "run/b")
    changes = Changes(tmp_path)
    changes.known(["run/a"])
    assert [name for name, _ in changes.news("run")] == ["run/b"]


def test_what_is_still_being_made_is_left(tmp_path):
    fill(tmp_path, "run/.a.17.tmp", "run/.cutaway-1.tmp/recipe.toml", "run/a")
    assert [name for name, _ in Changes(tmp_path).news("run")] == ["run/a"]


def test_the_sign_of_the_end_is_read_first_and_written_last(tmp_path, monkeypatch):
    """So with the checkpoint: what goes on from it may find newer files, never older ones."""
    names = ["run/results.json", "run/checkpoint/last", "run/weights", "run/aaa"]
    fill(tmp_path, *names)
    read, whole = [], type(tmp_path).read_bytes
    monkeypatch.setattr(
        type(tmp_path), "read_bytes", lambda path: (read.append(path.name), whole(path))[1]
    )
    written = [name for name, _ in Changes(tmp_path).news("run")]
    assert written == ["run/aaa", "run/weights", "run/checkpoint/last", "run/results.json"]
    assert read == ["results.json", "last", "weights", "aaa"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    files = [("members/000/a", b"1"), ("members/000/deep/b", b"2")]
    steps = []

    def told(one, other):
        steps.append(sorted(p.name for p in (tmp_path / "members").glob("000/**/*")))
        rename(one, other)

    rename = os.rename
    monkeypatch.setattr(os, "rename", told)
    transfer.write(tmp_path, files, "members/000")
    assert steps == [[]]
    assert transfer.read(tmp_path, ["members/000"]) == files
    assert [p.name for p in (tmp_path / "members").iterdir()] == ["000"]


def test_it_reads_what_is_there_by_name_or_folder(tmp_path):
    fill(tmp_path, "fleet.json", "members/000/a")
    found = transfer.read(tmp_path, ["fleet.json", "members/000", "members/001"])
    assert [name for name, _ in found] == ["fleet.json", "members/000/a"]


def test_where_it_cannot_be_written_a_sentence_says_so(tmp_path):
    (tmp_path / "members").write_text("a file in the way")
    with pytest.raises(RunError, match="cannot be written"):
        transfer.write(tmp_path, [("members/000/a", b"1")], "members/000")
