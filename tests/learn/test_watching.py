"""`watch` in a recipe: kept with the run, the same after a stop, nothing else changed."""

from dataclasses import replace

import pytest
import torch
from helpers.digits import digits
from helpers.killed_runs import At, contents

from cutaway.learn.checkpoint import load_tensors
from cutaway.learn.fit import fit
from cutaway.learn.run import Run
from cutaway.learn.watching import FILE
from cutaway.recipes import pair
from cutaway.see.watched import Watched

RECIPE = pair("mlp", "digits").override(epochs=2, batch_size=32, seed=3, watch=3)


def seen(path):
    return Watched.of(*load_tensors(path / FILE))


def test_a_watched_run_learns_the_same(tmp_path):
    watched = fit(RECIPE, digits(), out=tmp_path / "a")
    fit(replace(RECIPE, watch=0), digits(), out=tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert not (tmp_path / "b" / FILE).exists()
    found = seen(watched.path)
    assert found.steps[:3] == [1, 4, 7]
    assert found.ratio[1:].isfinite().all()  # the first step has the rate 0, to warm up
    assert (found.norm("update")[1:] > 0).all()


class Halt(Exception):
    pass


def halt():
    raise Halt


def test_a_run_that_goes_on_has_seen_the_same(tmp_path):
    fit(RECIPE, digits(), out=tmp_path / "a", checkpoint_every=0)
    with pytest.raises(Halt):
        fit(RECIPE, digits(), out=tmp_path / "b", callbacks=[At(8, halt)], checkpoint_every=0)
    Run(tmp_path / "b").resume(digits())
    one, other = (seen(tmp_path / name) for name in "ab")
    assert one.steps == other.steps
    assert torch.equal(one.norms, other.norms)
    assert torch.equal(one.activations.nan_to_num(7), other.activations.nan_to_num(7))


def test_both_players_of_a_game_are_seen(tmp_path):
    recipe = pair("gan", "digits").override(epochs=1, watch=5, model_options={"width": 8})
    found = seen(fit(recipe, digits(), out=tmp_path / "run").path)
    assert any(name.startswith("generator") for name in found.layers)
    assert any(name.startswith("discriminator") and name.endswith("(2)") for name in found.layers)
    assert (found.norm("update") > 0).all()
