"""A stream of pictures: the same pixels, in order, whoever decodes them; broken ones are named."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import encoded, image

from cutaway.data import stream
from cutaway.data.decode import decode
from cutaway.data.frame import Frame
from cutaway.data.stream import Input, Lot, decoded, in_lots

FRAME = Frame(3, (12, 12))
COUNT = 40


@pytest.fixture
def inputs(tmp_path: Path) -> list[Input]:
    """Files, one of them cut off, and content in memory."""
    made = []
    for i in range(COUNT):
        content = encoded(image(12, 12, seed=i))
        if i % 3:
            (tmp_path / f"{i}.png").write_bytes(content[:40] if i == 7 else content)
            made.append(Input(f"{i}.png", str(tmp_path / f"{i}.png")))
        else:
            made.append(Input(f"image {i}", content))
    return made


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes from the first picture on, three pictures a lot."""
    monkeypatch.setattr(stream, "STARTING", 0.0)
    monkeypatch.setattr(stream, "ROWS", 3)
    monkeypatch.setattr(stream, "cpus", lambda: 2)


def check(lots: list[Lot], inputs: list[Input]) -> None:
    assert [one.name for lot in lots for one in lot.inputs] == [one.name for one in inputs]
    for lot in lots:
        for row, (one, pixels) in enumerate(zip(lot.inputs, lot.pixels, strict=True)):
            if one.name == "7.png":
                assert "breaks off" in lot.bad[row]
                assert not pixels.any()
            else:
                assert row not in lot.bad
                assert (pixels == decode(one.source, None, 3)).all()  # type: ignore[arg-type]


def test_a_few_are_decoded_here(inputs):
    lots = [*decoded(inputs, FRAME)]
    assert len(lots) == 1
    check(lots, inputs)


def test_many_are_decoded_by_processes_in_order(inputs, workers):
    lots = [*decoded(iter(inputs), FRAME)]
    assert {len(lot.inputs) for lot in lots} == {3, 1}
    check(lots, inputs)


def test_no_more_are_read_than_are_taken_and_some_ahead(inputs, workers):
    """A picture is neither found nor decoded long before it is asked for; who stops, stops all."""
    found = []

    def each() -> Iterator[Input]:
        for one in inputs * 50:
            found.append(one)
            yield one

    lots = decoded(each(), FRAME)
    next(lots)
    assert len(found) <= (1 + 2 + stream.AHEAD + 1) * 3
    lots.close()
    assert len(found) < len(inputs) * 50


def test_an_error_in_the_inputs_arrives(inputs, workers):
    def each() -> Iterator[Input]:
        yield from inputs[:8]
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        [*decoded(each(), FRAME)]


def test_pictures_are_brought_to_the_frame(tmp_path):
    (lot,) = decoded([Input("wide", encoded(image(10, 30, seed=0)))], Frame(1, (5, 7), "stretch"))
    assert lot.pixels.shape == (1, 5, 7, 1)
    assert lot.pixels.dtype == np.uint8


def test_in_lots():
    assert [*in_lots(range(7), 3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [*in_lots([], 3)] == []
