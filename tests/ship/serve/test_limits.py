"""What strangers send: the right status, one sentence, and the server lives."""

import asyncio
import json
import socket
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import httpx
import pytest
from helpers.digits import digits
from helpers.server import (
    BODY,
    HEAD,
    PICTURE,
    Serve,
    Server,
    encoded,
    files,
    read_all,
    read_one,
)
from helpers.waiting import eventually
from hypothesis import given
from hypothesis import strategies as st

from cutaway.learn.run import Run
from cutaway.ship.serve.limits import CLIENTS, TokenBuckets
from cutaway.ship.serve.settings import usual_rate

REQUEST = HEAD % len(BODY) + BODY


def empty_png(width: int, height: int) -> bytes:
    """A valid head that promises so many pixels, and hardly any data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def sentence(answer: httpx.Response) -> str:
    assert list(answer.json()) == ["error"]
    return str(answer.json()["error"])


def parsed(raw: bytes) -> tuple[int, dict]:
    """Status and JSON of an answer as it came."""
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (9_000, 9_000), (1, 100_000_000)])
def test_too_many_pixels_are_refused_by_the_head(running: Server, width: int, height: int) -> None:
    before, began = running.size()[0], monotonic()
    answer = running.predict(empty_png(width, height))
    assert (answer.status_code, "pixels" in sentence(answer)) == (413, True)
    assert monotonic() - began < 10
    assert running.size()[0] - before < 50e6  # decoded, the smallest would take 81 MB


def chunks(megabytes: int) -> Iterator[bytes]:
    for _ in range(megabytes):
        yield bytes(1_000_000)


@pytest.mark.parametrize("chunked", [False, True])
def test_200_megabytes(running: Server, chunked: bool) -> None:
    before = running.size()[0]
    content = chunks(200) if chunked else bytes(200_000_000)
    headers = {"content-type": "application/json"}
    answer = running.client.post("/predict", content=content, headers=headers)
    assert answer.status_code == 413
    assert "16 MB are accepted" in sentence(answer)
    assert running.size()[0] - before < 60e6  # no more than what is accepted, and its copies
    assert running.predict(PICTURE).status_code == 200


def test_a_declared_size_is_refused_before_anything_arrives(running: Server) -> None:
    with running.socket() as connection:
        connection.sendall(HEAD % 200_000_000)
        began = monotonic()
        status, said = parsed(read_one(connection))
        assert (status, monotonic() - began < 10) == (413, True)  # it awaits a body for 30
        assert "too large" in said["error"]


def test_a_refusal_waits_for_a_client_that_is_busy(running: Server) -> None:
    """Such as one that sends a thousand requests at once, and reads only then."""
    with running.socket() as large, running.socket() as malformed:
        large.sendall(HEAD % 200_000_000)
        malformed.sendall(b"hello\r\n\r\n")
        for _ in range(2):
            sleep(2.2)
            large.sendall(b"x" * 1000)
            malformed.sendall(b"x" * 1000)
        assert parsed(read_one(large))[0] == 413
        assert parsed(read_one(malformed))[0] == 400


def test_a_truncated_upload_leaves_nothing_behind(running: Server) -> None:
    gone = 'cutaway_refused_total{reason="gone"}'
    before = running.metric(gone)
    for cut in (0, 10, len(BODY) - 1):
        with running.socket() as connection:
            connection.sendall(HEAD % len(BODY) + BODY[:cut])
    eventually(lambda: running.metric(gone) - before >= 3 and running.in_flight(0))
    assert running.metric(gone) - before == 3


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"", "did not begin within 1 seconds"),
        (b"POST /predict HTTP/1.1\r\nHost:", "did not begin within 1 seconds"),
        (HEAD % len(BODY) + BODY[:20], "did not arrive within 1 seconds"),
    ],
    ids=["nothing", "half a head", "half a body"],
)
def test_slow_clients(impatient: Server, sent: bytes, words: str) -> None:
    with impatient.socket() as connection:
        connection.sendall(sent)
        assert impatient.predict(PICTURE).status_code == 200  # others are answered meanwhile
        status, said = parsed(read_all(connection))
    assert status == 408
    assert words in said["error"]


def test_a_client_that_drips_is_cut_off(impatient: Server) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(HEAD % 1000)
        for _ in range(300):
            connection.sendall(b"x")
            sleep(0.05)

    began = monotonic()
    with impatient.socket() as connection, pytest.raises(OSError, match=r"pipe|reset"):
        drip(connection)
    assert monotonic() - began < 10


def test_a_second_request_on_a_connection_may_come_late(impatient: Server) -> None:
    with impatient.socket() as connection:
        for pause in (0, 1.5, 1.5):
            sleep(pause)  # longer than a head may take; keeping a connection is no offence
            connection.sendall(REQUEST)
            assert read_one(connection).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nX: " + b"x" * 200_000, 431),
        (b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
         b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ],
    ids=["no HTTP", "no length", "endless head", "two lengths"],
)  # fmt: skip
def test_what_is_no_request(running: Server, sent: bytes, expected: int) -> None:
    with running.socket() as connection:
        connection.sendall(sent)
        assert parsed(read_all(connection))[0] == expected


def test_requests_above_the_rate_are_refused(serve: Serve, lenet: Run) -> None:
    server = serve(lenet.path, "--rate", 5)
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: server.predict(PICTURE), range(60)))
    counts = Counter(one.status_code for one in answers)
    assert set(counts) == {200, 429}
    assert counts[200] >= 10  # twice the rate at once
    refused = next(one for one in answers if one.status_code == 429)
    assert refused.headers["retry-after"] == "1"
    assert "5 requests a second" in sentence(refused)
    assert all(server.client.get("/health").status_code == 200 for _ in range(20))
    sleep(1)
    assert server.predict(PICTURE).status_code == 200


@pytest.mark.slow
def test_a_thousand_requests_at_once(serve: Serve, lenet: Run) -> None:
    running = serve(lenet.path, "--timeout", 600)  # for computers that are busy with other things

    async def all_of_them() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(limits=limits, timeout=120, trust_env=False) as client:
            sent = files(PICTURE)
            asked = [client.post(f"{running.url}/predict", files=sent) for _ in range(1000)]
            return await asyncio.gather(*asked)

    answers = asyncio.run(all_of_them())
    counts = Counter(one.status_code for one in answers)
    assert set(counts) <= {200, 503}
    assert counts[200] >= 256
    for one in answers:
        assert one.status_code == 200 or one.headers["retry-after"] == "1"
    assert running.predict(PICTURE).status_code == 200
    assert running.metric("cutaway_requests_in_flight") == 0


def test_more_requests_than_may_be_in_flight(serve: Serve, lenet: Run) -> None:
    server = serve(lenet.path, "--max-requests", 2)
    first, second = server.socket(), server.socket()
    for one in (first, second):
        one.sendall(REQUEST[:-1])
    eventually(lambda: server.in_flight(2))
    answer = server.predict(PICTURE)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "as many requests as it can" in sentence(answer)
    for one in (first, second):
        with one:
            one.sendall(REQUEST[-1:])
            assert read_one(one).startswith(b"HTTP/1.1 200")
    assert server.predict(PICTURE).status_code == 200


def test_an_answer_that_takes_too_long(serve: Serve, lenet: Run) -> None:
    """A hundred files of nine megapixels each take longer to decode than a fifth of a second."""
    server = serve(lenet.path, "--timeout", 0.2, "--max-mb", 200)
    large = encoded(digits(1, size=3000).images[0, ..., 0].numpy())
    answers = [server.predict(*[large] * 100), server.predict(PICTURE)]
    assert answers[0].status_code == 503
    assert "no answer within 0.2 seconds" in sentence(answers[0])
    eventually(lambda: server.predict(PICTURE).status_code == 200)


@given(rate=st.floats(0.5, 100), gaps=st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_a_bucket_grants_no_more_than_its_rate(rate: float, gaps: list[float]) -> None:
    buckets, now, granted = TokenBuckets(rate), 0.0, 0
    for gap in gaps:
        now += gap
        granted += buckets.take("a", now)
    assert granted <= max(1, 2 * rate) + rate * now
    assert granted >= min(len(gaps), int(max(1, 2 * rate)))


def test_buckets_are_each_clients_own_and_few_are_kept() -> None:
    buckets = TokenBuckets(1)
    assert [buckets.take(one, 0) for one in "aaab"] == [True, True, False, True]
    for i in range(CLIENTS + 5):
        buckets.take(str(i), 0)
    assert len(buckets._tokens) == CLIENTS


def test_the_usual_rate() -> None:
    assert [usual_rate(host) for host in ("127.0.0.1", "::1", "0.0.0.0")] == [0, 0, 100]
