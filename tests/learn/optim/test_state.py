"""State in the form that a checkpoint holds."""

import json

import torch
from torch import Tensor, nn

from cutaway.learn.checkpoint import load_tensors, optimizer_state, restore_optimizer, save_tensors
from cutaway.learn.optim import Evaluations, flatten_state


class Odd(torch.optim.SGD):
    """Keeps what PyTorch's own do not: lists in lists, nothing, and a count in its group."""


def begin(values: int = 0) -> tuple[Odd, Evaluations]:
    optimizer = Odd([nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(3))])
    counts = Evaluations(values=values, gradients=values, products=values)
    flatten_state(optimizer, counts)
    return optimizer, counts


def same(a, b) -> bool:
    if isinstance(a, Tensor):
        return torch.equal(a, b)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def test_everything_comes_back(tmp_path):
    one, _ = begin(7)
    second = one.param_groups[0]["params"][1]
    one.param_groups[0]["step"] = 5
    one.state[second] = {
        "Q": [torch.eye(2), [], None, [torch.ones(1), [torch.zeros(2)]]],
        "empty": [], "t": 0.1, "prev": torch.ones(3), "turned": torch.arange(6.0).view(2, 3).T,
    }  # fmt: skip
    tensors, rest = optimizer_state(one, "optimizer/model")
    save_tensors(tmp_path / "x", tensors, rest)
    tensors, rest = load_tensors(tmp_path / "x")
    json.dumps(rest)

    two, counts = begin()
    restore_optimizer(two, "optimizer/model", tensors, rest)
    assert counts == Evaluations(7, 7, 7)
    assert two.param_groups[0]["step"] == 5
    first, other = two.param_groups[0]["params"]
    assert first not in two.state
    assert two.state[other]["turned"].stride() == (1, 3)
    assert two.state[other].keys() == one.state[second].keys()
    assert all(same(two.state[other][name], value) for name, value in one.state[second].items())


def test_a_checkpoint_from_before_evaluations_were_counted():
    one = torch.optim.Adam([nn.Parameter(torch.zeros(2))])
    two = torch.optim.Adam([nn.Parameter(torch.zeros(2))])
    counts = Evaluations(values=3)
    flatten_state(two, counts)
    two.load_state_dict(one.state_dict())
    assert counts == Evaluations(values=3)
