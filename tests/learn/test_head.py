"""The head of a module: found by how its output is computed, and made anew for other classes."""

from collections import OrderedDict

import pytest
import torch
from helpers.digits import digits
from helpers.model_packages import package
from torch import nn

import cutaway as ca
from cutaway.errors import UsageError
from cutaway.learn.callbacks import Callback
from cutaway.learn.frozen_features import FeatureFeed
from cutaway.learn.head import find_head

QUICK = {"epochs": 2, "image_size": 0, "augment": "none", "progress": False, "batch_size": 32}
X = torch.rand(2, 1, 8, 8)


def plain(classes: int = 10) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(OrderedDict(
        maps=nn.Conv2d(1, 4, 3), norm=nn.BatchNorm2d(4), bend=nn.ReLU(inplace=True),
        flatten=nn.Flatten(), fc=nn.Linear(144, classes),
    ))  # fmt: skip


class Backwards(nn.Module):
    """Registers its head first, changes its output in place, and has a layer beside the way."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(16, 7)
        self.body, self.unused = nn.Linear(64, 16), nn.Linear(7, 7)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        with torch.no_grad():
            self.unused(torch.zeros(1, 7))
        return torch.relu_(self.head(self.body(x.flatten(1)))) * self.scale


class Pooled(nn.Module):
    """A convolution gives the answers, as in SqueezeNet."""

    def __init__(self):
        super().__init__()
        self.body, self.classes = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 9, 1)

    def forward(self, x):
        return {"out": self.classes(self.body(x)).relu().mean((2, 3))}["out"]


class Pair(nn.Module):
    """Two layers give the answers."""

    def __init__(self):
        super().__init__()
        self.body, self.a, self.b = nn.Linear(64, 8), nn.Linear(8, 7), nn.Linear(8, 7)

    def forward(self, x):
        z = self.body(x.flatten(1))
        return self.a(z) + self.b(z)


@pytest.mark.parametrize(
    ("network", "head"), [(plain(), "fc"), (Backwards(), "head"), (Pooled(), "classes")]
)
def test_the_last_layer_with_weights_is_found_by_what_is_computed(network, head):
    before = {k: v.clone() for k, v in network.state_dict().items()}
    assert find_head(network.train(), X) == head
    assert network.training
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())
    network.requires_grad_(False)
    assert find_head(network, X) == head


def test_what_is_not_clear_is_a_sentence():
    with pytest.raises(UsageError, match=r'of Pair come from a and b.*name it, head="a"'):
        find_head(Pair(), X)
    last = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.BatchNorm1d(10))
    with pytest.raises(UsageError, match=r'The head of Sequential was not found.*head="..."'):
        find_head(last, X)


@pytest.mark.parametrize(
    ("library", "name", "head"),
    [
        ("torchvision", "resnet18", "fc"),
        ("torchvision", "squeezenet1_1", "classifier.1"),
        ("torchvision", "mobilenet_v3_small", "classifier.3"),
        ("timm", "test_convnext", "head.fc"),
        ("timm", "test_vit", "head"),
        ("timm", "test_efficientnet", "classifier"),
    ],
)
def test_heads_of_other_libraries(library, name, head):
    models = package(library)
    network = (
        models.create_model(name) if library == "timm"
        else models.models.get_model(name, weights=None)
    )  # fmt: skip
    side = 160 if name == "test_vit" else 64
    assert find_head(network, torch.rand(1, 3, side, side)) == head


class Seen(Callback):
    """What the steps learned from, and how fast each part learned."""

    def on_step_end(self, training):
        self.feed = type(training.stage.feed)
        (player,) = training.stage.player_optimizers
        self.rates = {len(g["params"]): g["lr"] for g in player.optimizer.param_groups}


@pytest.mark.parametrize(
    "network", [plain(7), Backwards(), Pooled()], ids=lambda n: type(n).__name__
)
def test_another_number_of_classes_gets_a_new_head(network, tmp_path):
    seen, out = Seen(), tmp_path / "run"
    run = ca.fit(network, digits(100), out=out, freeze="backbone", callbacks=[seen], **QUICK)
    (said,) = [one["sentence"] for one in run.notes if one["kind"] == "head"]
    assert "answers, and 10 are asked for: a new one is in its place." in said
    assert run.model is network
    assert network(torch.rand(3, 1, 8, 8)).shape == (3, 10)
    assert seen.feed is FeatureFeed or isinstance(network, Pooled | Backwards)
    assert run.recipe.head in dict(network.named_modules())


def test_the_same_number_keeps_its_head_and_says_nothing(tmp_path):
    network = plain()
    before = network.fc
    run = ca.fit(network, digits(60), out=tmp_path / "run", backbone_rate=0.1, **QUICK)
    assert network.fc is before
    assert not any(one["kind"] == "head" for one in run.notes)


def test_a_frozen_backbone_stays_and_its_features_are_computed_once(tmp_path):
    network, seen = plain(7), Seen()
    before = network.maps.weight.clone()
    ca.fit(network, digits(60), out=tmp_path / "run", freeze="backbone", callbacks=[seen], **QUICK)
    assert seen.feed is FeatureFeed
    assert torch.equal(network.maps.weight, before)


def test_a_module_as_it_was_opens_a_run(tmp_path):
    """Handed in again with its first head, it gets one of the run's classes and its weights."""
    run = ca.fit(plain(7), digits(60), out=tmp_path / "run", **QUICK)
    again = ca.load(tmp_path / "run", model=plain(7))
    x = torch.rand(3, 1, 8, 8)
    assert torch.equal(again.model(x), run.model(x))


def test_a_resumed_run_is_the_same_to_the_bit(tmp_path):
    class Ends(Callback):
        def on_epoch_end(self, training, row):
            raise KeyboardInterrupt

    more = QUICK | {"epochs": 3, "checkpoint_every": 0.0}
    whole = ca.fit(plain(7), digits(60), out=tmp_path / "whole", **more)
    with pytest.raises(KeyboardInterrupt):
        ca.fit(plain(7), digits(60), out=tmp_path / "run", callbacks=[Ends()], **more)
    again = ca.resume(tmp_path / "run", model=plain(7), data=digits(60), progress=False)
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name


def test_the_head_may_be_named(tmp_path):
    network = Pair()
    with pytest.raises(UsageError, match="come from a and b"):
        ca.fit(network, digits(60), out=tmp_path / "run", freeze="backbone", **QUICK)
    with pytest.raises(UsageError, match="has no layer 'c'"):
        ca.fit(network, digits(60), out=tmp_path / "run", head="c", **QUICK)
    with pytest.raises(UsageError, match=r"The layer body \(head=\) is no nn.Linear"):
        ca.fit(network, digits(60), out=tmp_path / "run", head="body", **QUICK)
    with pytest.raises(UsageError, match="that of mlp is known"):
        ca.fit("mlp", "digits", out=tmp_path / "run", head="c", epochs=1, progress=False)
    assert not (tmp_path / "run").exists()


def test_other_tasks_get_as_many_outputs_as_they_need(tmp_path):
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (60, 8, 8, 1), dtype=torch.uint8, generator=rng).numpy()
    values = torch.rand(60, 2, generator=rng).numpy()
    network = plain(7)
    ca.fit(network, (images, values), task="regress", out=tmp_path / "run", **QUICK)
    assert network.fc.out_features == 2
