"""The network in the cache: the same answers without torch, and torch wherever that cannot be."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.command import CUTAWAY, cutaway
from helpers.digits import digits
from PIL import Image

import cutaway as ca
from cutaway.learn.classifier import Classifier
from cutaway.learn.prediction import ClassPrediction
from cutaway.ship import quick

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> ca.Run:
    out = tmp_path_factory.mktemp("runs") / "digits"
    return ca.fit("mlp", digits(400), epochs=3, optimizer="adamw", lr=0.02, out=out, widths="32",
                  progress=False)  # fmt: skip


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Of another size and colour than the network takes."""
    path = tmp_path / "seven.png"
    Image.fromarray(digits(8).images[7, ..., 0].numpy()).resize((50, 31)).convert("RGB").save(path)
    return path


def test_from_the_second_call_on_torch_is_not_loaded(run, picture):
    first, second = (cutaway("predict", run.path, picture, "--json").json for _ in range(2))
    assert first == second
    network = quick.opened(run.path, many=True)
    assert network
    for (name, p), (other, q) in zip(
        run.predict(picture)[0].top, network.predict(picture)[0].top, strict=True
    ):
        assert name == other
        assert p == pytest.approx(q, abs=1e-5)
    unlike = [one.predict(picture)[0].unlike for one in (run, network)]
    assert unlike[0] == pytest.approx(unlike[1], abs=1e-4)
    code = (
        "import sys\nfrom cutaway.cli import main\n"
        f"sys.argv[1:] = ['predict', {str(run.path)!r}, {str(picture)!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "sys.exit(' '.join({'torch', 'jaxtyping', 'sklearn', 'scipy'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "seven.png" in done.stdout
    (picture.parent / "broken.png").write_text("hello")
    command = [*CUTAWAY, "predict", run.path, picture, picture.parent / "broken.png", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "broken.png" in done.stderr


def test_what_is_asked_once_pays_nothing(run):
    quick.keep(run)
    assert quick.opened(run.path, many=False) is None


def test_other_weights_or_a_damaged_file_are_not_used(run):
    for _ in range(2):
        quick.keep(run)
    assert quick.opened(run.path, many=False)
    before = quick._key(run.path)
    weights = run.path / "weights.safetensors"
    weights.write_bytes(weights.read_bytes())
    assert quick._key(run.path) != before
    assert quick.opened(run.path, many=False) is None


def test_what_tells_more_than_the_answer_is_left_to_torch(run, monkeypatch):
    """A prediction with something that the cache knows nothing of."""
    plain = Classifier.prediction

    def unlike(self, name, answer, target, error="") -> ClassPrediction:
        return replace(plain(self, name, answer, target, error), name=f"{name}!")

    monkeypatch.setattr(Classifier, "prediction", unlike)
    run = ca.Run(run.path)
    for _ in range(2):
        quick.keep(run)
    assert quick.opened(run.path, many=False) is None
