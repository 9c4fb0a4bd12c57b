"""Exports that several processes make of one run at once."""

import json
import subprocess
from dataclasses import replace

import pytest
from helpers.command import CUTAWAY

from cutaway.data.sources import load
from cutaway.learn.fit import fit
from cutaway.recipes import pair
from cutaway.ship.about import About


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    recipe = pair("mlp", "digits").override(
        model_options={"widths": "8"}, epochs=1, image_size=8, precision="float32"
    )
    images = replace(load("digits", image_size=8), name="/home/me/private stones")
    return fit(recipe, images, out=tmp_path_factory.mktemp("runs") / "x")


def test_what_is_shipped_does_not_tell_where_the_data_lay(run):
    assert About.of(run, "answer", False).data == "private-stones"


@pytest.mark.slow
def test_no_export_is_lost(run):
    """Two of one folder, two of files: all succeed, and all are in the record."""
    kinds = ["folder", "folder", "safetensors", "pt2"]
    crew = [
        subprocess.Popen(
            [*CUTAWAY, "export", str(run.path), "--to", kind], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )
        for kind in kinds
    ]  # fmt: skip
    said = [one.communicate()[0] for one in crew]
    assert [one.returncode for one in crew] == [0] * 4, said
    record = json.loads((run.path / "export.json").read_text())
    assert len(record) == 3
    left = [path.name for path in (run.path / "exports").iterdir()]
    assert sorted(left) == sorted(record)
