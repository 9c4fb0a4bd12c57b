import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.storage import Bucket

from cutaway.data.feed import Feed, Normalise
from cutaway.data.imageset import ImageSet
from cutaway.data.remote import bounded
from cutaway.data.remote.write import write
from cutaway.data.sources import load
from cutaway.errors import DataError
from cutaway.randomness import generator

PACKED = "s3://bucket/packed"
COUNT, SHARD = 600, 1920  # 60 shards of 10 images
SMALL = str(30 * SHARD)  # a cache for half of them


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a packed set."""
    pytest.importorskip("pyarrow")
    images = torch.randint(256, (COUNT, 8, 8, 3), generator=generator(1)).to(torch.uint8)
    names = [f"noise/{i}" for i in range(COUNT)]
    noise = ImageSet(images, torch.arange(COUNT) % 2, ("a", "b"), names, name="noise")
    folder = tmp_path_factory.mktemp("packed")
    write(noise, str(folder), val=0.0, test=0.0, shard_size=SHARD / 1e6)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def packed(server: Bucket, files: dict[str, bytes]) -> Bucket:
    server.calm()
    there = server.names()
    for name, content in files.items():
        if f"packed/{name}" not in there or "shard-000007" in name:
            server.put(f"packed/{name}", content)
    return server


def feed(images: ImageSet) -> Feed:
    index = torch.arange(len(images))
    return Feed(images, index, batch_size=50, normalise=Normalise((0.5,) * 3, (0.5,) * 3))


def batches(images: ImageSet, numbers: range = range(24)) -> list[torch.Tensor]:
    one = feed(images)
    return [one.batch(number).x for number in numbers]


def test_the_batches_are_the_same_whatever_the_cache(
    packed: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = load(PACKED)
    expected = batches(images)
    assert packed.faults.gets("shard-") == 60  # each once, for two epochs
    monkeypatch.setenv("CUTAWAY_CACHE_LIMIT", SMALL)
    for path in bounded.root().glob("shard-*"):
        path.unlink()
    one = feed(load(PACKED))
    for number, x in enumerate(expected):
        assert torch.equal(one.batch(number).x, x)
        held = sum(path.stat().st_size for path in bounded.root().glob("shard-*"))
        assert held <= bounded.limit()
    packed.faults.seen.clear()
    batches(load(PACKED), range(12, 24))
    assert packed.faults.gets("shard-") > 30


def test_of_images_at_hand_the_same_order_gives_the_same_batches(packed: Bucket) -> None:
    images = load(PACKED)
    one = feed(images)
    every = images.images[torch.arange(COUNT)]
    for number in (0, 7, 20):
        batch = one.batch(number)
        pixels = every[batch.index].movedim(-1, 1).float().div(255)
        assert torch.equal(batch.x, pixels.sub(0.5).div(0.5))


def test_what_is_needed_next_is_on_its_way(packed: Bucket) -> None:
    images = load(PACKED)
    one = feed(images)
    one.batch(0)
    rows: Any = images.images.rows  # type: ignore[attr-defined]
    for future in list(rows._coming.values()):
        future.result(10)
    ahead = packed.faults.gets("shard-")
    needed = (one.order(0)[:50] // 10).unique().numel()
    assert ahead > needed


@pytest.mark.parametrize("what", ["503", "drop", "cut", "damage"])
def test_faults_that_pass_change_nothing(packed: Bucket, what: str) -> None:
    expected = batches(load(PACKED), range(4))
    for path in bounded.root().glob("shard-*"):
        path.unlink()
    packed.faults.first(3, what, "shard-")
    found = batches(load(PACKED), range(4))
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_a_damaged_shard_is_a_sentence(packed: Bucket) -> None:
    name = next(one for one in packed.names() if "shard-000007" in one)
    content = packed.read(name)
    packed.put(name, content[:100] + bytes([content[100] ^ 1]) + content[101:])
    images = load(PACKED)
    assert images.images[60].shape == (8, 8, 3)
    with pytest.raises(DataError, match=r"s3://bucket/packed/shard-000007.*parquet is damaged"):
        images.images[torch.tensor([70])]
    packed.put(name, content)
    assert images.images[70].shape == (8, 8, 3)  # once it is brought back


def test_a_shard_that_is_gone_is_a_sentence(packed: Bucket) -> None:
    packed.remove(next(one for one in packed.names() if "shard-000007" in one))
    with pytest.raises(DataError, match=r"There is nothing at s3://bucket/packed/shard-000007"):
        load(PACKED).images[torch.tensor([70])]


def test_a_cache_that_is_too_small_is_a_sentence(
    packed: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUTAWAY_CACHE_LIMIT", "20KB")
    with pytest.raises(DataError, match=r"may hold 20 KB, and the shards of s3://bucket/packed.*"):
        load(PACKED)


def test_processes_share_the_cache(packed: Bucket) -> None:
    sets = [load(PACKED) for _ in range(4)]  # each with threads and maps of its own
    found: dict[int, list[torch.Tensor]] = {}

    def read(k: int) -> None:
        found[k] = batches(sets[k], range(12))

    threads = [threading.Thread(target=read, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(1, 4):
        assert all(torch.equal(a, b) for a, b in zip(found[k], found[0], strict=True))
    assert packed.faults.gets("shard-") == 60


MEMORY = """
import sys, torch
from cutaway.data.feed import Feed, Normalise
from cutaway.data.sources import load
def resident():
    return int(open('/proc/self/statm').read().split()[1]) * 4096
images = load(sys.argv[1])
feed = Feed(images, torch.arange(len(images)), batch_size=64, normalise=Normalise((0.,), (1.,)))
def epoch(n):
    for number in range(n * feed.batches_per_epoch, (n + 1) * feed.batches_per_epoch):
        feed.batch(number)
    return resident()
half = [feed.batch(number) is None for number in range(feed.batches_per_epoch // 3)]
print(resident(), epoch(1), epoch(2))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="tells no memory")
def test_memory_stays_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    images = torch.zeros(4000, 25_000, 1, dtype=torch.uint8)  # 100 MB of signals
    images[:, 0, 0], images[:, 1, 0] = torch.arange(4000) % 251, torch.arange(4000) // 251
    noise = ImageSet(images, torch.arange(4000) % 2, ("a", "b"), [str(i) for i in range(4000)])
    write(noise, str(tmp_path / "packed"), val=0.0, test=0.0, shard_size=0.5)
    monkeypatch.setenv("CUTAWAY_CACHE_LIMIT", "20MB")
    run = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path / "packed")], capture_output=True, check=True
    )
    early, first, second = map(int, run.stdout.split())
    assert max(first, second) - early < 30e6
