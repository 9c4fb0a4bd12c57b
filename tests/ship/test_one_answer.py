"""What is judged is what leaves: a run answers alike at every door, whatever it learned in."""

from pathlib import Path

import numpy as np
import pytest
import torch

from cutaway import recipes
from cutaway.learn.fit import fit
from cutaway.learn.loading import load_for
from cutaway.learn.run import Run
from cutaway.see.probe import answers
from cutaway.ship.export import export
from cutaway.ship.formats import FORMATS, open_exported
from cutaway.ship.serve.engine import TorchEngine
from cutaway.show.look.prepare import of_run

EXACT = ("onnx", "pt2", "safetensors", "folder")


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A LeNet-5 that learned in one precision or the other."""
    recipe = recipes.digits().override(epochs=2, precision=request.param)
    place: Path = tmp_path_factory.mktemp("one-answer") / "lenet5"
    return fit(recipe, load_for(recipe, recipe.data), out=place)


@pytest.fixture
def lowered():
    """A user's process in which matrix products are rounded to bfloat16."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    yield
    torch.set_float32_matmul_precision(before)


def probabilities(run: Run) -> np.ndarray:
    """As they were kept at the end of training."""
    return run.saved_test().probabilities.numpy()


def test_it_learned_in_that_precision(run: Run) -> None:
    assert run.environment["precision"] == run.recipe.precision


def test_evaluate_finds_what_training_found(run: Run) -> None:
    evaluation = run.evaluate()
    np.testing.assert_allclose(evaluation.probabilities, probabilities(run), atol=1e-5)
    assert evaluation.accuracy == run.results["accuracy"]


def test_the_last_epoch_was_validated_so(run: Run) -> None:
    assert run.evaluate(on="val").accuracy == run.metrics[-1]["val_accuracy"]


def test_in_a_process_of_low_precision_too(run: Run, lowered: None) -> None:
    np.testing.assert_allclose(run.evaluate().probabilities, probabilities(run), atol=1e-5)
    assert torch.get_float32_matmul_precision() == "medium"


def test_predict_says_the_same(run: Run, tmp_path: Path) -> None:
    from PIL import Image

    images, index = run.images(), run.split.test[:8]
    paths = [tmp_path / f"{k}.png" for k in range(len(index))]
    for path, pixels in zip(paths, images.images[index].numpy(), strict=True):
        Image.fromarray(pixels.squeeze(-1)).save(path)
    for prediction, expected in zip(run.predict(paths), probabilities(run), strict=False):
        said = dict(prediction.top)
        for k, name in enumerate(run.data.classes):
            assert said.get(name, expected[k]) == pytest.approx(expected[k], abs=1e-5)


def test_the_server_says_the_same(run: Run, lowered: None) -> None:
    pixels = run.images().images[run.split.test].numpy()
    answer = TorchEngine(run).answer(pixels)
    np.testing.assert_allclose(answer, probabilities(run), atol=1e-5)


def test_the_page_about_it_looks_at_the_same(run: Run, lowered: None) -> None:
    specimen = of_run(Run(run.path), on="test")
    kept = dict(
        zip(map(run.images().names.__getitem__, run.split.test), probabilities(run), strict=True)
    )
    scores = answers(specimen.model, specimen.held.x, ["output"])["output"]
    expected = np.array([kept[name] for name in specimen.held.names])
    np.testing.assert_allclose(specimen.probabilities(scores), expected, atol=1e-5)


@pytest.mark.parametrize("name", EXACT)
def test_every_export_says_the_same(run: Run, name: str, tmp_path: Path) -> None:
    (shipped,) = export(run, name, out=tmp_path / f"net{FORMATS[name].ending}")
    pixels = run.images().images[run.split.test].numpy()
    outputs = open_exported(shipped.path).in_batches(pixels)
    np.testing.assert_allclose(outputs, probabilities(run), atol=1e-5)
    assert shipped.check.pytorch["accuracy"] == run.results["accuracy"]
