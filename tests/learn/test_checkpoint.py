import errno
import os

import pytest
import torch

from cutaway.errors import RunError
from cutaway.learn.checkpoint import (
    LAST,
    PREVIOUS,
    load_checkpoint,
    load_tensors,
    optimizer_state,
    restore_optimizer,
    save_checkpoint,
    save_tensors,
)

TENSORS = {
    "a": torch.arange(6.0).view(2, 3),
    "empty": torch.zeros(0, 2),
    "scalar": torch.tensor(3, dtype=torch.int64),
    "half": torch.ones(3, dtype=torch.bfloat16),
}


def test_round_trip(tmp_path):
    save_tensors(tmp_path / "x.safetensors", TENSORS, {"step": 3, "lr": 0.1})
    tensors, facts = load_tensors(tmp_path / "x.safetensors")
    assert facts == {"step": 3, "lr": 0.1}
    assert set(tensors) == set(TENSORS)
    for name, value in TENSORS.items():
        assert tensors[name].dtype == value.dtype
        assert torch.equal(tensors[name], value)


def test_equal_content_gives_equal_bytes(tmp_path):
    save_tensors(tmp_path / "x", TENSORS, {"b": 1, "a": 2})
    save_tensors(tmp_path / "y", dict(reversed(TENSORS.items())), {"b": 1, "a": 2})
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()


def test_every_flipped_byte_is_noticed(tmp_path):
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"a": torch.arange(3.0)}, {"step": 1})
    whole = path.read_bytes()
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :])
        try:
            tensors, facts = load_tensors(path)
        except RunError:
            continue
        # Padding of the header means nothing; anything else must have been refused.
        assert torch.equal(tensors["a"], torch.arange(3.0))
        assert facts == {"step": 1}


def test_every_truncation_is_noticed(tmp_path):
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"a": torch.arange(3.0)}, {"step": 1})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(RunError, match=r"truncated or damaged|has been changed"):
            load_tensors(path)


def test_the_one_before_is_kept_and_used(tmp_path):
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, {"a": torch.tensor([step])}, {"step": step})
    assert load_checkpoint(tmp_path)[1:] == ({"step": 3}, "")
    (tmp_path / LAST).write_bytes(b"rubbish")
    tensors, facts, problem = load_checkpoint(tmp_path)
    assert (tensors["a"].item(), facts["step"]) == (2, 2)
    assert "damaged" in problem
    (tmp_path / PREVIOUS).write_bytes(b"")
    with pytest.raises(RunError, match="No checkpoint is intact"):
        load_checkpoint(tmp_path)


def test_no_checkpoint_is_none(tmp_path):
    assert load_checkpoint(tmp_path) is None


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, {"a": torch.tensor([1])}, {"step": 1})

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="the disk is full"):
        save_checkpoint(tmp_path, {"a": torch.tensor([2])}, {"step": 2})
    monkeypatch.undo()
    assert load_checkpoint(tmp_path)[1] == {"step": 1}
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([LAST, PREVIOUS])


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Rprop", "NAdam"])
def test_optimizers_come_back_to_the_bit(name):
    kind = getattr(torch.optim, name)
    options = {"momentum": 0.9} if name == "SGD" else {}

    def begin():
        layer = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
        torch.nn.init.ones_(layer.weight)
        torch.nn.init.ones_(layer.bias)
        return layer, kind(layer.parameters(), lr=0.01, **options)

    def learn(layer, optimizer, seeds):
        for seed in seeds:
            x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
            layer(x).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()

    layer, optimizer = begin()
    learn(layer, optimizer, range(3))
    weights = {k: v.clone() for k, v in layer.state_dict().items()}
    tensors, rest = optimizer_state(optimizer, "optimizer/model")
    tensors = {k: v.clone().contiguous() for k, v in tensors.items()}
    learn(layer, optimizer, range(3, 6))

    other, again = begin()
    other.load_state_dict(weights)
    restore_optimizer(again, "optimizer/model", tensors, rest)
    learn(other, again, range(3, 6))
    assert torch.equal(layer.weight, other.weight)
    assert torch.equal(layer.bias, other.bias)
