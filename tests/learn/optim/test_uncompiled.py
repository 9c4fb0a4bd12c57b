"""Training imports no compiler where nothing is compiled, and leaves PyTorch as it was."""

import subprocess
import sys

import pytest
import torch
from torch.optim import SGD, AdamW, Optimizer

from cutaway.learn.optim.uncompiled import MARK, METHODS, step_of, uncompiled

PROGRAM = """
import sys
import cutaway
cutaway.fit("mlp", "digits", epochs=1, device="cpu", out=sys.argv[1], progress=False)
assert "torch._dynamo" not in sys.modules, "the compiler was imported"
"""


@pytest.mark.slow
def test_a_training_does_not_import_the_compiler(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "run")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def marked():
    return [hasattr(getattr(Optimizer, name).__wrapped__, MARK) for name in METHODS]


def test_everything_is_as_before_at_the_end_also_of_an_error():
    before = marked()
    try:
        with uncompiled():
            assert all(marked())
            with uncompiled():
                assert all(marked())
            assert all(marked())  # the outer one goes on
            raise KeyError
    except KeyError:
        pass
    assert marked() == before


@pytest.mark.parametrize("kind", [AdamW, SGD])
def test_optimizers_step_as_ever(kind):
    def trained(step):
        w = torch.nn.Parameter(torch.ones(3))
        optimizer = kind([w], lr=0.1)

        def closure():
            optimizer.zero_grad()
            (loss := w.square().sum()).backward()
            return loss

        losses = [step(optimizer)(closure) for _ in range(3)]
        optimizer.load_state_dict(optimizer.state_dict())
        return torch.stack([w.detach().sum(), *losses])

    usual = trained(lambda optimizer: optimizer.step)
    with uncompiled():
        assert torch.equal(trained(step_of), usual)


def test_hooks_are_called_also_those_hung_on_later():
    w, seen = torch.nn.Parameter(torch.ones(1)), []
    optimizer = SGD([w], lr=0.1)
    step = step_of(optimizer)
    handle = optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    step(lambda: None)
    handle.remove()
    step(lambda: None)
    assert seen == ["before", "after", "after"]


def test_a_step_of_ones_own_is_taken_as_it_is():
    class Own(SGD):
        def step(self, closure=None):
            return "own"

    assert step_of(Own([torch.nn.Parameter(torch.ones(1))]))() == "own"
