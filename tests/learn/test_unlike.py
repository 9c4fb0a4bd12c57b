"""Images that are unlike all that a network learned from."""

import json

import numpy as np
import pytest
import torch
from helpers.digits import digits
from torch import nn

from cutaway.errors import UsageError
from cutaway.learn.fit import fit
from cutaway.learn.penultimate import WithFeatures, inputs_of, last_layer
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.learn.unlike import BANK, FACTS, FLAGGED, NEIGHBOUR, Familiar, room

RECIPE = Recipe(
    model="mlp", model_options={"widths": "32"}, image_size=8, epochs=4, lr=0.01, batch_size=32,
    optimizer="adam", val=0.25, test=0.25, seed=1,
)  # fmt: skip


def test_the_distance_is_that_of_the_fifth_of_the_nearest_directions():
    known = np.repeat([[2.0, 0.0], [0.0, 1.0]], NEIGHBOUR, 0)
    far = np.deg2rad(np.linspace(1, 19, 19))  # from the first, in degrees
    validation = 5 * np.stack([np.cos(far), np.sin(far)], 1)
    familiar = Familiar.fitted(known, validation, "output")
    assert familiar
    # Of 19 images the 19th is the first rank ceil(0.95 * 20); a chord of 19 degrees.
    assert familiar.limit == pytest.approx(2 * np.sin(np.deg2rad(19) / 2))
    z = np.array([[3.0, 0.0], [1.0, 1.0], [-1.0, 0.0]])
    expected = np.array([0.0, 2 * np.sin(np.pi / 8), np.sqrt(2)]) / familiar.limit
    assert familiar.unlikeness(z) == pytest.approx(expected)
    fewer = Familiar(familiar.known[1:], familiar.limit, "")  # the fifth is of the other
    assert fewer.unlikeness(z[:1])[0] == pytest.approx(np.sqrt(2) / familiar.limit)


def test_of_ordinary_images_no_more_are_flagged_than_allowed():
    draw, found = np.random.default_rng(0), []
    for _ in range(100):
        z = draw.normal(1.0, 1.0, (240, 6))
        familiar = Familiar.fitted(z[:80], z[80:160], "")
        assert familiar
        found.append((familiar.unlikeness(z[160:]) > 1).mean())
    assert 0.03 < np.mean(found) <= FLAGGED + 0.01


@pytest.mark.parametrize(("count", "value"), [(18, 2.0), (40, 1.0), (40, np.nan)])
def test_too_few_or_features_that_tell_nothing_give_no_score(count, value):
    validation = np.tile([1.0, value], (count, 1))
    assert Familiar.fitted(np.ones((5, 2)), validation, "") is None


def test_what_is_kept_is_bounded():
    assert room(64) == 1000
    assert room(50_000) * 50_000 <= 2**22


def test_features_are_what_enters_the_layer_with_weights_that_is_called_last():
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU())
    network = nn.Sequential(body, nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    x = torch.randn(2, 1, 6, 6)
    assert last_layer(network, x) == "1"
    with inputs_of(network, "1") as found:
        y = network(x)
    assert torch.equal(found[0], body(x).mean((2, 3)))
    assert [a.tolist() for a in WithFeatures(network, network, "1")(x)] == [
        y.tolist(), found[0].tolist()
    ]  # fmt: skip
    assert last_layer(nn.Flatten(), x) is None


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("unlike") / "run"
    return Run(fit(RECIPE, digits(), out=place).path, data=digits())


def test_a_run_tells_noise_from_digits(run: Run):
    facts = json.loads((run.path / FACTS).read_text())
    assert facts["layer"] == "output"
    assert facts["test_images"] == len(run.split.test)
    pixels = list(run.images().images[run.split.test].numpy())
    told = run.predict(pixels)
    share = sum(one.is_unlike for one in told) / len(told)
    assert share == pytest.approx(facts["flagged"], abs=0.005)
    assert 0.01 < share < 0.12
    noise = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 1), dtype=np.uint8)
    unlike = run.predict(list(noise))
    assert sum(one.is_unlike for one in unlike) > 40
    assert unlike[0].to_dict()["unlike"] == round(unlike[0].unlike, 3)


def test_a_run_of_before_and_one_without_validation_images_tell_nothing(run: Run, tmp_path):
    for name in (FACTS, BANK):
        (run.path / name).rename(run.path / f"{name}.aside")
    assert run.predict(digits(1).images[0].numpy())[0].unlike is None
    for name in (FACTS, BANK):
        (run.path / f"{name}.aside").rename(run.path / name)
    none = fit(RECIPE.override(val=0.0, epochs=1), digits(100), out=tmp_path / "run")
    assert not (none.path / FACTS).exists()
    assert "unlike" not in none.predict(digits(1).images[0].numpy())[0].to_dict()
    assert "19 validation images, and there were none" in noted(none)


def test_a_run_with_few_validation_images_says_that_it_marks_nothing(run: Run, tmp_path):
    few = fit(RECIPE.override(val=0.1, epochs=1), digits(100), out=tmp_path / "run")
    assert noted(few) == (
        "Predictions do not mark images that are unlike all that it learned from, and "
        "--coverage 0.95 is refused: that takes 19 validation images, and there were "
        f"{len(few.split.val)}. Train with a larger --val."
    )
    with pytest.raises(UsageError, match="a larger --val"):
        few.predict(digits(1).images[0].numpy(), coverage=1 - FLAGGED)
    assert noted(run) == ""


def noted(run: Run) -> str:
    return " ".join(one["sentence"] for one in run.notes if one["kind"] == "unlike")
