"""Dropout and stochastic depth: what they do to a network, and that nothing of them stays."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cutaway import models
from cutaway.data.imageset import ImageSet, Numbered
from cutaway.errors import UsageError
from cutaway.learn.callbacks import Callback
from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.regularise import dropouts, regularised, residuals, survival

QUICK = {"device": "cpu", "precision": "float32", "compile": "no"}


def resnet(**options) -> nn.Module:
    torch.manual_seed(0)
    return models.build("resnet20", 1, 10, 8, options)


def images() -> ImageSet:
    draw = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (60, 8, 8, 1), generator=draw, dtype=torch.uint8)
    return ImageSet(pixels, torch.arange(60) % 3, ("a", "b", "c"), Numbered("x", 60), name="x")


def hooks(network: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in network.modules())


def test_the_chance_of_a_block_falls_in_a_line():
    """Huang et al. 2016, equation 4 with p_L = 0.5: p_l = 1 - l / L (1 - p_L), l = 1 .. L."""
    assert survival(54, 0.5) == pytest.approx([1 - layer / 54 * 0.5 for layer in range(1, 55)])
    assert survival(1, 0.2) == [0.8]


def test_a_block_is_left_out_as_often_as_the_rule_says():
    """tau(0 + x) = x where x > 0, so that a block that is left out shows as its own input."""
    network = resnet().train()
    blocks = [network.get_submodule(name) for name in residuals(network)]
    seen: dict[int, float] = {}

    def look(i):
        return lambda block, x, y: seen.__setitem__(
            i, (y == F.relu(block.shortcut(x[0]))).flatten(1).all(1).double().mean().item()
        )

    handles = [block.register_forward_hook(look(i)) for i, block in enumerate(blocks)]
    with regularised(network, Recipe(model="resnet20", stochastic_depth=0.6)), torch.no_grad():
        network(torch.randn(4000, 1, 8, 8))
    for handle in handles:
        handle.remove()
    assert len(seen) == 9
    for i, keep in enumerate(survival(9, 0.6)):
        deviation = (keep * (1 - keep) / 4000) ** 0.5
        assert seen[i] == pytest.approx(1 - keep, abs=4 * deviation)


def test_what_is_kept_is_scaled_so_that_the_mean_is_that_of_the_whole_block():
    network = resnet().train()
    *_, name = residuals(network)
    block = network.get_submodule(name)
    block.F.norm1.eval(), block.F.norm2.eval()  # which give each image the same, whatever others do
    x = torch.randn(1, 64, 4, 4).expand(5000, -1, -1, -1)
    with torch.no_grad():
        whole = block.F(x)
        with regularised(block, Recipe(model="own:block", stochastic_depth=0.75)):
            some = block.F(x)
    kept = some.flatten(1).any(1)
    torch.testing.assert_close(some[kept], whole[kept] / 0.25)
    assert kept.double().mean().item() == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / 5000) ** 0.5)


@pytest.mark.parametrize(
    ("model", "blocks"),
    [
        ("mobilenet_v2", 10),
        ("efficientnet_b0", 9),
        ("efficientnet_lite0", 9),
        ("convnext_tiny", 18),
    ],
)
def test_blocks_of_every_kind_are_left_out(model, blocks):
    """Of all images and always, near enough: the blocks then give x; those that change its shape
    have none to give, and are no residual blocks."""
    network = models.build(model, 3, 10, 64).train()
    assert len(residuals(network)) == blocks
    passed = []
    for name in residuals(network):
        network.get_submodule(name).register_forward_hook(
            lambda _, x, y: passed.append((x[0] == y).flatten(1).all(1))
        )
    with regularised(network, Recipe(model=model, stochastic_depth=0.95)), torch.no_grad():
        network(torch.randn(40, 3, 64, 64))
    share = torch.stack(passed).double().mean().item()
    assert share == pytest.approx(1 - sum(survival(blocks, 0.95)) / blocks, abs=0.1)


def test_activations_computed_again_are_left_out_again():
    """Checkpointed stages run a block twice: both times the same images must skip it."""
    recipe, x = Recipe(model="resnet20", stochastic_depth=0.5), torch.randn(16, 1, 8, 8)
    gradients = []
    for again in (False, True):
        network = resnet(checkpoint=again).train()
        with regularised(network, recipe):
            torch.manual_seed(3)
            network(x).square().sum().backward()
        gradients.append([p.grad for p in network.parameters()])
    for once, twice in zip(*gradients, strict=True):
        torch.testing.assert_close(once, twice)


def test_at_rest_a_network_answers_in_full():
    network, x = resnet().eval(), torch.randn(4, 1, 8, 8)
    before = network(x)
    with regularised(network, Recipe(model="resnet20", stochastic_depth=0.5, dropout=0.5)):
        assert torch.equal(network(x), before)
        assert list(network.state_dict()) == list(resnet().state_dict())


def test_every_layer_of_dropout_gets_the_share():
    network = nn.Sequential(nn.Dropout(0.1), nn.Linear(4, 4), nn.Dropout2d(0.7))
    with regularised(network, Recipe(dropout=0.25)):
        assert [layer.p for layer in dropouts(network).values()] == [0.25, 0.25]
        assert hooks(network) == 0
    assert [layer.p for layer in dropouts(network).values()] == [0.1, 0.7]
    with regularised(network, Recipe()):
        assert [layer.p for layer in dropouts(network).values()] == [0.1, 0.7]
    with regularised(network, Recipe(dropout=0)):
        assert [layer.p for layer in dropouts(network).values()] == [0, 0]


def test_without_such_a_layer_the_input_of_the_head_is_dropped():
    network, x = models.build("mlp", 1, 10, 8, {"widths": "40"}).train(), torch.rand(500, 1, 8, 8)
    seen = {}
    with regularised(network, Recipe(model="mlp", dropout=0.3)):
        watch = network.output.register_forward_hook(lambda _, z, s: seen.update(z=z[0], s=s))
        network(x)
        watch.remove()
    whole = torch.relu(network.hidden[0].U(x.flatten(1)))
    dropped = (seen["z"] == 0) & (whole > 0)
    assert dropped.sum().item() / (whole > 0).sum().item() == pytest.approx(0.3, abs=0.02)
    torch.testing.assert_close(seen["z"][~dropped], whole[~dropped] / 0.7)
    torch.testing.assert_close(seen["s"], network.output(seen["z"]))
    assert hooks(network) == 0


def test_compiled_anew_for_other_hooks():
    """By default PyTorch would go on with what it compiled for those of another recipe."""
    network, x = nn.Sequential(nn.Linear(4, 4), nn.ReLU()), torch.rand(2, 4)
    compiled, recipe = torch.compile(network, backend="eager"), Recipe(compile="yes")
    for factor in (0.9, 0.2):  # hooks of its own, since the types of ours are checked in tests
        hook = network[1].register_forward_hook(lambda _, __, y, factor=factor: factor * y)
        with regularised(network, recipe), hook:
            assert torch.equal(compiled(x), network(x))


@pytest.mark.parametrize(
    ("model", "changes", "words"),
    [
        ("lenet5", {"stochastic_depth": 0.2}, "leaves out residual blocks, and this network has"),
        ("plain20", {"stochastic_depth": 0.2}, "take a residual network such as resnet20"),
        ("own:empty", {"dropout": 0.5}, "acts on layers of dropout or on what reaches the head"),
    ],
)
def test_a_network_without_a_place_is_refused_before_anything_is_written(
    model, changes, words, tmp_path
):
    own = nn.Sequential(nn.Flatten(), nn.PReLU(64)) if model.startswith("own:") else None
    recipe = Recipe(model=model, image_size=32, **changes)
    whole = images()
    whole = ImageSet(whole.images.repeat(1, 4, 4, 1), whole.targets, whole.classes, whole.names)
    with pytest.raises(UsageError, match=words):
        fit(recipe, whole, model=own, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


class Look(Callback):
    """How many hooks and which dropout there are while it learns."""

    def __init__(self):
        self.seen = []

    def on_step_end(self, training):
        shares = {layer.p for layer in dropouts(training.model).values()}
        self.seen.append((training.stage.number, hooks(training.model), shares))


def own() -> nn.Module:
    torch.manual_seed(2)
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(64, 3))


def test_nothing_is_left_on_a_network_of_ones_own(tmp_path):
    network, look = own(), Look()
    stages = [{"dropout": 0.5, "epochs": 1}, {"epochs": 1, "ema": 0.9}]
    run = fit(Recipe(model="own:net", stages=stages, **QUICK), images(), model=network,
              out=tmp_path / "run", callbacks=[look])  # fmt: skip
    assert {(stage, *shares) for stage, _, shares in look.seen} == {(0, 0.5), (1, 0.1)}
    assert network[1].p == 0.1
    assert list(run.model.state_dict()) == list(own().state_dict())


class Fail(Look):
    def on_step_end(self, training):
        super().on_step_end(training)
        raise OSError("the power went")


def test_nothing_is_left_after_a_failure_either(tmp_path):
    network, look = nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), Fail()
    recipe = Recipe(model="own:net", dropout=0.5, **QUICK)
    with pytest.raises(OSError, match="the power went"):
        fit(recipe, images(), model=network, out=tmp_path / "run", callbacks=[look])
    assert [count for _, count, _ in look.seen] == [1]
    assert hooks(network) == 0


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_all_of_them_at_once_learn(precision, tmp_path):
    recipe = Recipe(
        model="resnet20", epochs=1, batch_size=16, mixup=0.2, cutmix=1.0, stochastic_depth=0.2,
        dropout=0.1, label_smoothing=0.1, ema=0.9, accumulate=2, device="cpu", compile="no",
        precision=precision,
    )  # fmt: skip
    run = fit(recipe, images(), out=tmp_path / "run")
    assert 0 < run.metrics[-1]["train_loss"] < 10
    assert list(run.model.state_dict()) == list(models.build("resnet20", 1, 3, 8).state_dict())
