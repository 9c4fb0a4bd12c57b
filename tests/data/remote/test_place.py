import subprocess
import sys

import pytest

from cutaway.data.remote import bounded
from cutaway.data.remote.place import Place
from cutaway.data.remote.reasons import passing, reason
from cutaway.errors import DataError, UsageError

WITHOUT = """
import sys
for name in {names!r}:
    sys.modules[name] = None
from cutaway.data.sources import load
from cutaway.errors import UsageError
assert len(load("digits")) == 1797
try:
    load({address!r})
except UsageError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("address", "names"),
    [("s3://bucket/x", ["fsspec"]), ("s3://bucket/x", ["s3fs"]), ("gs://bucket/x", ["gcsfs"])],
)
def test_without_the_extra_it_says_what_to_install(address: str, names: list[str]) -> None:
    code = WITHOUT.format(names=names, address=address)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        f"{address} needs libraries that are not installed: pip install 'cutaway[remote]'.\n"
    )


def test_patience_has_to_be_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTAWAY_PATIENCE", "long")
    with pytest.raises(UsageError, match="CUTAWAY_PATIENCE=long is no number of seconds"):
        Place("s3://bucket/x")


def test_who_gives_up_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTAWAY_PATIENCE", "1000")
    place, tries = Place("s3://bucket/x"), []

    def action() -> None:
        tries.append(0)
        place.give_up()
        raise ConnectionError

    with pytest.raises(DataError, match="nothing answers there"):
        place.patiently(action, "name")
    assert len(tries) == 1


class Answered(Exception):
    def __init__(self, status: int):
        self.status = status


@pytest.mark.parametrize(
    ("error", "passes", "words"),
    [
        (Answered(503), True, "it answers 503, too many requests"),
        (Answered(403), False, "it may not be read with the credentials"),
        (Answered(418), False, "it answers 418"),
        (TimeoutError(), True, "it does not answer in time"),
        (PermissionError(), False, "it may not be read with the credentials"),
        (OSError(28, "No space left on device"), False, "No space left on device"),
        (ConnectionResetError(), True, "no connection, or it broke off"),
        (ValueError("odd"), False, "ValueError: odd"),
    ],
)
def test_a_failure_in_words(error: Exception, passes: bool, words: str) -> None:
    assert passing(error) is passes
    assert reason(error).startswith(words)


@pytest.mark.parametrize(
    ("text", "size"), [("20GB", 20e9), ("1.5 TB", 1.5e12), ("300", 300), ("8MiB", 8e6), ("2k", 2e3)]
)
def test_sizes(text: str, size: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTAWAY_CACHE_LIMIT", text)
    assert bounded.limit() == size


@pytest.mark.parametrize("address", ["http://no-such-host.invalid/set.csv", "http://127.0.0.1:9/a"])
def test_where_nothing_has_ever_answered_no_patience_is_shown(address, capsys, monkeypatch):
    """A mistyped host is told in seconds, and in one sentence: this would take a day else."""
    monkeypatch.setenv("CUTAWAY_PATIENCE", "86400")
    with pytest.raises(DataError, match="nothing answers there"):
        Place(address).read()
    assert capsys.readouterr().err == ""
