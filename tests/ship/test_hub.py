"""A model repository in a folder: written, read, and used with no network."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

import cutaway as ca
from cutaway.errors import DataError, RunError


@pytest.fixture
def folder(trained, tmp_path):
    return ca.push_to_hub(trained("lenet5"), tmp_path / "hub" / "lenet5")


def test_there_and_back(trained, folder):
    run = trained("lenet5")
    exported = ca.from_pretrained(folder)
    for name, value in run.model.state_dict().items():
        assert torch.equal(exported.network.state_dict()[name], value)
    pixels = run.images().images[run.split.test][:9]
    expected = run.saved_test().probabilities[:9]
    np.testing.assert_allclose(exported.answer(pixels.numpy()), expected, atol=1e-5)


def test_the_layout_is_that_of_the_hub(trained, folder):
    run = trained("lenet5")
    names = sorted(os.listdir(folder))
    assert names == ["README.md", "config.json", "model.safetensors"]
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    assert config["library_name"] == "cutaway"
    assert config["model"] == "lenet5"
    with open(os.path.join(folder, "README.md")) as file:
        card = file.read()
    assert card.startswith("---\nlibrary_name: cutaway\n")
    assert f"{run.results['accuracy']:.4g}" in card
    assert "## Limits" in card
    assert f"{run.data.counts['test']:,} were held out" in card


def test_the_card_is_one_that_the_hub_reads(folder):
    cards = pytest.importorskip("huggingface_hub").ModelCard
    card = cards.load(os.path.join(folder, "README.md"))
    assert card.data.library_name == "cutaway"
    assert card.data.pipeline_tag == "image-classification"


def test_a_weight_that_was_changed(folder):
    path = os.path.join(folder, "model.safetensors")
    with open(path, "r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(b"\x00\x01\x02\x03")
    with pytest.raises(RunError, match="changed since it was written"):
        ca.from_pretrained(folder)


@pytest.mark.slow
def test_no_such_folder_and_no_network(tmp_path):
    with pytest.raises(DataError, match="no folder"):
        ca.from_pretrained(tmp_path / "none")
    code = (
        "import cutaway as ca\n"
        "try: ca.from_pretrained('someone/something')\n"
        "except ca.CutawayError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert done.stdout.startswith("someone/something is not a folder here, and the Hub says:")
