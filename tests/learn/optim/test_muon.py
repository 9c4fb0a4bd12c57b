"""Muon and AdamW behind one optimizer."""

import pytest
import torch
from torch import nn

from cutaway.errors import UsageError
from cutaway.learn.optim import make
from cutaway.learn.recipe import Recipe

RECIPE = Recipe(optimizer="muon", lr=0.01, weight_decay=0.1, momentum=0.9, device="cpu")
X = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def network(layout=torch.contiguous_format) -> nn.Module:
    torch.manual_seed(0)
    layers = (
        nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Conv2d(4, 6, 3), nn.Tanh(), nn.Flatten(),
        nn.Linear(96, 5), nn.Tanh(), nn.Linear(5, 3),
    )  # fmt: skip
    return nn.Sequential(*layers).to(memory_format=layout)


def learn(model: nn.Module, optimizers, steps: int = 3) -> None:
    def closure():
        loss = model(X).square().mean()
        loss.backward()
        return loss

    for _ in range(steps):
        if len(optimizers) > 1:
            closure()
        for optimizer in optimizers:
            optimizer.step(closure) if len(optimizers) == 1 else optimizer.step()
        model.zero_grad()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_it_is_the_two_of_pytorch(layout):
    model, oracle = network(layout), network()
    optimizer = make(RECIPE, list(model.parameters()))
    for group in optimizer.param_groups:
        group["lr"] = 0.02  # as the schedule does
    learn(model, [optimizer])

    conv1, conv2, dense1, dense2 = (m for m in oracle if hasattr(m, "weight"))
    kernel = nn.Parameter(conv2.weight.detach().flatten(1).clone())
    muon = torch.optim.Muon(
        [kernel, dense1.weight], lr=0.02, weight_decay=0.1, momentum=0.9,
        adjust_lr_fn="match_rms_adamw",
    )  # fmt: skip
    matrices = [conv1.weight, dense2.weight]
    biases = [m.bias for m in (conv1, conv2, dense1, dense2)]
    rest = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": biases, "weight_decay": 0.0}],
        lr=0.02, betas=(0.9, 0.95),
    )  # fmt: skip
    for _ in range(3):
        oracle(X).square().mean().backward()
        kernel.grad = conv2.weight.grad.flatten(1)
        muon.step()
        rest.step()
        with torch.no_grad():
            conv2.weight.copy_(kernel.view_as(conv2.weight))
        oracle.zero_grad()
    for a, b in zip(model.parameters(), oracle.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=2e-2, atol=2e-4)  # its matrices are bfloat16


def test_it_comes_back_to_the_bit():
    whole = network()
    learn(whole, [make(RECIPE, list(whole.parameters()))], 6)
    first, second = network(), network()
    before = make(RECIPE, list(first.parameters()))
    learn(first, [before])
    second.load_state_dict(first.state_dict())
    after = make(RECIPE, list(second.parameters()))
    after.load_state_dict(before.state_dict())
    learn(second, [after])
    for a, b in zip(whole.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_network_without_hidden_matrices_is_refused():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    with pytest.raises(UsageError, match="take adamw, or a deeper network"):
        make(RECIPE, list(model.parameters()))
