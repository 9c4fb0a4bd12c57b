"""Every door sees the same pixels of a file: training, predict, evaluate, serve, every export."""

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.picture_files import every_mode
from PIL import Image

from cutaway.data.decode import decode_to
from cutaway.data.sources import load
from cutaway.errors import RunError
from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.ship.about import About
from cutaway.ship.export import export
from cutaway.ship.formats import FORMATS, onnx_file, open_exported
from cutaway.ship.serve.decoding import decode_picture
from cutaway.ship.shipment import Shipment


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small network on pictures in every mode, most of which want resizing."""
    root = every_mode(tmp_path_factory.mktemp("pictures"))
    recipe = Recipe(model="lenet5", data=str(root), image_size=32, epochs=4, lr=0.01, val=0.0,
                    precision="float32")  # fmt: skip
    return fit(recipe, load(root, image_size=32), out=tmp_path_factory.mktemp("runs") / "run")


def files(run: Run) -> list[Path]:
    return [Path(run.recipe.data) / name for name in run.images().names]


def test_predict_and_the_server_see_what_training_saw(run: Run) -> None:
    images, about = run.images(), About.of(run, "answer", resizes=False)
    assert images.levels == run.data.levels == about.levels
    for path, pixels in zip(files(run), images.images, strict=True):
        assert (run.data.pixels(path) == pixels).all()
        assert (decode_picture(path.read_bytes(), about, 2**27) == pixels.numpy()).all()


def test_evaluate_reads_files_as_training_did(run: Run) -> None:
    """The same files as other data; they are adopted as they are."""
    other = run.data.adopt(load(run.recipe.data, image_size=run.data.frame))
    assert (other.images == run.images().images).all()
    assert (other.targets == run.images().targets).all()


@pytest.mark.parametrize("name", ["onnx", "pt2", "safetensors", "folder", "onnx-int8"])
def test_an_export_answers_to_files_at_their_own_size(run: Run, name: str, tmp_path: Path) -> None:
    """From decoded pixels of any size: a pixel may be off by one, and an answer by 1e-3; in 8 bits,
    where such a pixel may take an activation to the next of 256 values, by 1e-2."""
    off = 1e-2 if name == "onnx-int8" else 1e-3
    (shipped,) = export(run, name, out=tmp_path / f"net{FORMATS[name].ending}", lost=100)
    opened, images = open_exported(shipped.path), run.images()
    assert shipped.check.files["images"] == len(run.split.test)
    as_seen = opened.in_batches(images.images.numpy())
    for path, wanted in zip(files(run), as_seen, strict=True):
        own = decode_to(path, run.data.frame._replace(size=None))
        np.testing.assert_allclose(opened.answer(own[None])[0], wanted, atol=off, err_msg=str(path))
    if name != "onnx-int8":
        told = [dict(one.top) for one in run.predict(files(run))]
        for one, wanted in zip(told, as_seen, strict=True):
            assert [one[c] for c in run.data.classes] == pytest.approx(wanted.tolist(), abs=1e-3)


def test_an_export_that_sees_other_pixels_is_not_kept(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that resizes without antialiasing, as most programs do."""

    def plain(x: torch.Tensor, frame: object) -> torch.Tensor:
        resized = torch.nn.functional.interpolate(x.float(), (32, 32), mode="bilinear")
        return resized.round().byte()

    monkeypatch.setattr("cutaway.ship.portable.fit_frame", plain)
    with pytest.raises(RunError, match="held-out files at their original sizes"):
        export(Run(run.path), "onnx", out=tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fit_", ["pad", "stretch"])
def test_whole_pictures_are_brought_alike(fit_: str, tmp_path: Path) -> None:
    """Small ones of one size are padded; arrays that are not square are stretched to."""
    draw = np.random.default_rng(0)
    if fit_ == "pad":
        for i in range(20):
            path = tmp_path / "data" / "ab"[i % 2] / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draw.integers(0, 256, (32, 20), dtype=np.uint8)).save(path)
        images = load(tmp_path / "data")
        recipe = Recipe(model="lenet5", data=str(tmp_path / "data"), epochs=1, precision="float32")
    else:
        images = load((draw.integers(0, 256, (20, 32, 24), dtype=np.uint8), [0, 1] * 10))
        recipe = Recipe(model="mlp", data="own:arrays", epochs=1, precision="float32")
    run = fit(recipe, images, out=tmp_path / "run")
    assert run.data.frame.fit == fit_
    onnx_file.write(Shipment.of(run), tmp_path / "net.onnx")
    opened = open_exported(tmp_path / "net.onnx")
    for shape in ((32, 20), (61, 90), (33, 12)):
        pixels = draw.integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "new.png")
        told = dict(run.predict(tmp_path / "new.png")[0].top)
        output = opened.answer(pixels[None, ..., None])[0]
        wanted = [told[name] for name in run.data.classes]
        np.testing.assert_allclose(output, wanted, atol=1e-3)
