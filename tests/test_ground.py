import errno
import os
import random

import numpy as np
import pytest
import torch

from cutaway.errors import RunError, nearest
from cutaway.files import read_json, write_json, write_whole
from cutaway.randomness import (
    derive,
    generator,
    global_streams_kept,
    reseed_everything,
    reseed_global,
)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "x"
    write_whole(path, "old")

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(RunError, match="the disk is full"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_json_round_trip_and_damage(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"ü": [1, 2.5, None]})
    assert read_json(path) == {"ü": [1, 2.5, None]}
    path.write_text("{")
    with pytest.raises(RunError, match="is damaged"):
        read_json(path)
    with pytest.raises(RunError, match="cannot be read"):
        read_json(tmp_path / "none.json")


def test_nearest_offers_one_or_all():
    assert nearest("Lenet", ["lenet5", "resnet20"]) == " Did you mean 'lenet5'?"
    assert nearest("zzz", ["b", "a"]) == " Choose one of: a, b."


def test_streams_are_fixed_numbers():
    """The same on every machine and in every version: a change here changes every run."""
    assert derive(0, "order", 3) == 8244215730568551301
    assert derive(0, "order", 3) != derive(0, "order", 4) != derive(1, "order", 4)


def test_the_global_stream_is_put_in_place():
    import torch

    with torch.random.fork_rng(devices=[]):
        reseed_global(1, "step", 2)
        drawn = torch.rand(3)
    assert torch.equal(drawn, torch.rand(3, generator=generator(1, "step", 2)))


def test_global_streams_are_put_back_whatever_happens_between():
    def standing() -> list[object]:
        return [random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()]

    def draw() -> list[float]:
        reseed_everything(7)
        return [random.random(), float(np.random.rand()), float(torch.rand(()))]

    def fails() -> None:
        with global_streams_kept():
            draw()
            raise KeyError

    before = standing()
    with global_streams_kept():
        assert draw() == draw()
    with pytest.raises(KeyError):
        fails()
    assert standing() == before
