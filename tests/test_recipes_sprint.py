"""The recipe for CIFAR-10 in minutes, on digits of its size."""

import pytest
import torch
from helpers.digits import digits
from helpers.killed_runs import At, contents

from cutaway.data.imageset import ImageSet
from cutaway.learn.fit import fit
from cutaway.learn.network import initial_network
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.learn.stage import feed
from cutaway.models.parts.whitening import whiten
from cutaway.recipes import cifar_sprint


class Gone(Exception):
    """Ends a run as a crash would."""


def gone() -> None:
    raise Gone


@pytest.fixture(scope="module")
def images() -> ImageSet:
    return digits(200, 32)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    options = {"widths": "8-8-8"}
    return cifar_sprint().override(batch_size=32, epochs=2, model_options=options, device="cpu")


@pytest.fixture(scope="module")
def run(images, recipe, tmp_path_factory):
    return fit(recipe, images, out=tmp_path_factory.mktemp("sprint") / "run")


def test_the_patches_of_the_first_batch_are_whitened_and_stay_so(run, images, recipe):
    begun, ended = initial_network(recipe, 1, 10, (32, 32)), run.model
    whiten(begun, feed(run.recipe, run, images).batch(0).x)
    torch.testing.assert_close(ended.patches.weight, begun.patches.weight)
    before, after = begun.state_dict(), ended.state_dict()
    assert not torch.allclose(after["patches.bias"], before["patches.bias"])
    assert not torch.allclose(after["output.weight"], before["output.weight"])


def test_stopped_anywhere_it_ends_in_the_same_bits(run, images, recipe, tmp_path):
    path = tmp_path / "run"
    with pytest.raises(Gone):
        fit(recipe, images, out=path, callbacks=[At(7, gone)], checkpoint_every=0.0)
    Run(path).resume(images)
    assert contents(path) == contents(run.path)
