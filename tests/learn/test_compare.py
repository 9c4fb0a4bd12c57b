"""Comparing: what is paired with what, by which test, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import torch
from helpers.compared_runs import altered, fleet, grouped_folder, single
from helpers.digits import digits
from scipy import stats

from cutaway.data.sources import load
from cutaway.errors import RunError, UsageError
from cutaway.learn.compare import Comparison, compare
from cutaway.learn.kinds import open_job
from cutaway.learn.run import Run
from cutaway.learn.stats import holm, student, welch, wilson

OURS, THEIRS = [0.90, 0.91, 0.93, 0.90], [0.92, 0.92, 0.95, 0.93]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Fleets over seeds (one split, and a split each) and folds, and single runs."""
    root = tmp_path_factory.mktemp("compared")
    folds = [{"fold": f"{k}/3"} for k in (1, 2, 3)]
    return {
        "seeds": fleet(root / "seeds", [{"seed": k, "split_seed": 0} for k in range(4)]),
        "splits": fleet(root / "splits", [{"seed": k} for k in range(3)]),
        "folds": fleet(root / "folds", folds),
        "one": single(root / "one").path,
        "other": single(root / "other", lr=0.2).path,
    }


def test_a_run_is_a_fleet_of_one(made):
    assert [run.path for run in open_job(made["one"]).members] == [made["one"]]
    assert [run.path.name for run in open_job(made["seeds"]).members] == [
        "000",
        "001",
        "002",
        "003",
    ]


def test_fleets_are_paired_by_seed(made, tmp_path):
    a = altered(made["seeds"], tmp_path / "a", OURS)
    b = altered(made["seeds"], tmp_path / "b", THEIRS, lr=0.3)
    found = compare([a, b])
    (one,) = found.differences
    oracle = stats.ttest_rel(THEIRS, OURS)
    assert one.gain.value == pytest.approx(0.02)
    assert (one.gain.low, one.gain.high) == pytest.approx(oracle.confidence_interval(0.95))
    assert one.p == pytest.approx(oracle.pvalue)
    assert (one.by, one.unit, one.count, one.test) == (("seed",), "seed", 4, "paired t-test")
    assert one.seen
    assert found.overlap == 0
    assert [s.estimate for s in found.standings] == [student(OURS), student(THEIRS)]
    assert found.settings == {"lr": (0.02, 0.3)}


def reorder(folder: Path, order: tuple[int, ...]) -> None:
    """The member k is then the one that was `order[k]`."""
    for k in order:
        (folder / f"{k:03}").rename(folder / f"was{k}")
    for new, old in enumerate(order):
        (folder / f"was{old}").rename(folder / f"{new:03}")


def test_pairs_are_found_by_seed_whatever_their_order(made, tmp_path):
    a = altered(made["seeds"], tmp_path / "a", OURS)
    b = altered(made["seeds"], tmp_path / "b", THEIRS)
    reorder(b / "members", (2, 3, 0, 1))
    (one,) = compare([a, b]).differences
    assert one.gain.value == pytest.approx(0.02)
    assert one.gain.error == pytest.approx(stats.sem(np.subtract(THEIRS, OURS)))


def test_a_worse_one_has_a_gain_below_zero(made, tmp_path):
    a, b = (altered(made["seeds"], tmp_path / n, f) for n, f in (("a", THEIRS), ("b", OURS)))
    (one,) = compare([a, b]).differences
    assert one.gain.value == pytest.approx(-0.02)
    assert one.seen


def test_replicates_that_divide_the_images_anew_share_them(made, tmp_path):
    b = altered(made["splits"], tmp_path / "b", [0.95, 0.9, 0.91])
    found = compare([made["splits"], b])
    split = Run(made["splits"] / "members" / "000").split
    assert found.overlap == pytest.approx(len(split.test) / len(split.train), rel=0.05)
    (one,) = found.differences
    ours = [run.results["accuracy"] for run in open_job(made["splits"]).members]
    expected = student(np.subtract([0.95, 0.9, 0.91], ours), found.overlap)
    assert (one.gain.low, one.p) == pytest.approx((expected.low, expected.p))
    assert (one.by, one.test) == (("seed",), "corrected resampled t-test")


def test_folds_are_pairs_and_share_images(made, tmp_path):
    b = altered(made["folds"], tmp_path / "b", [0.8, 0.85, 0.9])
    found = compare([made["folds"], b])
    (one,) = found.differences
    assert (one.by, one.unit, one.count) == (("fold",), "fold", 3)
    assert one.test == "corrected resampled t-test"
    assert 0.5 < found.overlap < 0.6  # a third over what is left of two thirds


def test_other_seeds_on_the_same_images_are_not_paired(made, tmp_path):
    a = altered(made["seeds"], tmp_path / "a", OURS)
    b = altered(made["seeds"], tmp_path / "b", THEIRS)
    for k, run in enumerate(open_job(b).members):
        (run.path / "recipe.toml").write_text(run.recipe.override(seed=50 + k).to_toml())
    (one,) = compare([a, b]).differences
    expected = welch(OURS, THEIRS)
    assert (one.by, one.test) == ((), "Welch's t-test")
    assert (one.gain.low, one.gain.high, one.p) == (expected.low, expected.high, expected.p)


def test_nothing_pairs_other_seeds_with_test_images_of_their_own(made, tmp_path):
    b = copytree(made["splits"], tmp_path / "b")
    for k, run in enumerate(open_job(b).members):
        (run.path / "recipe.toml").write_text(run.recipe.override(seed=50 + k).to_toml())
    with pytest.raises(UsageError, match="not all are evaluated on the same test images"):
        compare([made["splits"], b])


def test_single_runs_are_compared_image_by_image(made):
    found = compare([made["one"], made["other"]])
    (one,) = found.differences
    a, b = (Run(made[name]).saved_test() for name in ("one", "other"))
    right = [(e.predicted == e.targets).numpy() for e in (a, b)]
    table = (right[0] & ~right[1]).sum(), (~right[0] & right[1]).sum()
    assert one.only == table
    assert one.p == pytest.approx(stats.binomtest(int(table[0]), int(sum(table))).pvalue)
    assert one.gain.value == pytest.approx(b.accuracy - a.accuracy)
    assert (one.unit, one.count, one.test) == ("image", len(a), "McNemar's exact test")
    assert found.standings[0].estimate.low == wilson(a.correct, len(a))[0]
    assert found.groups == 0
    assert not found.looked


def test_related_images_are_drawn_together(tmp_path):
    """Groups of four alike widen the interval."""
    folder = grouped_folder(tmp_path / "pictures")
    settings = {"data": str(folder), "group_by": "level:-1", "test": 0.5, "epochs": 1}
    images = load(str(folder), group_by="level:-1")
    for name, lr in (("a", 0.001), ("b", 0.1)):
        single(tmp_path / name, images, lr=lr, **settings)
    found = compare([tmp_path / "a", tmp_path / "b"])
    (one,) = found.differences
    assert 0 < found.groups <= found.images / 3
    assert one.test == "bootstrap of whole groups"
    assert one.count == found.images
    assert found.problem == ""


def test_images_of_one_group_tell_nothing(made, monkeypatch):
    one_group = np.zeros(48, np.int64), ""
    monkeypatch.setattr("cutaway.learn.compare.images.related", lambda run, index: one_group)
    refused([made["one"], made["other"]], "all of one group")


def test_a_run_has_one_interval(made, tmp_path):
    """What training said, what is evaluated again, and what a comparison says."""
    images = replace(digits(), groups=torch.arange(240) // 6)
    for name, data in (("alone", digits()), ("grouped", images)):
        run = single(tmp_path / name, data)
        other = altered(run.path, tmp_path / f"{name}-other", lr=0.5)
        found = compare([run.path, other])
        one = found.standings[0].estimate
        assert run.results["interval"] == [one.low, one.high]
        assert run.results["interval"] == run.saved_test().summary()["interval"]
        assert found.groups == (0 if name == "alone" else len(run.split.test) // 6)
        assert found.problem == ""
    plain = wilson(run.saved_test().correct, len(run.split.test))
    assert one.high - one.low > plain[1] - plain[0]


def test_an_older_split_does_not_tell_what_is_related(tmp_path):
    images = replace(digits(), groups=torch.arange(240) // 2)
    for name in "ab":
        replace(single(tmp_path / name, images).split, groups=None).save(
            tmp_path / name / "split.json"
        )
    found = compare([tmp_path / "a", tmp_path / "b"])
    assert "was trained before that was kept" in found.problem
    assert found.groups == 0
    assert found.differences[0].p == 1
    assert not found.differences[0].seen


def test_several_are_corrected_for(made, tmp_path):
    a = altered(made["seeds"], tmp_path / "a", OURS)
    b = altered(made["seeds"], tmp_path / "b", THEIRS)
    c = altered(made["seeds"], tmp_path / "c", [0.89, 0.92, 0.96, 0.91])
    alone = [compare([a, other]).differences[0].p for other in (b, c)]
    together = [one.p for one in compare([a, b, c]).differences]
    assert together == holm(alone)
    assert together[0] == pytest.approx(2 * alone[0])


def test_validation_images_are_looked_at_anew_and_logged(made, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    single(a, data="digits", image_size=8, images=load("digits", image_size=8))
    altered(a, b, lr=0.5)
    before = len(Run(a).looks)
    found = compare([a, b], on="val")
    assert found.looked
    assert found.images == len(Run(a).split.val)
    look = Run(a).looks[-1]
    assert (look["on"], look["why"], len(Run(a).looks)) == ("val", "compared", before + 1)
    assert not compare([a, b]).looked
    (b / "predictions.safetensors").unlink()
    assert compare([a, b]).looked


KINDS = {
    "autoencoder": ("reconstruct", {"model_options": {"widths": "16", "bottleneck": 4}}, "psnr"),
    "vae": ("variational", {"model_options": {"hidden": 16}, "optimizer": "adam"}, "-ELBO"),
    "unet": ("segment", {"model_options": {"widths": "4-8"}}, "iou"),
}


def of_kind(path: Path, model: str, lr: float) -> Run:
    task, changes, _ = KINDS[model]
    images = digits(60)
    if task == "segment":
        masks = (images.images[..., 0] > 100).byte()
        targets = masks.amax((1, 2)).long()
        images = replace(images, targets=targets, classes=("ground", "ink"), masks=masks)
    return single(path, images, model=model, task=task, lr=lr, optimizer_options={}, **(
        {"momentum": 0.9} | changes
    ))  # fmt: skip


@pytest.mark.parametrize("model", KINDS)
def test_every_tasks_own_measure(model, tmp_path):
    a, b = (of_kind(tmp_path / str(lr), model, lr) for lr in (0.001, 0.01))
    found = compare([a.path, b.path])
    assert found.metric.name == KINDS[model][2]
    (one,) = found.differences
    values = [s.estimate.value for s in found.standings]
    assert one.gain.value == pytest.approx(found.metric.sign * (values[1] - values[0]))
    assert one.gain.low <= one.gain.value <= one.gain.high
    if model != "unet":  # whose own figure is of all pixels together
        expected = [found.metric.of(run.results) for run in (a, b)]
        assert values == pytest.approx(expected, rel=1e-5)


def test_a_figure_of_all_images_together_takes_fleets(made, tmp_path):
    def drawn(name: str, *figures: float) -> Path:
        path = altered(made["seeds"], tmp_path / name, task="adversarial")
        for place, fid in zip(sorted(path.glob("members/*")), figures, strict=False):
            (place / "results.json").write_text(json.dumps({"images": 48, "fid": fid}))
        return path

    a, b = drawn("a", 50, 48, 52, 51), drawn("b", 40, 41, 42, 39)
    (one,) = compare([a, b]).differences
    assert one.gain.value == pytest.approx(39 / 4)  # lower is better
    assert one.seen
    with pytest.raises(UsageError, match="FID is one number for all images together"):
        compare([a / "members" / "000", b / "members" / "000"])
    (b / "members" / "002" / "results.json").write_text("{}")
    with pytest.raises(RunError, match="hold no fid"):
        compare([a, b])


def test_equal_fleets(made, tmp_path):
    (one,) = compare([made["seeds"], copytree(made["seeds"], tmp_path / "copy")]).differences
    assert (one.gain.value, one.p, one.needed, one.visible) == (0, 1, None, 0)
    assert not one.seen


def test_plain_values(made):
    found = compare([made["one"], made["other"]]).to_dict()
    again = json.loads(json.dumps(found))
    assert again["sides"][1]["name"] == "other"
    assert again["differences"][0]["paired_by"] == ["image"]
    assert again["settings"] == {"lr": [0.02, 0.2]}


def test_names_that_are_the_same_are_told_apart(made, tmp_path):
    copy = altered(made["one"], tmp_path / "one")
    found: Comparison = compare([made["one"], copy])
    assert [side.name for side in found.sides] == [str(made["one"]), str(copy)]


def refused(paths: list[Path], words: str, kind: type[Exception] = UsageError) -> None:
    with pytest.raises(kind, match=words) as caught:
        compare(paths)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_compared(made, tmp_path):
    refused([made["one"]], "takes two runs")
    refused([made["one"], made["one"]], "named twice")
    refused([made["one"], tmp_path / "nowhere"], "is not a run")
    refused([made["seeds"], made["one"]], "seeds is a fleet of 4 and one a single run")
    refused([made["one"], made["folds"] / "members" / "001"], "test images .* differ")
    with pytest.raises(UsageError, match="not 'tset'"):
        compare([made["one"], made["other"]], on="tset")


def test_other_data_and_other_tasks(made, tmp_path):
    fewer = single(tmp_path / "fewer", digits(200)).path
    refused([made["one"], fewer], "only runs on the same data")
    refused([made["one"], of_kind(tmp_path / "unet", "unet", 0.01).path], "measured by accuracy")


def test_the_same_pictures_at_another_size_will_do(made, tmp_path):
    parts = torch.tensor([0, 0, 2]).repeat(80)  # the source's own test part
    for size in (8, 16):
        images = replace(digits(size=size), parts=parts)
        single(tmp_path / f"s{size}", images, data="digits", image_size=size, threads=1)
    found = compare([tmp_path / "s8", tmp_path / "s16"])
    assert found.settings == {"image_size": (8, 16)}


def test_what_has_not_ended(made, tmp_path):
    one = altered(made["one"], tmp_path / "one")
    (one / "results.json").unlink()
    refused([made["other"], one], f"{one} has not finished", RunError)
    some = copytree(made["seeds"], tmp_path / "some")
    (some / "members" / "003").rename(tmp_path / "gone")
    refused([made["seeds"], some], f"cutaway resume {some}", RunError)


def test_members_that_are_no_replicates(made, tmp_path):
    sweep = copytree(made["seeds"], tmp_path / "sweep")
    place = sweep / "members" / "001"
    (place / "recipe.toml").write_text(Run(place).recipe.override(lr=0.7).to_toml())
    refused([made["seeds"], sweep], "differ in lr")
