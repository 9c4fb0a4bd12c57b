"""The page of any module: what cannot be shown of it costs that view, and is said."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.report_page import read
from torch import Tensor, nn

import cutaway as ca
from cutaway.errors import UsageError
from cutaway.show.look.page import VIEWS
from cutaway.show.look.prepare import of_module

DRAW = torch.Generator().manual_seed(1)
X, T = torch.randn(12, 3, 8, 8, generator=DRAW), torch.arange(12) % 4
QUICK = ["graph", "filters", "why", "ablate", "numbers"]


def small(classes: int = 4) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.ReLU(True), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(45, classes)
    )


class Around(nn.Module):
    """A network with something around it."""

    def __init__(self, way: Callable[..., Any], inner: nn.Module | None = None) -> None:
        super().__init__()
        self.way, self.inner = way, inner or small()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.way(self.inner, *args, **kwargs)


@dataclass
class Output:
    loss: Tensor | None
    logits: Tensor


class Text(nn.Module):
    """Words, a recurrent layer, scores."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.head = nn.Embedding(50, 8), nn.Linear(8, 4)
        self.gru = nn.GRU(8, 8, batch_first=True)

    def forward(self, words: Tensor, scale: Tensor | None = None) -> Tensor:
        y, _ = self.gru(self.embed(words))
        return self.head(y[:, -1]) * (1 if scale is None else scale)


def page(model: nn.Module, x: Any, t: Any, tmp_path: Path, what: list[str] = QUICK) -> str:
    return str(read(ca.look(model, x, t, what=what, out=tmp_path / "page.html")).text)


ANSWERS = {
    "a tuple": lambda m, x: (m(x), x.mean()),
    "a dict": lambda m, x: {"loss": x.mean(), "logits": m(x)},
    "a dataclass": lambda m, x: Output(None, m(x)),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_in_any_wrapping_are_seen_as_what_is_in_them(name, tmp_path):
    text = page(Around(ANSWERS[name]), X, T, tmp_path, ["why", "numbers"])
    assert "left out" not in text
    assert "Nothing to show" not in text
    one, other = of_module(Around(ANSWERS[name]), X, T), of_module(small(), X, T)
    assert torch.equal(one.output, other.output)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 4])
def test_few_examples(count, tmp_path):
    text = page(small(), X[:count], T[:count], tmp_path)
    assert "PyTorch or the network says" not in text
    assert "Attribution" in text
    assert ("at least two examples" in text) == (count == 1)


INPUTS = {
    "words": (Text(), torch.randint(50, (12, 7), generator=DRAW)),
    "two, in order": (Text(), (torch.randint(50, (12, 7), generator=DRAW), torch.ones(12, 1))),
    "two, by name": (
        Text(),
        {"words": torch.randint(50, (12, 7), generator=DRAW), "scale": torch.ones(12, 1)},
    ),
    "one number": (
        Around(lambda m, x: m(x[:, None]), nn.Linear(1, 4)),
        torch.randn(12, generator=DRAW),
    ),
    "signals": (
        nn.Sequential(nn.Conv1d(2, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(30, 4)),
        torch.randn(12, 2, 8, generator=DRAW),
    ),
}


@pytest.mark.parametrize("name", INPUTS)
def test_any_inputs(name, tmp_path):
    model, x = INPUTS[name]
    text = page(model, x, T, tmp_path)
    assert "examples that are pictures (n, channels, height, width)" in text
    assert "Effective rank of each layer's outputs" in text
    assert "Similarity of layers (linear CKA)" in text
    assert "PyTorch or the network says" not in text


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.double])
def test_any_precision(dtype, tmp_path):
    text = page(small().to(dtype), X.to(dtype), T, tmp_path)
    assert "left out" not in text
    assert "Nothing to show" not in text


def test_what_gradients_do_not_reach_costs_what_needs_them(tmp_path):
    cut = Around(lambda m, x: m(torch.from_numpy(x.detach().numpy() * 2)))
    text = page(cut, X, T, tmp_path)
    assert "Nothing to show here. No gradient reaches the input" in text
    assert "Effective rank of each layer's outputs" in text
    assert "Without one unit" in text


@pytest.mark.slow
def test_frozen_and_unused_weights_cost_only_what_needs_them(tmp_path):
    frozen = small().requires_grad_(False)
    text = page(frozen, X, T, tmp_path, ["landscape"])
    assert "Loss along two random directions" in text
    assert "324 parameters" in text
    assert "The curvature is left out. This network has no trainable parameters" in text
    more = small()
    more[0].weight.requires_grad_(False)
    more.register_parameter("unused", nn.Parameter(torch.zeros(3, 3)))
    text = page(more, X, T, tmp_path, ["landscape"])
    assert "Sharpness" in text
    assert "left out" not in text


@pytest.mark.parametrize("dim", [1, 4])
def test_what_is_said_without_classes_is_true(dim, tmp_path):
    text = page(small(dim), X, None, tmp_path, ["filters", "why"])
    assert "Give their classes too" in text
    text = page(small(dim), X, torch.randn(12), tmp_path, ["why"])
    assert ("not classes, which are whole numbers" if dim > 1 else "not a row of scores") in text
    assert "did not learn from" not in page(small(), X, T, tmp_path, ["ablate"])


WRONG = {
    "as many": (X, T[:5], r"12 examples and 5 targets"),
    "beyond": (X, T + 1, r"There is a class 4, and the outputs are 0 to 3"),
    "below": (X, T - 1, r"There is a class -1"),
    "no examples": (X[:0], T[:0], r"no examples"),
    "nothing": (None, None, r"Give examples as the network takes them"),
    "words": ("picture.png", None, r"a tensor or an array"),
    "uneven": ((X, X[:3]), None, r"as many examples as the others, not 12, 3"),
    "another kind": (X.double(), T, r"fails in its layer '0' \(Conv2d\)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_said_at_once(name):
    x, t, message = WRONG[name]
    with pytest.raises(UsageError, match=message):
        of_module(small(), x, t)


def test_one_hot_rows_and_arrays_are_classes():
    rows = nn.functional.one_hot(T, 4)
    for t in (rows, rows.float(), T.tolist(), T.numpy(), T[:, None]):
        assert torch.equal(of_module(small(), X.numpy(), t).held.t, T)
    assert of_module(small(), list(X), T).held.x.shape == X.shape


def test_inference_mode_hooks_compilation_and_training_mode(tmp_path):
    with torch.inference_mode():
        x = torch.randn(4, 3, 8, 8)
        inside = page(small(), x, T[:4], tmp_path, ["why", "numbers"])
    assert "left out" not in inside
    hooked = small().train()
    heard: list[int] = []
    hooked[0].register_forward_hook(lambda module, inputs, y: heard.append(len(y)))
    hooked.compile(backend="eager")
    text = page(hooked, x, T[:4], tmp_path, ["graph", "why"])
    assert "Nothing to show" not in text
    assert heard
    assert all(module.training for module in hooked.modules())
    assert [len(module._forward_hooks) for module in hooked] == [1, 0, 0, 0, 0]


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.torch.jit.* is deprecated")  # torch 2.14
def test_torchscript_costs_what_wants_its_layers(tmp_path):
    for model in (torch.jit.script(small()), torch.jit.trace(small(), X)):
        text = page(model, X, T, tmp_path)
        assert "give the module that it was made from" in text
        assert "Attribution" in text
        assert "Most often confused" in text
        assert "PyTorch or the network says" not in text


def test_a_view_that_fails_costs_that_view(tmp_path):
    class Odd(nn.Module):
        """Fails where it is differentiated twice, and for batches of more than one."""

        def forward(self, x: Tensor) -> Tensor:
            if len(x) > 1:
                raise KeyError("one at a time")
            return x.flatten(1)[:, :4]

    text = page(nn.Sequential(Odd()), X, T, tmp_path, [*VIEWS])
    assert text.count("Nothing to show here") >= 3
    assert "says: KeyError: 'one at a time'" in text
    assert "The graph" in text


def test_weights_are_found_by_whatever_name(tmp_path):
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = nn.Parameter(torch.randn(4, 3, 3, 3))
            self.head = nn.utils.parametrizations.weight_norm(nn.Linear(144, 4))

        def forward(self, x: Tensor) -> Tensor:
            return self.head(nn.functional.conv2d(x, self.kernel).flatten(1))

    text = page(Own(), X, T, tmp_path, ["filters", "numbers"])
    assert "Filters of kernel" in text
    assert re.search(r"From kernel to head\b", text)
    assert "parametrizations" not in text


def test_a_part_of_the_page_does_not_overwrite_the_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = ca.look(nn.Linear(3, 2), torch.randn(4, 3))
    (tmp_path / "Linear").mkdir()  # a folder of that name is none of its business
    some = ca.look(nn.Linear(3, 2), torch.randn(4, 3), what=["numbers", "graph"])
    assert (whole.name, some.name) == ("Linear.html", "Linear-graph-numbers.html")
    assert {path.name for path in tmp_path.glob("*.html")} == {whole.name, some.name}
