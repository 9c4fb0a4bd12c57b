"""`cutaway lr` as somebody types it."""

import json

from helpers.command import cutaway
from helpers.pictures import two_classes


def test_a_model_and_a_run_are_tested(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = ("mlp", "digits", "--image-size", 8, "--widths", 8, "--augment", "none")
    done = cutaway("lr", *small)
    assert done.code == 0, done.err
    assert "range test suggests a learning rate of" in done.said
    page = (tmp_path / "lr-mlp-digits.html").read_text()
    assert "suggested learning rate" in page

    cutaway("train", *small, "--epochs", 1, "--out", tmp_path / "run")
    told = json.loads(cutaway("lr", tmp_path / "run", "--json").out)
    assert told["page"] == str(tmp_path / "run" / "lr.html")
    assert told["recipe"] == 0.002
    low, high = told["span"]
    assert 0.9 * low <= told["suggestion"] <= 1.1 * high
    assert len(told["sweeps"]) == 3


def test_of_a_folder_the_network_is_tested_that_would_be_trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    two_classes(tmp_path / "photos", each=30, size=40)
    done = cutaway("lr", "photos", "--batch-size", 8)
    assert done.code == 0, done.err
    assert "Chosen: efficientnet_lite0 with weights" in done.err
    assert "Sweep 3 of 3 took" in done.err
    assert (tmp_path / "lr-efficientnet_lite0-photos.html").exists()


def test_bad_input_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cutaway("lr", "mlp", "digits", "--optimizer", "cma-es")
    assert done.code == 2
    assert "no learning rate to test" in done.err
    assert not list(tmp_path.glob("*.html"))
