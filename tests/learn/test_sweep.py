"""Every registered network plays its own task: it learns, is judged, drawn and brought back."""

from dataclasses import replace

import pytest
import torch

from cutaway.data.imageset import ImageSet, Numbered
from cutaway.learn.checkpoint import load_checkpoint
from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.tasks import TASKS
from cutaway.models import MODELS, find

GRIDS = {0: (28, 28), 1: (32,), 2: (28, 28), 3: (4, 16, 16)}
OTHERS = sorted(n for n, m in MODELS.items() if m.task != "classify" or m.rank not in (0, 2))
OPTIONS = {  # small enough for a test
    "gan": {"width": 16},
    "dcgan": {"width": 8},
    "improved_gan": {"width": 4, "kernels": 3, "reference": 4},
    "siren": {"width": 16},
    "coordinate_mlp": {"width": 16},
    "vae": {"hidden": 16},
    "conv_vae": {"widths": "4-8"},
    "unet": {"widths": "4-8"},
    "encoder_decoder": {"widths": "4-8"},
    "autoencoder": {"widths": "16", "bottleneck": 4},
    "conv_autoencoder": {"widths": "4-8", "bottleneck": 4},
}


def images(name: str) -> ImageSet:
    """Something that the network's task can learn from: blobs, or the truth table of AND."""
    model, draw = find(name), torch.Generator().manual_seed(0)
    if model.task == "threshold":
        table = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]]).byte() * 255
        return ImageSet(
            table[..., None], torch.tensor([0, 0, 0, 1]), ("0", "1"), Numbered("and", 4), whole=True
        )
    grid, count = GRIDS[model.rank], 1 if model.task == "implicit" else 40
    pixels = torch.randint(0, 256, (count, *grid, 1), generator=draw, dtype=torch.uint8)
    targets = torch.arange(count) % 4
    found = ImageSet(pixels, targets, tuple("abcd"), Numbered("x", count), name="noise")
    if model.task == "implicit":
        return replace(found, classes=("picture",), whole=True)
    if model.task == "segment":
        return replace(found, masks=(pixels[..., 0] // 64))
    return found


def recipe(name: str) -> Recipe:
    task = find(name).task
    small = {"epochs": 2, "batch_size": 8, "val": 0.2, "data": "own:noise", "labels": 0}
    small |= {"labels": 4} if task == "semi-supervised" else {}
    small |= {"repeat": 4} if task in ("implicit", "threshold") else {}
    return Recipe().override(
        model=name, task=task, model_options=OPTIONS.get(name, {}), **TASKS[task].begins | small
    )


@pytest.fixture(scope="module", params=OTHERS)
def run(request, tmp_path_factory):
    name = request.param
    path = tmp_path_factory.mktemp("runs") / name
    return fit(recipe(name), images(name), out=path)


def test_it_measures_its_primary_metric(run):
    assert run.finished
    primary = run.task.primary
    if primary == "fid":  # needs the feature network's kind of images
        assert run.results["fid"] > 0
    assert primary in run.results
    assert [row["epoch"] for row in run.metrics] == [1, 2]
    assert all(value == value for row in run.metrics for value in row.values())


def test_it_has_moved(run):
    begun, ended = run.new_model().state_dict(), run.model.state_dict()
    assert any(not torch.equal(begun[k], ended[k].cpu()) for k in begun)


def test_what_was_found_is_kept(run):
    found = run.saved_test()
    assert found.summary().keys() == run.results.keys()
    assert len(found) == run.results["images"]


def test_the_same_recipe_gives_the_same_weights(run, tmp_path):
    again = fit(recipe(run.recipe.model), images(run.recipe.model), out=tmp_path / "again")
    for name in ("weights.safetensors", "metrics.jsonl", "predictions.safetensors"):
        assert (again.path / name).read_bytes() == (run.path / name).read_bytes(), name


def test_a_checkpoint_holds_every_player(run):
    tensors, _facts, _problem = load_checkpoint(run.path / "checkpoint")
    players = {key.split("/")[1] for key in tensors if key.startswith("optimizer/")}
    expected = {player.name for player in run.task.players(run.new_model())}
    if run.recipe.optimizer != "sgd":  # which keeps nothing without momentum
        assert players == expected


def test_a_few_steps_lower_the_loss_of_a_single_player(run):
    first, last = run.metrics[0], run.metrics[-1]
    if "train_loss" not in first:
        pytest.skip("a game of several players has no one loss")
    assert last["train_loss"] <= first["train_loss"]
