import functools
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.pictures import encoded, image
from helpers.storage import Bucket

from cutaway.data.remote import bounded, fetched
from cutaway.data.sources import load
from cutaway.errors import CutawayError, DataError, UsageError

PHOTOS = "s3://bucket/photos"


def fill(bucket: Bucket, below: str = "photos", each: int = 6) -> None:
    for k, name in enumerate(("cat", "dog")):
        for i in range(each):
            picture = encoded(image(8, 8, seed=10 * k + i))
            bucket.put(f"{below}/{name}/{i}.png", picture)


def test_a_folder_elsewhere_is_as_one_here(bucket: Bucket, tmp_path: Path) -> None:
    fill(bucket)
    for name in bucket.names():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bucket.read(name))
    images, here = load(PHOTOS), load(tmp_path / "photos")
    assert images.name == PHOTOS
    assert (images.classes, list(images.names)) == (here.classes, list(here.names))
    assert torch.equal(images.images, here.images)
    assert images.fingerprint == here.fingerprint


def test_what_has_come_is_not_asked_for_again(bucket: Bucket) -> None:
    fill(bucket)
    load(PHOTOS)
    assert bucket.faults.gets(".png") == 12
    bucket.faults.seen.clear()
    assert len(load(PHOTOS)) == 12
    assert bucket.faults.gets(".png") == 0
    bucket.put("photos/cat/1.png", encoded(image(8, 8, seed=99)))
    bucket.remove("photos/dog/0.png")
    images = load(PHOTOS)
    assert bucket.faults.gets(".png") == 1
    assert len(images) == 11
    assert (images.images[1].numpy() == image(8, 8, seed=99)).all()


@pytest.mark.parametrize("what", ["503", "500", "drop", "cut"])
def test_what_passes_is_waited_for(bucket: Bucket, what: str) -> None:
    fill(bucket)
    bucket.faults.first(4, what, ".png")
    assert len(load(PHOTOS)) == 12


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("503", "it answers 503, too many requests or out of order, for 1 seconds"),
        ("403", "may not be read with the credentials that were found, if any: log in"),
        ("cut", "broke off, for 1 seconds. Try again later: what has arrived is kept"),
    ],
)
def test_what_stays_is_one_sentence_and_nothing_is_lost(
    bucket: Bucket, what: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(bucket)
    monkeypatch.setenv("CUTAWAY_PATIENCE", "1")
    bucket.faults.rule = lambda line: what if "dog" in line else ""
    with pytest.raises(DataError) as refusal:
        load(PHOTOS)
    assert sentence in str(refusal.value)
    assert str(refusal.value).startswith("s3://bucket/photos/dog/")
    bucket.calm()
    assert len(load(PHOTOS)) == 12
    assert 6 <= bucket.faults.gets(".png") < 12


def test_a_wait_is_noted_once(
    bucket: Bucket, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(bucket)
    monkeypatch.setenv("CUTAWAY_PATIENCE", "30")
    noted = ""

    def rule(line: str) -> str:
        nonlocal noted
        noted += capsys.readouterr().err
        return "drop" if ".png" in line and "Trying again" not in noted else ""

    bucket.faults.rule = rule
    assert len(load(PHOTOS)) == 12
    noted += capsys.readouterr().err
    lines = [line for line in noted.splitlines() if "Trying again" in line]
    assert len(lines) == 1
    assert lines[0].startswith(f"{PHOTOS}: no connection, or it broke off. Trying again, for 30")


@pytest.mark.parametrize(
    ("address", "error", "sentence"),
    [
        ("s3://bucket/nothing", DataError, "There is nothing at s3://bucket/nothing: check the"),
        ("s3://no-such-bucket/x", DataError, "There is nothing at s3://no-such-bucket/x"),
        ("s3://bucket/x.zip", DataError, "There is nothing at s3://bucket/x.zip"),
        ("s3://k:v@bucket/x", UsageError, "s3://bucket/x has a user or a password in it"),
        ("ftps4://host/x", UsageError, "'ftps4://' is not known. Use s3://, gs://"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(
    bucket: Bucket, address: str, error: type[CutawayError], sentence: str
) -> None:
    with pytest.raises(error) as refusal:
        load(address)
    assert sentence in str(refusal.value)


def test_without_credentials_it_says_where_to_log_in(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3fs = pytest.importorskip("s3fs")
    fill(bucket)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    s3fs.S3FileSystem.clear_instance_cache()
    bucket.faults.rule = lambda line: "403"
    with pytest.raises(DataError, match="log in as the provider's own tools do"):
        load(PHOTOS)
    s3fs.S3FileSystem.clear_instance_cache()


def test_messages_name_the_address_and_not_the_cache(bucket: Bucket) -> None:
    bucket.put("photos/a.png", encoded(image(8, 8)))
    bucket.put("photos/b.png", encoded(image(8, 8)))
    with pytest.raises(DataError) as refusal:
        load(PHOTOS)
    assert "The 2 files in s3://bucket/photos have no labels" in str(refusal.value)
    assert str(bounded.root()) not in str(refusal.value)


def test_more_than_the_cache_may_hold_is_refused(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(bucket)
    monkeypatch.setenv("CUTAWAY_CACHE_LIMIT", "1KB")
    with pytest.raises(DataError, match=r"cutaway pack s3://bucket/photos s3://bucket/photos-pack"):
        load(PHOTOS)
    monkeypatch.setenv("CUTAWAY_CACHE_LIMIT", "much")
    with pytest.raises(UsageError, match="CUTAWAY_CACHE_LIMIT=much is no size"):
        load(PHOTOS)


def test_the_cache_keeps_what_was_used_last(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        fill(bucket, name)
    size = sum(len(bucket.read(name)) for name in bucket.names("a/"))
    monkeypatch.setenv("CUTAWAY_CACHE_LIMIT", str(2 * size + 4000))
    for name in "abac":
        load(f"s3://bucket/{name}")
        held = sum(f.stat().st_size for f in bounded.root().rglob("*") if f.is_file())
        assert held <= bounded.limit() + 2000  # of the list of what is coming
    bucket.faults.seen.clear()
    load("s3://bucket/a")
    assert bucket.faults.gets(".png") == 0
    load("s3://bucket/b")
    assert bucket.faults.gets("/b/") == 12


def test_a_file_that_was_half_here_is_gone_on_with(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetched, "PIECE", 1000)
    archive = pytest.importorskip("io").BytesIO()
    import zipfile

    with zipfile.ZipFile(archive, "w") as file:
        for name in ("cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"):
            file.writestr(name, encoded(image(20, 20, seed=len(file.namelist()))))
    bucket.put("photos.zip", archive.getvalue())
    seen = []

    def rule(line: str) -> str:
        seen.append(line)
        return "403" if sum(".zip" in one for one in seen if one.startswith("GET")) > 3 else ""

    bucket.faults.rule = rule
    with pytest.raises(DataError, match="may not be read"):
        load("s3://bucket/photos.zip")
    bucket.calm()
    assert len(load("s3://bucket/photos.zip")) == 4
    assert bucket.faults.gets(".zip") == -(-len(archive.getvalue()) // 1000) - 3


def test_a_line_that_a_killed_process_left_is_passed_over(bucket: Bucket) -> None:
    fill(bucket)
    load(PHOTOS)
    (log,) = bounded.root().glob("set-*/arrived.jsonl")
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:-1]) + lines[-1][:10])
    bucket.faults.seen.clear()
    assert len(load(PHOTOS)) == 12
    assert bucket.faults.gets(".png") == 1
    assert json.loads(log.read_text().splitlines()[-1])[0] == json.loads(lines[-1])[0]


class Web(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Silence."""


@contextmanager
def web(folder: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Web, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_table_on_the_web_is_fetched_from_a_server_that_gives_no_spans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("aiohttp")
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(fetched, "PIECE", 1000)
    pictures = [encoded(image(8, 8, seed=i)) for i in range(12)]
    parquet.write_table(
        pa.table({"image": pictures, "label": [i % 2 for i in range(12)]}), tmp_path / "set.parquet"
    )
    with web(tmp_path) as address:
        images = load(f"{address}/set.parquet")
        assert images.name == f"{address}/set.parquet"
        assert (images.images[3].numpy() == image(8, 8, seed=3)).all()
        with pytest.raises(DataError, match=r"There is nothing at .*/other\.parquet"):
            load(f"{address}/other.parquet")


def test_a_label_column_is_asked_of_what_is_there(bucket: Bucket) -> None:
    fill(bucket)
    with pytest.raises(UsageError, match=r"and s3://bucket/photos has no columns"):
        load(PHOTOS, label="species")
