"""Which images leave together, and when."""

import asyncio
from collections.abc import Sequence
from itertools import chain
from threading import get_ident
from time import perf_counter, sleep

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutaway.ship.serve.batching import Batcher
from cutaway.ship.serve.http_errors import RequestError
from cutaway.ship.serve.metrics import Metrics
from cutaway.ship.serve.settings import Settings


class Thinking:
    """Answers with each picture's first value after a while, and notes the batches."""

    name, about = "a test", None

    def __init__(self, seconds: float = 0.0, error: Exception | None = None):
        self.seconds, self.error = seconds, error
        self.batches: list[list[int]] = []
        self.threads: list[int] = []

    def answer(self, pixels: np.ndarray) -> np.ndarray:
        if self.seconds:
            sleep(self.seconds)
        self.threads.append(get_ident())
        self.batches.append(pixels[:, 0, 0, 0].tolist())
        if self.error:
            raise self.error
        return pixels[:, 0, 0, :].astype(np.float32)


def picture(value: int) -> np.ndarray:
    return np.full((2, 2, 1), value, np.uint8)


async def ask(batcher: Batcher, engine: Thinking, values: Sequence[int], ready: float = 0) -> list:
    """Values in a request that takes a while to decode."""
    with batcher.announce(len(values)):
        await asyncio.sleep(ready)
        waiting = [batcher.put(picture(value), engine) for value in values]
    return [float(p[0]) for p in await asyncio.gather(*waiting)]


def play(settings: Settings, *requests: tuple[Thinking, Sequence[int], float]) -> list:
    """All requests at once; what each was answered, or its refusal."""

    async def all_of_them() -> list:
        batcher = Batcher(settings, Metrics())
        asked = [ask(batcher, *request) for request in requests]
        try:
            return await asyncio.gather(*asked, return_exceptions=True)
        finally:
            batcher.close()

    return asyncio.run(all_of_them())


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=12),
    max_batch=st.integers(1, 8),
    budget=st.sampled_from([0.0, 1.0]),
)
def test_every_request_gets_its_own_answers(
    sizes: list[int], max_batch: int, budget: float
) -> None:
    engine, starts = Thinking(), np.cumsum([0, *sizes[:-1]])
    requests = [list(range(a, a + n)) for a, n in zip(starts, sizes, strict=True)]
    settings = Settings(budget_ms=budget, max_batch=max_batch)
    assert play(settings, *((engine, one, 0.0) for one in requests)) == requests
    assert max(map(len, engine.batches)) <= max_batch
    assert sorted(chain(*engine.batches)) == list(range(sum(sizes)))


def test_a_lone_request_does_not_wait() -> None:
    engine, began = Thinking(), perf_counter()
    assert play(Settings(budget_ms=5000), (engine, [1], 0.0)) == [[1]]
    assert perf_counter() - began < 2


def test_what_comes_while_the_network_works_leaves_together() -> None:
    engine = Thinking(0.2)
    play(Settings(budget_ms=0), (engine, [1], 0.0), *((engine, [i], 0.05) for i in (2, 3, 4)))
    assert engine.batches == [[1], [2, 3, 4]]


def test_a_batch_waits_for_those_on_their_way() -> None:
    engine = Thinking()
    play(Settings(budget_ms=5000), (engine, [1], 0.0), (engine, [2], 0.1))
    assert engine.batches == [[1, 2]]


def test_a_batch_waits_no_longer_than_the_budget() -> None:
    engine = Thinking()
    play(Settings(budget_ms=50), (engine, [1], 0.0), (engine, [2], 0.5))
    assert engine.batches == [[1], [2]]


def test_what_is_quick_is_answered_on_the_spot_and_what_is_not_is_not() -> None:
    quick, slow = Thinking(), Thinking(0.05)

    async def each_twice() -> None:
        batcher = Batcher(Settings(), Metrics())
        for engine in (quick, slow):
            for value in (1, 2):
                assert await ask(batcher, engine, [value]) == [value]
        batcher.close()

    asyncio.run(each_twice())
    here = get_ident()
    assert quick.threads[0] != here  # how long it takes is not known before
    assert quick.threads[1] == here
    assert here not in slow.threads


def test_many_quick_answers_do_not_nest() -> None:
    values = [value % 256 for value in range(2000)]
    settings = Settings(max_batch=1, max_waiting=3000)
    assert play(settings, (Thinking(), values, 0.0)) == [values]


def test_networks_are_not_mixed() -> None:
    old, new = Thinking(), Thinking()
    settings = Settings(budget_ms=5000)
    results = play(settings, (old, [1, 2], 0.1), (new, [3], 0.1), (old, [4], 0.1))
    assert results == [[1, 2], [3], [4]]
    assert (old.batches, new.batches) == ([[1, 2], [4]], [[3]])


def test_a_network_that_fails_refuses_its_batch_alone() -> None:
    broken, sound = Thinking(error=MemoryError("no memory\nat all")), Thinking()
    first, second = play(Settings(), (broken, [1], 0.0), (sound, [2], 0.0))
    assert isinstance(first, RequestError)
    assert (first.status, first.headers) == (503, {"retry-after": "1"})
    assert "no memory" in first.sentence
    assert second == [2]


def test_the_queue_is_bounded() -> None:
    engine = Thinking(0.1)
    results = play(Settings(max_waiting=3), *((engine, [i, i], 0.0) for i in range(3)))
    assert [type(one) for one in results] == [list, RequestError, RequestError]
    assert results[1].reason == "queue"


def test_cancelled_requests_are_left_out() -> None:
    engine = Thinking(0.2)

    async def impatient() -> None:
        batcher = Batcher(Settings(), Metrics())
        first = asyncio.create_task(ask(batcher, engine, [1]))
        await asyncio.sleep(0.05)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ask(batcher, engine, [2]), 0.01)
        assert await ask(batcher, engine, [3]) == [3]
        await first
        batcher.close()

    asyncio.run(impatient())
    assert engine.batches == [[1], [3]]
