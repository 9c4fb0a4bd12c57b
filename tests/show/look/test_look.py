"""The page of `cutaway look`: what it says of a trained network, of any other, and of none."""

import re
from pathlib import Path

import pytest
import torch
from helpers.command import cutaway
from helpers.digits import digits
from helpers.report_page import read
from torch import nn

import cutaway as ca
from cutaway.errors import UsageError
from cutaway.figures import Curves
from cutaway.learn.fit import fit
from cutaway.learn.run import Run
from cutaway.recipes import pair
from cutaway.show.look.page import VIEWS, chosen, view
from cutaway.show.look.prepare import of_model, of_module, of_run
from cutaway.show.look.specimen import CannotShow, Specimen


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, shared_cache: None) -> Run:
    """LeNet-5 after three epochs of digits, which is enough to know most."""
    recipe = pair("lenet5", "digits").override(epochs=3, val=0.2, patience=0)
    return fit(
        recipe, ca.load("digits", image_size=32), out=tmp_path_factory.mktemp("look") / "run"
    )


@pytest.fixture(scope="module")
def specimen(run: Run) -> Specimen:
    return of_run(run)


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(45, 4)
    )


X, T = torch.randn(80, 3, 8, 8, generator=torch.Generator().manual_seed(1)), torch.arange(80) % 4


@pytest.mark.slow
def test_every_view_of_a_trained_network(run: Run):
    page = read(ca.look(run))
    for name in VIEWS:
        assert page.text.count("Nothing to show here") == 0
        assert f'<section id="{name}"' in run.path.joinpath("look.html").read_text()
    assert not re.search(r'(src|href)="(?!data:|#)', (run.path / "look.html").read_text())


def test_what_is_measured_is_not_the_test_set(run: Run, specimen: Specimen):
    names = run.images().names
    val = {names[i] for i in run.split.val.tolist()}
    assert set(specimen.held.names) <= val
    assert [look["why"] for look in run.looks] == ["end of training"]
    of_run(run, on="test")
    assert [look["why"] for look in run.looks] == ["end of training", "look"]


def test_removing_units_costs_more_the_more_there_are(specimen: Specimen):
    section = view(specimen, "ablate")
    many = next(i for i in section.items if i.title == "Without many units")
    assert isinstance(many, Curves)
    trained, fresh = many.series
    assert trained.y[0] > 80 > 30 > fresh.y[0]
    assert trained.y[0] > trained.y[-1]


def test_all_units_of_another_image_give_its_answer(specimen: Specimen):
    section = view(specimen, "ablate")
    exchanged = section.items[-1]
    assert isinstance(exchanged, Curves)
    mine, theirs = exchanged.series
    assert mine.y[0] > theirs.y[0]
    assert mine.y[-1] < theirs.y[-1]


@pytest.mark.slow
def test_attacks_and_corruptions_begin_at_the_accuracy(specimen: Specimen):
    section = view(specimen, "break")
    sizes = section.items[0]
    assert isinstance(sizes, Curves)
    for series in sizes.series:
        assert list(series.y) == sorted(series.y, reverse=True)
        assert series.y[0] == sizes.series[0].y[0]
    assert any("strength 5" in str(getattr(i, "columns", "")) for i in section.items)


@pytest.mark.slow
def test_the_loss_is_lowest_near_the_weights(specimen: Specimen):
    lines = view(specimen, "landscape").items[0]
    assert isinstance(lines, Curves)
    for series in lines.series:
        middle = len(series.y) // 2
        assert series.y[middle] < min(series.y[0], series.y[-1])


def test_any_module_with_its_examples(tmp_path: Path):
    path = ca.look(small(), X, T, what=["why", "numbers"], out=tmp_path / "page.html")
    page = read(path)
    assert "Why this prediction" in page.text
    assert "integrated gradients" in page.text


@pytest.mark.slow
def test_nothing_of_the_model_is_changed():
    model = small().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    stream = torch.get_rng_state()
    for name in ("why", "features", "ablate", "landscape", "break", "numbers"):
        view(of_module(model, X, T), name)
    assert torch.equal(stream, torch.get_rng_state())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
    assert all(module.training for module in model.modules())
    assert all(p.grad is None for p in model.parameters())


def test_what_a_network_cannot_show_is_said(tmp_path: Path):
    without = of_module(small(), X)
    with pytest.raises(CannotShow, match="needs a classifier"):
        view(without, "why")
    mlp = of_module(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)), X, T % 3)
    with pytest.raises(CannotShow, match="no layer whose outputs are maps"):
        view(mlp, "ablate")
    page = read(ca.look(small(), X, what=["break"], out=tmp_path / "page.html"))
    assert "Nothing to show here. This needs a classifier" in page.text


def test_a_registered_model_has_learned_nothing():
    untrained = of_model("resnet20")
    assert untrained.shown.x.shape[1:] == (3, 32, 32)
    with pytest.raises(CannotShow):
        view(untrained, "landscape")


def test_bad_requests_are_sentences(run: Run, tmp_path: Path):
    with pytest.raises(UsageError, match=r"no view 'whi'\. Did you mean 'why'\?"):
        chosen(["whi"])
    with pytest.raises(UsageError, match="no layer 'c33'"):
        of_run(run, layer="c33")
    with pytest.raises(UsageError, match="names 3"):
        of_run(run, layer="c1.*")
    with pytest.raises(UsageError, match=r"fails in its layer '0' \(Conv2d\)"):
        of_module(small(), X[:, :1])
    with pytest.raises(UsageError, match="parts train, val and test"):
        of_run(run, on="all")
    result = cutaway("look", "lenet6")
    assert (result.code, result.said) == (
        2,
        "Error: There is no model 'lenet6'. Did you mean 'lenet5'?",
    )
    result = cutaway("look", run.path, "--image", tmp_path / "none.png")
    assert result.code == 1
    assert "none.png" in result.said
    (tmp_path / "recipe.toml").write_text((run.path / "recipe.toml").read_text())
    result = cutaway("look", tmp_path)
    assert result.code == 1
    assert "has no weights yet: resume it with `cutaway resume" in result.said
    result = cutaway("look", "lenet5", "--on", "test")
    assert "There is no run at lenet5" in result.said


def test_ones_own_picture_comes_first(run: Run, tmp_path: Path):
    from PIL import Image

    Image.fromarray(digits().images[3, ..., 0].numpy()).resize((64, 64)).save(tmp_path / "x.png")
    out = tmp_path / "page.html"
    done = cutaway(
        "look", run.path, "--image", tmp_path / "x.png", "--what", "why", "-o", out, "--json"
    )
    assert done.json == {"page": str(out)}
    own = of_run(run, tmp_path / "x.png")
    assert own.shown.names[0] == "x.png"
    assert own.shown.t[0] == -1
