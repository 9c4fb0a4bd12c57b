"""Training from shards behind a slow network, against the same images on the local disk.

    python -m bench.streaming [--delay 0.05] [--images 12000] [--rounds 3] [works ...]

A set of noise is kept in one file, mapped as any set is whose pictures were decoded once, and
packed to an S3 server on the loopback (moto's, from the extra `test`) behind a proxy, which waits
`--delay` seconds before each request. Training takes up to an epoch from the one, then from the
other, in turn, several times, in processes of their own, with an empty cache that holds no more
than is needed at a time. What is printed:

* images per second from both, by the clock, and their ratio. Server and proxy work on the same
  processors as training, so that this is less than it would be from a bucket.
* the ratio of the processor time that the training process itself used, and the share of the time
  that it waited for a shard: these do not depend on what else runs.
* by how many megabytes its memory grew in the last two thirds.

`feed` makes batches alone, the most that either gives; `lenet5` and `resnet20` learn by SGD.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch.nn import functional as F

from cutaway import models
from cutaway.data.augment import augment_for
from cutaway.data.elsewhere import Elsewhere
from cutaway.data.feed import Feed, Normalise
from cutaway.data.imageset import ImageSet
from cutaway.data.remote.write import write
from cutaway.data.sources import load
from cutaway.randomness import generator

TESTS = Path(__file__).parents[1] / "tests"
SIDE, SHARD = 64, 4.0  # pixels, and megabytes
GREY = Normalise((0.5,) * 3, (0.3,) * 3)
RAW = "images.raw"
CACHE = "112MB"  # as many shards as are needed at a time, and two more
WORKS = {"feed": 10_000, "lenet5": 10_000, "resnet20": 60}  # and steps at most
SERVER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from helpers.storage import Faults, KEYS, proxy, s3_server
with s3_server() as port, proxy(port, Faults(delay=float(sys.argv[2]))) as front:
    print(json.dumps({"port": port, "front": front, "keys": KEYS}), flush=True)
    sys.stdin.read()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("works", nargs="*", default=list(WORKS))
    parser.add_argument("--delay", type=float, default=0.05)
    parser.add_argument("--images", type=int, default=12000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, storage(asked.delay):
        places = {"local disk": f"{folder}/{RAW}", "s3": "s3://bucket/packed"}
        images = noise(asked.images)
        images.images.numpy().tofile(places["local disk"])
        write(images, places["s3"], val=0.0, test=0.0, shard_size=SHARD)
        print("| work | local, images/s | S3 | ratio | of processor time | waited | memory, MB |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for work in asked.works:
            report(work, places, folder, asked.rounds)


def report(work: str, places: dict[str, str], folder: str, rounds: int) -> None:
    """One row: both places in turn, of each the quickest."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in places}
    for number in range(rounds):
        for name, place in places.items():
            found[name].append(epoch(work, place, f"{folder}/cache-{work}-{name[:2]}-{number}"))
    local, far = (min(some, key=lambda one: one["seconds"]) for some in found.values())
    speed = [one["images"] / one["seconds"] for one in (local, far)]
    busy = min(one["busy"] for one in found["local disk"]) / min(one["busy"] for one in found["s3"])
    grown = max(one["grown"] for one in found["s3"])
    waited = far["waited"] / far["seconds"]
    print(
        f"| {work} | {speed[0]:,.0f} | {speed[1]:,.0f} | {speed[1] / speed[0]:.2f} | {busy:.2f} | "
        f"{100 * waited:.1f} % | {grown:+.0f} |", flush=True,
    )  # fmt: skip


def epoch(work: str, place: str, cache: str) -> dict[str, float]:
    """What an epoch in a process of its own came to."""
    environment = {**os.environ, "CUTAWAY_CACHE": cache, "CUTAWAY_CACHE_LIMIT": CACHE}
    done = subprocess.run(
        [sys.executable, "-m", "bench.streaming", "--one", work, place],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def one(work: str, place: str) -> None:
    """The epoch itself."""
    torch.manual_seed(0)
    images = mapped(place) if place.endswith(RAW) else load(place)
    feed = Feed(
        images, torch.arange(len(images)), batch_size=64, normalise=GREY,
        augment=augment_for("crop:4+flip", (SIDE, SIDE)),
    )  # fmt: skip
    step, waits = trainer(work), waiting(images)
    step(feed.batch(0))  # compiled and warm
    waits.clear()
    batches = range(1, min(WORKS[work], feed.batches_per_epoch))
    began, used, early = time.monotonic(), time.process_time(), 0.0
    for number in batches:
        step(feed.batch(number))
        if number == len(batches) // 3:
            early = resident()
    print(json.dumps({
        "images": feed.images_before(batches.stop) - feed.images_before(1),
        "seconds": time.monotonic() - began, "busy": time.process_time() - used,
        "waited": sum(waits), "grown": resident() - early,
    }))  # fmt: skip


def waiting(images: ImageSet) -> list[float]:
    """A list that grows by the seconds of each wait for a shard."""
    waits: list[float] = []
    if isinstance(images.images, Elsewhere):
        shards = images.images.rows
        wait = shards._wait  # type: ignore[attr-defined]

        def timed(number: int) -> None:
            began = time.monotonic()
            wait(number)
            waits.append(time.monotonic() - began)

        shards._wait = timed  # type: ignore[attr-defined]
    return waits


def trainer(work: str):  # type: ignore[no-untyped-def]
    """What is done with a batch."""
    if work == "feed":
        return lambda batch: None
    network = models.build(work, 3, 10, (SIDE, SIDE)).train()
    optimizer = torch.optim.SGD(network.parameters(), 0.01)

    def step(batch) -> None:  # type: ignore[no-untyped-def]
        loss = F.cross_entropy(network(batch.x), batch.t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def resident() -> float:
    """Megabytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def mapped(file: str) -> ImageSet:
    """The set in one file, mapped, as any set is whose pictures were decoded into the cache."""
    size = Path(file).stat().st_size
    pixels = torch.from_file(file, False, size, dtype=torch.uint8).view(-1, SIDE, SIDE, 3)
    return replace(noise(len(pixels)), images=pixels)


def noise(count: int) -> ImageSet:
    """Images of noise in 16 grey levels, which shrinks by half, as photographs do by as much."""
    images = torch.randint(16, (count, SIDE, SIDE, 3), generator=generator(0)).to(torch.uint8) * 17
    names = [f"noise/{i}" for i in range(count)]
    return ImageSet(images, torch.arange(count) % 10, tuple("0123456789"), names, name="noise")


@contextmanager
def storage(delay: float) -> Iterator[None]:
    """`s3://bucket` behind the proxy, for this process and its children."""
    import boto3

    command = [sys.executable, "-c", SERVER, str(TESTS), str(delay)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    said = json.loads(server.stdout.readline())
    endpoint = f"http://127.0.0.1:{said['front']}"
    os.environ |= {**said["keys"], "AWS_ENDPOINT_URL": endpoint}
    boto3.client("s3", endpoint_url=f"http://127.0.0.1:{said['port']}").create_bucket(
        Bucket="bucket"
    )
    try:
        yield
    finally:
        assert server.stdin is not None
        server.stdin.close()
        server.wait()


if __name__ == "__main__":
    one(*sys.argv[2:]) if "--one" in sys.argv else main()
