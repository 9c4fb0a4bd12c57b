"""Networks of torchvision and timm by name, where these are installed and where they are not."""

import importlib.util

import pytest
import torch
from helpers.model_packages import package

from cutaway.errors import UsageError
from cutaway.models import build, find, is_model, packaged


@pytest.mark.parametrize(
    ("name", "head", "side"),
    [
        ("timm/test_resnet", "fc", 160),
        ("timm/test_convnext.r160_in1k", "head.fc", 160),
        ("torchvision/resnet18", "fc", 224),
        ("torchvision/shufflenet_v2_x0_5.IMAGENET1K_V1", "fc", 224),
        ("torchvision/squeezenet1_1", "classifier.1", 224),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_has_its_classes_channels_and_head(name, head, side, channels):
    package(name.partition("/")[0])
    model = find(name)
    assert (model.name, model.head, model.example[2]) == (name, head, side)
    network = build(name, channels, 5, 64).eval()
    assert network(torch.rand(2, channels, 64, 64)).shape == (2, 5)
    (last,) = [m for n, m in network.named_modules() if n == head]
    assert 5 in (getattr(last, "out_features", 0), getattr(last, "out_channels", 0))


def test_weights_are_those_of_the_name_or_the_usual_ones():
    package("timm")
    assert find("timm/resnet50.a2_in1k").hub == "timm/resnet50.a2_in1k"
    assert find("timm/resnet50").hub.startswith("timm/resnet50.")
    one = find("torchvision/resnet50.IMAGENET1K_V1").weights
    assert one.find.args[0].endswith("resnet50-0676ba61.pth")
    assert find("torchvision/resnet50").weights.find.args[0] != one.find.args[0]
    assert (one.mean[0], one.std[0], one.size) == (0.485, 0.229, 224)


def test_one_that_takes_one_size_only_is_built_for_it():
    package("timm")
    assert find("timm/test_vit").min_size == 160
    assert build("timm/test_vit", 3, 4, 160).eval()(torch.rand(1, 3, 160, 160)).shape == (1, 4)
    assert build("timm/test_vit", 3, 4, 192).eval()(torch.rand(1, 3, 192, 192)).shape == (1, 4)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("timm/resnet10", r"timm has no network 'resnet10'\. Did you mean 'resnet1"),
        ("timm/qqqqqqqq", r"`timm\.list_models\(\)` tells what it has"),
        ("timm/resnet50.a2_in1", r"resnet50 has no weights 'a2_in1'\. Did you mean 'a2_in1k'"),
        ("timm/deit_tiny_distilled_patch16_224", "no layer of its own for classes"),
        ("torchvision/resnet51", r"no classifier 'resnet51'\. Did you mean 'resnet50'"),
        ("torchvision/fasterrcnn_resnet50_fpn", "no classifier 'fasterrcnn"),
        ("torchvision/resnet50.V1", r"resnet50 has no weights 'V1'\. Choose one of: DEFAULT"),
    ],
)
def test_what_they_do_not_have_is_a_sentence(name, sentence):
    package(name.partition("/")[0])
    with pytest.raises(UsageError, match=sentence):
        find(name)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("timm/vit_base", r"package timm, which is not installed: pip install timm\.$"),
        (
            "timm/mobilenetv2_100.ra_in1k",
            "or train Cutaway's own mobilenet_v2 --pretrained timm/mobilenetv2_100.ra_in1k",
        ),
    ],
)
def test_without_the_package_it_says_what_to_install(name, sentence, monkeypatch):
    monkeypatch.setattr(packaged, "find_spec", lambda _: None)
    packaged.timm.cache_clear()
    with pytest.raises(UsageError, match=sentence):
        find(name)
    assert is_model(name)


def test_a_package_that_cannot_be_imported_is_a_sentence(tmp_path, monkeypatch):
    """As torchvision where it was built for another PyTorch."""
    (tmp_path / "timm.py").write_text("raise RuntimeError('operator torchvision::nms is missing')")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in importlib.sys.modules if name.partition(".")[0] == "timm"]:
        monkeypatch.delitem(importlib.sys.modules, name)
    packaged.timm.cache_clear()
    with pytest.raises(UsageError, match=r"timm cannot be used here \(operator.*fit each other"):
        find("timm/resnet18")


def test_torchvisions_weights_are_fetched_once_and_checked(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    there = tmp_path / "there" / "net-0123abcd.pth"
    there.parent.mkdir()
    there.write_bytes(b"not what the name promises")
    with pytest.raises(UsageError, match=r"cannot be fetched \(invalid hash value.*put them at"):
        packaged._fetched(there.as_uri())
    with pytest.raises(UsageError, match="cannot be fetched"):
        packaged._fetched((tmp_path / "none-0123abcd.pth").as_uri())
    kept = tmp_path / "hub" / "checkpoints" / there.name
    assert not kept.exists()
    kept.write_bytes(b"fetched before")
    assert packaged._fetched(there.as_uri()) == kept
