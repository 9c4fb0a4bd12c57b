"""A module that is handed in comes back as it came, or as the documentation says."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers.digits import digits
from torch import Tensor, nn

import cutaway as ca
from cutaway import byhand
from cutaway.learn.callbacks import Callback
from cutaway.learn.history import Row
from cutaway.learn.training import Training
from cutaway.see.graph import graph

QUICK = {"epochs": 1, "image_size": 0, "augment": "none", "progress": False, "batch_size": 32}


def network() -> nn.Module:
    """With all that could be disturbed: modes of two kinds, a frozen layer, a hook, a gradient."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(),
        nn.Linear(144, 10),
    )  # fmt: skip
    model.train()
    model[1].eval()
    model[0].weight.requires_grad_(False)
    model[5].bias.grad = torch.ones(10)
    model[2].register_forward_hook(lambda *_: None)
    return model


def own(model: nn.Module) -> dict[str, Any]:
    """What a module is, beside its weights."""
    parts = dict(model.named_modules())
    kept = [k for k in vars(model) if k.endswith("_hooks")]
    return {
        "training": {k: m.training for k, m in parts.items()},
        "free": {k: p.requires_grad for k, p in model.named_parameters()},
        "place": {k: (t.device, t.dtype, t.shape) for k, t in model.state_dict().items()},
        "hooks": {k: [len(getattr(m, name)) for name in kept] for k, m in parts.items()},
    }


def numbers(model: nn.Module) -> dict[str, Tensor]:
    """Weights and gradients."""
    found = {k: v.clone() for k, v in model.state_dict().items()}
    grown = {k: p.grad for k, p in model.named_parameters() if p.grad is not None}
    return found | {f"{k}.grad": gradient.clone() for k, gradient in grown.items()}


def process() -> dict[str, Any]:
    """What PyTorch keeps for the whole process."""
    cudnn = torch.backends.cudnn
    return {
        "threads": torch.get_num_threads(),
        "dtype": torch.get_default_dtype(),
        "grad": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "deterministic": (torch.are_deterministic_algorithms_enabled(), cudnn.deterministic),
        "benchmark": cudnn.benchmark,
        "random": torch.get_rng_state().tolist(),
        "autocast": torch.is_autocast_enabled("cpu"),
    }


def looked(model: nn.Module, x: Tensor, t: Tensor, folder: Any) -> None:
    views = ["graph", "why"]
    ca.look(model, x, t, what=views, out=folder / "look.html", progress=False)


def watched(model: nn.Module, x: Tensor, t: Tensor, folder: Any) -> None:
    with torch.random.fork_rng(devices=[]), ca.watch(model, every=1):
        model(x)  # which draws for its dropout


def traced(model: nn.Module, x: Tensor, t: Tensor, folder: Any) -> None:
    byhand.trace(model, x)


def graphed(model: nn.Module, x: Tensor, t: Tensor, folder: Any) -> None:
    graph(model, x)


@pytest.mark.parametrize("look", [looked, watched, traced, graphed], ids=lambda f: f.__name__)
def test_whoever_only_looks_changes_nothing(look: Callable[..., None], tmp_path):
    model, images = network(), digits(16)
    x, t = images.images.movedim(-1, 1) / 255.0, images.targets
    before, weights, rest = own(model), numbers(model), process()
    look(model, x, t, tmp_path)
    assert own(model) == before
    assert process() == rest
    after = numbers(model)
    assert after.keys() == weights.keys()
    for name, value in weights.items():
        assert torch.equal(after[name], value), name


def test_fit_gives_it_back_trained_and_at_rest(tmp_path):
    model = network()
    before, weights, rest = own(model), numbers(model), process()
    run = ca.fit(model, digits(), out=tmp_path / "run", **QUICK)
    after = own(model)
    assert not any(after.pop("training").values())
    del before["training"]
    assert after == before
    assert process() == rest
    assert all(p.grad is None for p in model.parameters())
    assert not torch.equal(model[5].weight, weights["5.weight"])
    assert torch.equal(model[0].weight, weights["0.weight"])
    x = digits(4).images.movedim(-1, 1) / 255.0
    assert torch.equal(model(x), model(x))
    assert run.model is model


class Ends(Callback):
    """A callback of the user's own that gives up after an epoch, in the middle of training."""

    def on_epoch_end(self, training: Training, row: Row) -> None:
        raise RuntimeError("enough")


def test_a_fit_that_fails_gives_it_back_too(tmp_path):
    model = network()
    before, rest = own(model), process()
    changes = QUICK | {"epochs": 5, "callbacks": [Ends()], "freeze": "1"}
    with pytest.raises(RuntimeError, match="enough"):
        ca.fit(model, digits(), out=tmp_path / "run", **changes)
    after = own(model)
    assert not any(after.pop("training").values())
    del before["training"]
    assert after == before
    assert process() == rest


def test_a_run_of_ones_own_module_answers_without_changing_the_process(tmp_path):
    model = network()
    run = ca.fit(model, digits(), out=tmp_path / "run", **QUICK)
    before, weights, rest = own(model), numbers(model), process()
    run.predict(digits(4))
    ca.export(run, "onnx")
    assert own(model) == before
    assert process() == rest
    for name, value in numbers(model).items():
        assert torch.equal(weights[name], value), name
