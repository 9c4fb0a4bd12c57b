"""Several labels of images: from data to use, the whole way."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.server import Server, encoded
from PIL import Image
from torch import nn

import cutaway as ca
from cutaway.data.batch import Batch
from cutaway.data.sources import load
from cutaway.data.target import Labels
from cutaway.errors import UsageError
from cutaway.learn.compare import compare
from cutaway.learn.run import Run
from cutaway.learn.tasks.multi_label import MultiLabel

QUICK: dict[str, Any] = {
    "model_options": {"widths": "32"}, "epochs": 8, "lr": 0.02, "batch_size": 32, "device": "cpu",
    "augment": "none", "label_smoothing": 0.0, "compile": "no", "precision": "float32",
    "progress": False,
}  # fmt: skip
NAMES = ("left", "right", "top")


def bars(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images with bars at some sides, and which of them each has."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, 3)) < [0.5, 0.3, 0.2]).astype(np.uint8)
    images = rng.integers(0, 120, (n, 12, 12), dtype=np.uint8)
    for image, (left, right, top) in zip(images, labels, strict=True):
        image[:, :2] += 130 * left
        image[:, -2:] += 130 * right
        image[:2, 3:9] += 130 * top
    return images, labels


def bars_table(root: Path, n: int) -> Path:
    images, labels = bars(n)
    with open(root / "bars.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", *NAMES])
        for i, (image, row) in enumerate(zip(images, labels, strict=True)):
            Image.fromarray(image).save(root / f"{i:03}.png")
            writer.writerow([f"{i:03}.png", *row])
    return root / "bars.csv"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small network that has learned which bars 400 images have."""
    place = tmp_path_factory.mktemp("multi-label")
    result = ca.fit("mlp", bars(400), label="left,right,top", out=place / "run", **QUICK)
    assert isinstance(result, Run)
    return result


def test_the_loss_is_the_mean_of_all_labels() -> None:
    s, t = torch.tensor([[2.0, -1.0], [0.0, 3.0]]), torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    (player,) = MultiLabel().players(nn.Identity())
    loss, counts = player.loss(Batch(s, t, torch.arange(2)))
    p = torch.where(t == 1, s.sigmoid(), 1 - s.sigmoid())
    assert loss.item() == pytest.approx(-p.log().mean().item())
    assert counts["hamming_loss"].item() == pytest.approx(1.0)


def test_an_output_gives_back_its_answer() -> None:
    task, target, s = MultiLabel(), Labels(NAMES), torch.linspace(-9, 9, 30).view(10, 3)
    p = task.answer(s, target)
    assert task.answer(task.output_of(p, target), target) == pytest.approx(p, abs=1e-6)


def test_thresholds_decide_what_is_predicted() -> None:
    answer, target = torch.tensor([0.3, 0.6, 0.9]), Labels(NAMES)
    told = MultiLabel(thresholds=(0.2, 0.7, 0.9)).prediction("x", answer, target)
    assert [name for name, _ in told.labels] == ["top", "left"]
    assert [name for name, _ in told.others] == ["right"]
    assert told.probabilities == pytest.approx({"left": 0.3, "right": 0.6, "top": 0.9})
    plain = MultiLabel().prediction("x", answer, target)
    assert [name for name, _ in plain.labels] == ["top", "right"]
    none = MultiLabel().prediction("x", torch.zeros(3), target)
    assert none.cells()["labels"] == "none"


def test_the_task_is_chosen_and_learns(run: Run) -> None:
    assert run.recipe.task == "multi-label"
    assert run.data.target == Labels(NAMES)
    assert run.results["mean_average_precision"] > 0.95
    assert {"val_mean_average_precision", "val_hamming_loss"} <= run.metrics[-1].keys()
    thresholds = json.loads((run.path / "tuned.json").read_text())["thresholds"]
    assert len(thresholds) == 3
    assert run.task.thresholds == tuple(thresholds)  # type: ignore[attr-defined]
    (said,) = (note["sentence"] for note in run.notes if note["kind"] == "multi-label")
    assert "several labels an image: left, right, top" in said


def test_what_was_kept_is_what_is_evaluated(run: Run) -> None:
    run._data = bars(400)
    again, saved = run.evaluate(), run.saved_test()
    assert again.summary() == pytest.approx(saved.summary())


def test_the_split_keeps_the_shares(run: Run) -> None:
    _, labels = bars(400)
    whole = labels.mean(0)
    for part in ("train", "val", "test"):
        assert np.abs(labels[getattr(run.split, part).numpy()].mean(0) - whole).max() < 0.03


def test_predictions_are_right(run: Run) -> None:
    images, labels = bars(50, seed=7)
    told = [{name for name, _ in one.labels} for one in run.predict([*images])]  # type: ignore[attr-defined]
    wanted = [{n for n, one in zip(NAMES, row, strict=True) if one} for row in labels]
    assert np.mean([a == b for a, b in zip(told, wanted, strict=True)]) > 0.8


def test_the_report_says_it(run: Run) -> None:
    text = ca.report(run, run.images()).read_text()
    for words in ("Label by label", "Labels that occur together", "mean average precision"):
        assert words in text


def test_other_data_are_taken_by_the_names(run: Run, tmp_path: Path) -> None:
    table = bars_table(tmp_path, 30)
    assert run.evaluate(table).summary()["images"] == 30
    lines = ["file,labels", "000.png,top", "001.png,right"]
    (tmp_path / "one.csv").write_text("\n".join(lines))
    one = run.data.adopt(load(tmp_path / "one.csv", several=True))
    assert one.labels is not None
    assert one.labels.tolist() == [[0, 0, 1], [0, 1, 0]]
    (tmp_path / "other.csv").write_text("\n".join([*lines, "002.png,bottom"]))
    with pytest.raises(UsageError, match="did not learn: bottom"):
        run.data.adopt(load(tmp_path / "other.csv", several=True))


def test_each_task_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'multi-label' needs several labels.*have a class each"):
        ca.fit("mlp", "digits", task="multi-label", out=tmp_path / "run", **QUICK)
    with pytest.raises(UsageError, match=r"needs a class for each image.*have several labels each"):
        ca.fit("improved_gan", bars(60), out=tmp_path / "s", labels=10, epochs=1, progress=False)


def test_a_fleet_is_trained_as_one_stack_and_answers_together(tmp_path: Path) -> None:
    brief = QUICK | {"epochs": 2, "patience": 0}
    fleet = ca.fit("mlp", bars(200), out=tmp_path / "f", replicates=3, way="batched", **brief)
    spread = fleet.results["measures"]["loss"]
    assert spread["low"] < spread["high"]
    images, _ = bars(4, seed=3)
    each = [dict((*p.labels, *p.others)) for m in fleet.members for p in m.predict([*images])]  # type: ignore[union-attr]
    together = [dict((*p.labels, *p.others)) for p in fleet.predict([*images])]  # type: ignore[attr-defined]
    for i in range(4):
        for name in together[i]:
            mean = np.mean([each[4 * m + i][name] for m in range(3)])
            assert together[i][name] == pytest.approx(mean, abs=1e-5)
    assert "Ensemble" in ca.report(fleet).read_text()


def test_runs_are_compared_by_their_wrong_decisions(run: Run, tmp_path: Path) -> None:
    brief = QUICK | {"epochs": 1, "label": "left,right,top"}
    other = ca.fit("mlp", bars(400), out=tmp_path / "other", **brief)
    comparison = compare([run.path, other.path])
    assert comparison.metric.name == "hamming_loss"
    assert comparison.differences[0].gain.value < 0


def test_a_search_goes_by_the_mean_average_precision(tmp_path: Path) -> None:
    search = ca.search(
        "mlp", bars(120), trials=2, over={"lr": (0.001, 0.1)}, out=tmp_path / "s",
        **QUICK | {"epochs": 1},
    )  # fmt: skip
    assert search.objective == "val_mean_average_precision"
    assert search.higher


@pytest.mark.parametrize("target", ["onnx", "pt2", "safetensors"])
def test_an_export_predicts_the_same_labels(target: str, run: Run, tmp_path: Path) -> None:
    run._data = bars(400)
    from cutaway.ship.export import export
    from cutaway.ship.formats import open_exported

    (shipped,) = export(run, target, out=tmp_path / f"it.{target}")
    key = "mean_average_precision"
    assert shipped.check.export[key] == pytest.approx(run.results[key], abs=1e-4)
    images, _ = bars(3, seed=9)
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    opened = open_exported(shipped.path)
    for ours, theirs in zip(run.predict(paths), opened.predict(paths), strict=True):
        one, other = ours.to_dict(), theirs.to_dict()
        assert {name for name, _ in one["labels"]} == {name for name, _ in other["labels"]}  # type: ignore[attr-defined]
        for key in ("labels", "others"):
            assert dict(other[key]) == pytest.approx(dict(one[key]), abs=1e-5)  # type: ignore[call-overload]


@pytest.mark.slow
def test_a_server_replies_with_the_labels(run: Run) -> None:
    pictures = [encoded(image) for image in bars(3, seed=4)[0]]
    with Server(run.path) as server:
        replies = server.predict(*pictures).json()["answers"]
    for reply, one in zip(replies, run.predict(pictures), strict=True):
        for key, pairs in one.answer().items():
            assert [row["label"] for row in reply[key]] == [name for name, _ in pairs]  # type: ignore[attr-defined]
            assert [row["probability"] for row in reply[key]] == pytest.approx(
                [p for _, p in pairs],  # type: ignore[attr-defined]
                abs=2e-6,
            )
