"""A network of another library as a backbone, from its name to what is handed on."""

import json

import pytest
import torch
from helpers.digits import digits
from helpers.hub import serving
from helpers.model_packages import package
from safetensors.torch import save_file

import cutaway as ca
from cutaway import recipes
from cutaway.errors import UsageError
from cutaway.learn.callbacks import Callback
from cutaway.learn.frozen_features import FeatureFeed

NAME = "timm/test_convnext.r160_in1k"
QUICK = {"image_size": 32, "augment": "none", "progress": False, "batch_size": 16, "epochs": 2}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with serving(tmp_path / "hub", monkeypatch, NAME) as files:
        yield files


@pytest.fixture
def published(hub, tmp_path):
    """timm's network with random weights, as the hub would give them."""
    torch.manual_seed(1)
    network = package("timm").create_model("test_convnext")
    save_file(dict(network.state_dict()), tmp_path / "w.safetensors")
    said = {"mean": [0.1, 0.2, 0.3], "std": [0.4] * 3, "input_size": [3, 160, 160]}
    config = {"architecture": "test_convnext", "pretrained_cfg": said}
    hub["model.safetensors"] = (tmp_path / "w.safetensors").read_bytes()
    hub["config.json"] = json.dumps(config).encode()
    return network


class Fed(Callback):
    """What the last stage learned from."""

    def on_step_end(self, training):
        self.feed = type(training.stage.feed)


def test_a_name_with_weights_begins_with_them():
    package("timm")
    recipe = recipes.pair(NAME, "digits")
    assert (recipe.pretrained, recipe.freeze, recipe.image_size) == ("auto", "backbone", 160)
    assert recipes.pair("timm/test_convnext", "digits").pretrained == ""
    assert recipes.starting_point(NAME).data == "rocks"


def test_the_whole_way(published, tmp_path):
    fed, images = Fed(), digits(60)
    run = ca.fit(NAME, images, out=tmp_path / "run", callbacks=[fed], **QUICK)
    assert fed.feed is FeatureFeed
    state = run.model.state_dict()
    assert all(
        torch.equal(state[k], v) for k, v in published.state_dict().items() if "head.fc" not in k
    )
    known = json.loads((run.path / "pretrained.json").read_text())
    assert known["new"] == ["head.fc.weight", "head.fc.bias"]
    assert run.data.mean == pytest.approx((0.2,))
    assert "timm" in run.environment
    again = ca.load(run.path)
    assert again.predict(images.subset(torch.arange(3)))[0].top == run.predict(images)[0].top
    (exported,) = ca.export(run, "onnx")
    assert exported.path.exists()
    (folder,) = ca.export(run, "folder")
    handed_on = ca.from_pretrained(folder.path).predict(images)[0]
    assert handed_on.label == run.predict(images)[0].label
    assert run.report(images).exists()


def test_a_stopped_run_goes_on(published, tmp_path):
    class Ends(Callback):
        def on_epoch_end(self, training, row):
            raise KeyboardInterrupt

    more = QUICK | {"freeze": "", "backbone_rate": 0.1}
    whole = ca.fit(NAME, digits(60), out=tmp_path / "whole", **more)
    with pytest.raises(KeyboardInterrupt):
        ca.fit(NAME, digits(60), out=tmp_path / "run", callbacks=[Ends()], **more)
    again = ca.resume(tmp_path / "run", data=digits(60), progress=False)
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name


def test_without_the_hub_nothing_begins(hub, tmp_path):
    package("timm")
    with pytest.raises(UsageError, match=r"test_convnext\.r160_in1k is a repository without model"):
        ca.fit(NAME, digits(60), out=tmp_path / "run", **QUICK)
    assert not (tmp_path / "run").exists()


def test_our_own_network_takes_torchvisions_weights(tmp_path, monkeypatch):
    models = package("torchvision").models
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    weights = models.ResNet18_Weights.IMAGENET1K_V1
    file = tmp_path / "hub" / "checkpoints" / weights.url.rpartition("/")[2]
    file.parent.mkdir(parents=True)
    torch.manual_seed(1)
    network = models.resnet18()
    torch.save(network.state_dict(), file)
    more = QUICK | {"epochs": 1, "pretrained": "torchvision/resnet18.IMAGENET1K_V1"}
    run = ca.fit("resnet18", digits(60), out=tmp_path / "run", **more)
    kernels = network.conv1.weight.sum(1, keepdim=True)
    torch.testing.assert_close(run.model.stem[0].weight, kernels)
    theirs = ca.fit(
        "torchvision/resnet18.IMAGENET1K_V1", digits(60), out=tmp_path / "theirs",
        **QUICK | {"epochs": 1},
    )  # fmt: skip
    torch.testing.assert_close(theirs.model.conv1.weight, kernels)
    assert theirs.data.mean == pytest.approx((sum(weights.transforms().mean) / 3,))
