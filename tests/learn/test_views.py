"""Test-time augmentation: the mean of the answers to several views."""

import pytest
import torch
from helpers.digits import digits
from torch import nn

from cutaway.data.target import Classes
from cutaway.errors import UsageError
from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.learn.tasks.classify import Classify
from cutaway.learn.views import View, Views, viewed, views

RECIPE = Recipe(
    model="mlp", model_options={"widths": "16"}, image_size=8, epochs=2, lr=0.01, batch_size=32,
    optimizer="adam", val=0.25, test=0.25, seed=1,
)  # fmt: skip


def test_a_view_is_moved_its_edge_repeated_and_mirrored():
    x = torch.arange(6.0).view(1, 1, 2, 3)
    assert View(down=1).of(x)[0, 0].tolist() == [[0, 1, 2], [0, 1, 2]]
    assert View(right=-1).of(x)[0, 0].tolist() == [[1, 2, 2], [4, 5, 5]]
    assert View(mirrored=True).of(x)[0, 0].tolist() == [[2, 1, 0], [5, 4, 3]]


def test_the_views_are_mirrored_where_training_mirrored_and_end_with_the_image_itself():
    assert len(views(32, mirrored=False)) == 5
    assert len(set(views(224, mirrored=True))) == 10
    assert views(224, mirrored=True)[-1] == View()
    assert {abs(one.down) for one in views(224, mirrored=False)} == {0, 7}


def test_the_answer_is_the_mean_of_the_probabilities():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    task, target = Classify(temperature=2.0), Classes(("a", "b", "c"))
    x, some = torch.randn(4, 1, 8, 8), views(8, mirrored=True)
    told = task.answer(Views(network, task, target, some)(x), target)
    expected = torch.stack([task.answer(network(one.of(x)), target) for one in some]).mean(0)
    assert torch.allclose(told, expected, atol=1e-6)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("views") / "run"
    recipe = RECIPE.override(augment="flip")
    return Run(fit(recipe, digits(600), out=place).path, data=digits(600))


def test_a_run_is_asked_and_measured_by_views(run: Run):
    pixels = run.images().images[run.split.test].numpy()
    by_views = viewed(run)
    told, plain = by_views.predict(list(pixels)), run.predict(list(pixels))
    assert len(by_views.model.views) == 10
    assert [one.unlike for one in told] == pytest.approx([one.unlike for one in plain], abs=1e-4)
    probability = [one.top[0][1] for one in told]
    assert probability != pytest.approx([one.top[0][1] for one in plain], abs=1e-3)
    assert sum(a.label == b.label for a, b in zip(told, plain, strict=True)) > 0.5 * len(told)


def test_sets_and_fleets_have_no_views(run: Run):
    with pytest.raises(UsageError, match="leave --coverage out, or --tta"):
        viewed(run).predict("nothing.png", coverage=0.9)
    with pytest.raises(UsageError, match="not for a fleet"):
        viewed(object())
