"""The report's section on regularisers: what was on is said and drawn, and nothing else."""

from pathlib import Path

import pytest
import torch
from helpers.report_page import Page, read
from helpers.report_runs import Made
from helpers.task_runs import QUICK, few

from cutaway.learn.callbacks import Callback
from cutaway.learn.checkpoint import load_tensors
from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.show.charts.curves import draw
from cutaway.show.charts.drawing import Chart
from cutaway.show.regulariser_figures import gap
from cutaway.show.regularisers import Regularisers, regularisers
from cutaway.show.report import report

ALL = Recipe(
    model="resnet20", data="own:digits", epochs=2, batch_size=16, patience=2, mixup=0.4, cutmix=1.0,
    label_smoothing=0.2, dropout=0.3, stochastic_depth=0.4, augment="shift:1", max_norm=2.0,
    weight_decay=0.01, accumulate=2, **QUICK,
)  # fmt: skip


class Watch(Callback):
    """The first images of the first steps, as the network sees them."""

    def __init__(self) -> None:
        self.seen: list[torch.Tensor] = []

    def on_run_begin(self, training) -> None:
        self.hook = training.model.stem.register_forward_pre_hook(
            lambda layer, x: self.seen.append(x[0].clone()) if layer.training else None
        )

    def on_run_end(self, training) -> None:
        self.hook.remove()


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Regularisers, Watch]:
    watch, images = Watch(), few(200)
    run = fit(ALL, images, out=tmp_path_factory.mktemp("all") / "run", callbacks=[watch])
    section = regularisers(run, images, run.new_model())
    assert section is not None
    return run, section, watch


@pytest.fixture(scope="module")
def page(everything) -> Page:
    return read(report(everything[0], few(200)))


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def values(section: Regularisers) -> list[tuple[str, str]]:
    return [(one.name, plain(one.value)) for one in section.entries]


def chart(section: Regularisers, title: str) -> Chart:
    return draw(next(c for c in section.figures if c.title == title))


def test_each_is_said_with_its_setting(everything):
    _, section, _ = everything
    assert values(section) == [
        ("Weight decay", "0.01"),
        ("Max-norm", "2"),
        ("Dropout", "30 %"),
        ("Stochastic depth", "40 %"),
        ("Augmentation", "shift:1"),
        ("Mixup", "Beta(0.4, 0.4)"),
        ("CutMix", "Beta(1, 1)"),
        ("Label smoothing", "0.2"),
        ("Early stopping", "2 epochs"),
    ]
    whats = plain(" ".join(one.what for one in section.entries))
    assert "9 residual blocks" in whats
    assert "82.0 % the true class" in whats


def test_the_mixed_images_are_those_that_the_network_saw(everything, monkeypatch):
    run, _, watch = everything
    from cutaway.learn.stage import feed
    from cutaway.show import regulariser_pictures as pictures

    shown, draw = [], pictures.example
    monkeypatch.setattr(pictures, "example", lambda x: (shown.append(x), draw(x))[1])
    pictures.mixtures(run, [run.recipe], few(200))
    assert len(shown) == pictures.MIXTURES
    alone = 0
    for step, pixels in enumerate(shown):
        first = watch.seen[step * run.recipe.accumulate]  # the first part of a step's batch
        among = pictures._pixels(run, first)
        assert any(torch.equal(pixels, one) for one in among)
        whole = pictures._pixels(run, feed(run.recipe, run, few(200)).batch(step).x)
        alone += any(torch.equal(pixels, one) for one in whole)
    assert alone <= 3, "too much of one image to see the other"


def test_the_shares_beside_a_mixed_image_make_a_whole(everything):
    _, section, _ = everything
    for one in section.mixtures:
        larger, smaller = one.text.split(" and ")
        shares = [part.split()[0].replace("%", "") for part in (larger, smaller)]
        if not any("<" in share or ">" in share for share in shares):
            assert sum(map(int, shares)) == pytest.approx(100, abs=1)
            assert int(shares[0]) >= int(shares[1])


def test_charts_show_the_weights_the_blocks_and_the_target(everything):
    run, section, _ = everything
    tensors, _ = load_tensors(run.path / "weights.safetensors")
    matrices = {k: w for k, w in tensors.items() if w.ndim > 1}
    lengths = chart(section, "Norm of the weights")
    assert len(lengths.dots) == len(matrices) == 20
    last = tensors["output.weight"].norm(dim=1)
    assert lengths.dots[-1].label.startswith(f"output: {last.min():.2g} to {last.max():.2g}")
    assert [level.word.text for level in lengths.levels] == ["max-norm 2"]
    blocks = chart(section, "How often a block is kept").columns
    assert len(blocks) == 9
    assert blocks[-1].height / blocks[0].height == pytest.approx(0.6 / (1 - 0.4 / 9), abs=0.01)
    targets = chart(section, "The smoothed target").columns
    assert targets[0].height / targets[1].height == pytest.approx(0.82 / 0.02, rel=0.05)


def test_the_gap_is_that_of_the_losses(everything):
    run, section, _ = everything
    gap = chart(section, "Gap between validation and training loss")
    ends = [run.metrics[i]["val_loss"] - run.metrics[i]["train_loss"] for i in (0, -1)]
    assert f"from {ends[0]:.3g} in the first epoch to {ends[1]:.3g} in the last" in gap.summary
    assert all(gap.top <= y <= gap.bottom for _, y in gap.lines[0].points)


def test_the_page_says_it_all(page):
    assert {"href": "#regularisers"} in page.all("a")
    for words in (
        "What guarded against overfitting",
        "Mixed images",
        "8 training images of the first step",
        "A draw of 40 units:",
        "the share that its class has in the mixture",
    ):
        assert words in plain(page.text)


def test_the_units_drawn_are_as_many_as_there_are(everything):
    _, section, _ = everything
    assert section.units is not None
    kept, out = (path.count("M") for path in (section.units.kept, section.units.out))
    assert kept + out == section.units.columns
    assert 3 <= out <= 21


def test_nothing_is_said_of_what_was_off(digits_run: Made, tmp_path: Path):
    run, images = digits_run
    section = regularisers(run, images, run.new_model())
    assert section is not None
    assert [one.name for one in section.entries] == ["Weight decay", "Early stopping"]
    assert (section.units, section.altered, section.mixtures) == (None, None, ())
    recipe = Recipe(model="mlp", epochs=1, weight_decay=0, val=0, **QUICK)
    bare = fit(recipe, images, out=tmp_path / "bare")
    assert regularisers(bare, images, bare.new_model()) is None
    assert not [a for a in read(report(bare, images)).all("section") if a["id"] == "regularisers"]


def test_without_the_images_or_the_network_there_are_words_and_charts(everything):
    run, _, _ = everything
    section = regularisers(run, None, run.new_model())
    assert section is not None
    assert (section.altered, section.mixtures) == (None, ())
    assert len(section.figures) == 4
    section = regularisers(run, None, None)
    assert section is not None
    assert "skips some of the residual blocks" in " ".join(one.what for one in section.entries)
    assert len(section.figures) == 3  # how many blocks there are is not known


def test_dropout_of_the_networks_own_explains_a_gap_below_zero():
    rows = [{"epoch": k, "train_loss": 1.0, "val_loss": 0.9} for k in (1, 2)]
    recipe = Recipe(weight_decay=0.1)
    assert "Only training has dropout, so" in next(gap(rows, recipe, True)).caption
    assert "Only training" not in next(gap(rows, recipe, False)).caption


def test_stages_say_when(tmp_path: Path):
    stages = [{"epochs": 1, "dropout": 0.5}, {"epochs": 1, "mixup": 0.2}]
    recipe = Recipe(model="mlp", weight_decay=0, stages=stages, batch_size=64, **QUICK)
    run = fit(recipe, few(200), out=tmp_path / "run")
    section = regularisers(run, few(200), run.new_model())
    assert section is not None
    assert values(section) == [
        ("Dropout", "50 %, in stage 1"),
        ("Mixup", "Beta(0.2, 0.2), in stage 2"),
    ]
    assert len(section.mixtures) == 3  # as many as the stage had steps: 144 images by 64
    assert section.units is not None


def test_a_decay_that_the_optimizer_lacks_is_not_said(digits_run: Made, tmp_path: Path):
    recipe = Recipe(
        model="mlp", optimizer="rprop", epochs=1, val=0, patience=0, weight_decay=0.1, **QUICK
    )
    run = fit(recipe, digits_run[1], out=tmp_path / "run")
    assert regularisers(run, digits_run[1], run.new_model()) is None
