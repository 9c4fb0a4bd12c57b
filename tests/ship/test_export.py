"""Every format, opened again, says what the network says; what differs too much is not kept."""

import json
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from cutaway.errors import DataError, RunError, UsageError
from cutaway.files import read_json
from cutaway.learn.run import Run
from cutaway.ship.about import About
from cutaway.ship.export import atomic_path, export
from cutaway.ship.formats import FORMATS, onnx_file, open_exported
from cutaway.ship.portable import part_of, portable
from cutaway.ship.shipment import Shipment

EXACT = ("onnx", "pt2", "safetensors", "folder")
PARTS = [
    ("vae", "generate"), ("dcgan", "generate"), ("autoencoder", ""), ("gates", ""),
    *(pytest.param(*one, marks=pytest.mark.slow) for one in (
        ("vae", "reconstruct"), ("improved_gan", "answer"), ("improved_gan", "generate"),
        ("signal_net", ""), ("siren", ""),
    )),
]  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_an_export_answers_as_the_run(trained, shipped, name):
    run, exported = trained("lenet5"), shipped("lenet5", name)
    check = exported.check
    assert check.examples == len(run.split.test)
    assert check.difference["largest"] < 1e-5
    assert check.difference["agreement"] == 1
    assert check.export == check.pytorch
    assert check.export["accuracy"] == pytest.approx(run.results["accuracy"])
    opened = open_exported(exported.path)
    images = run.images()
    pixels = images.images[run.split.test].numpy()
    expected = run.saved_test().probabilities
    np.testing.assert_allclose(opened.in_batches(pixels), expected, atol=1e-4)
    assert opened.about.classes == run.data.classes
    assert opened.about.measures["accuracy"] == run.results["accuracy"]


@pytest.mark.parametrize(("model", "part"), PARTS)
def test_every_part_of_every_kind_leaves(trained, model, part, tmp_path):
    run = trained(model)
    (shipped,) = export(run, "onnx", part=part, out=tmp_path / "net.onnx")
    assert shipped.check.difference["largest"] < 1e-3
    assert open_exported(shipped.path).about.part == part_of(run.recipe.in_stages()[-1].task, part)


def test_onnxruntime_alone_runs_an_export(trained, shipped):
    run, path = trained("lenet5"), str(shipped("lenet5", "onnx").path)
    session = onnxruntime.InferenceSession(path)
    (taken,), (given,) = session.get_inputs(), session.get_outputs()
    assert (taken.name, taken.type) == ("pixels", "tensor(uint8)")
    assert taken.shape == ["batch", "height", "width", 1]
    assert (given.name, given.shape) == ("probabilities", ["batch", 10])
    kept = session.get_modelmeta().custom_metadata_map
    assert kept["classes"].split("\n") == list(run.data.classes)
    onnx.checker.check_model(path, full_check=True)
    for n in (1, 2, 7):
        outputs = session.run(None, {"pixels": np.zeros((n, 30, 41, 1), np.uint8)})[0]
        np.testing.assert_allclose(outputs.sum(1), 1, atol=1e-5)


def test_no_path_of_this_machine_leaves(shipped):
    content = shipped("lenet5", "onnx").path.read_bytes()
    assert b"site-packages" not in content
    assert b".py" not in content


def test_a_file_resizes_as_the_run_does(trained, shipped, tmp_path):
    """The network's file on the pixels of a photograph, and `predict` on the photograph."""
    from PIL import Image

    run = trained("lenet5")
    opened = open_exported(shipped("lenet5", "onnx").path)
    draw = np.random.default_rng(0)
    small = draw.integers(0, 256, (7, 5), dtype=np.uint8)
    picture = Image.fromarray(small).resize((150, 211), Image.Resampling.BICUBIC)
    picture.save(tmp_path / "photograph.png")
    told = dict(run.predict(tmp_path / "photograph.png")[0].top)
    same = dict(opened.predict(tmp_path / "photograph.png")[0].top)
    assert same == pytest.approx(told, abs=1e-5)
    itself = opened.answer(np.asarray(picture)[None, :, :, None])[0]
    for name, p in told.items():  # a grey level here and there
        assert itself[run.data.classes.index(name)] == pytest.approx(p, abs=1e-3)


def test_pt2_runs_with_pytorch_alone(trained, shipped):
    run, extra = trained("lenet5"), {"cutaway.json": ""}
    whole = torch.export.load(str(shipped("lenet5", "pt2").path), extra_files=extra).module()
    assert json.loads(extra["cutaway.json"])["target"]["names"] == list(run.data.classes)
    for shape in ((1, 8, 8, 1), (2, 9, 30, 1), (3, 31, 8, 1)):
        assert whole(torch.zeros(shape, dtype=torch.uint8)).shape == (shape[0], 10)


def test_the_comparison_is_kept_and_the_evaluation_is_logged(trained):
    run = trained("mlp")
    before = len(run.looks)
    exports = export(run, ["onnx", "safetensors"])
    kept = read_json(run.path / "export.json")
    assert {one.path.name for one in exports} == {"mlp.onnx", "mlp.safetensors"} <= set(kept)
    assert kept["mlp.onnx"]["bytes"] == exports[0].path.stat().st_size
    assert len(run.looks) == before + 1
    assert run.looks[-1]["why"] == "export onnx, safetensors"
    assert run.looks[-1]["accuracy"] == run.results["accuracy"]


def test_what_differs_too_much_is_not_left_behind(trained, tmp_path):
    run, place = trained("lenet5"), tmp_path / "net.onnx"
    with pytest.raises(RunError, match="differs from PyTorch"):
        export(run, "onnx-int8", out=place, difference=1e-9)
    assert list(tmp_path.iterdir()) == []
    place = tmp_path / "net.safetensors"
    place.write_text("an earlier one")
    with pytest.raises(RunError, match="points"):
        export(run, "safetensors", out=place, lost=-1000)
    assert [one.name for one in tmp_path.iterdir()] == ["net.safetensors"]
    assert place.read_text() == "an earlier one"


def test_a_wrong_network_is_caught(trained, tmp_path):
    """The check itself: weights changed after the reference was computed."""
    from cutaway.ship.verify import Reference

    run = trained("lenet5")
    shipment = Shipment.of(run)
    reference = Reference(shipment)
    other = Run(run.path)
    with torch.no_grad():
        next(other.model.parameters()).mul_(3)
    onnx_file.write(replace(shipment, run=other), tmp_path / "net.onnx")
    allowed = {"difference": 1e-3, "lost": 0.1}
    check = reference.check(FORMATS["onnx"], onnx_file.read(tmp_path / "net.onnx"), allowed)
    with pytest.raises(RunError, match="not kept"):
        check.require_agreement()


def test_images_of_any_size(trained, tmp_path):
    with pytest.raises(UsageError, match="pixels alone"):
        export(trained("lenet5"), "onnx", any_size=True, out=tmp_path / "net.onnx")
    with pytest.raises(UsageError, match="takes no pictures"):
        export(trained("dcgan"), "onnx", any_size=True, out=tmp_path / "net.onnx")


def test_requests_that_cannot_be_met(trained, tmp_path):
    run = trained("lenet5")
    with pytest.raises(UsageError, match="Did you mean 'onnx'"):
        export(run, "onxx")
    with pytest.raises(UsageError, match="no part 'generate'"):
        export(run, "onnx", part="generate")
    with pytest.raises(UsageError, match="several formats"):
        export(run, ["onnx", "pt2"], out=tmp_path / "net")
    with pytest.raises(UsageError, match="no 8-bit method 'statik'"):
        export(run, "onnx-int8", int8="statik")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="other things in it"):
        export(run, "folder", out=tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_files_that_are_no_exports(tmp_path):
    for name in ("net.onnx", "net.pt2"):
        (tmp_path / name).write_bytes(b"no network")
        with pytest.raises(DataError, match=f"{name} is not a"):
            open_exported(tmp_path / name)
    with pytest.raises(DataError, match="is not there"):
        open_exported(tmp_path / "none.onnx")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UsageError, match="is not an export"):
        open_exported(tmp_path / "notes.txt")
    with pytest.raises(DataError, match="not a model folder"):
        open_exported(tmp_path)
    foreign = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> agraph (float[N] x) => (float[N] y) '
        "{ y = Relu(x) }"
    )
    onnx.save(foreign, tmp_path / "foreign.onnx")
    with pytest.raises(DataError, match="not exported by Cutaway"):
        open_exported(tmp_path / "foreign.onnx")


def test_nothing_is_left_where_writing_fails(tmp_path):
    def broken() -> None:
        with atomic_path(tmp_path / "a" / "net.onnx") as new:
            new.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert list((tmp_path / "a").iterdir()) == []


def test_about_survives_its_own_json(trained):
    about = About.of(trained("lenet5"), "answer", True)
    assert About.from_json(about.to_json()) == about


def test_the_run_s_own_network_is_untouched(trained):
    run = trained("lenet5")
    network = run.model.train()
    whole = portable(network, About.of(run, "answer", True))
    assert network.training
    assert all(p.requires_grad for p in network.parameters())
    assert not any(p.requires_grad for p in whole.parameters())
    network.eval()


def test_axes_that_may_be_of_any_length(trained):
    exported = Shipment.of(trained("lenet5")).program
    (name,) = exported.graph_signature.user_inputs
    node = next(node for node in exported.graph.nodes if node.name == name)
    assert [isinstance(n, int) for n in node.meta["val"].shape] == [False, False, False, True]
