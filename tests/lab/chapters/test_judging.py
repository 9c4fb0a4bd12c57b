"""Claim 7.8: people decide, or nothing does; the trained judge is a finding on the side."""

import math

import pytest
import torch
from helpers.counter_worlds import judging as worlds
from helpers.effects import planted
from helpers.judges import visitor, written

from cutaway import lab
from cutaway.errors import RunError, UsageError
from cutaway.lab import finding_cache
from cutaway.lab.chapters.generation.judging import people_of, trained_judges
from cutaway.lab.evidence import Verdict, exact

HOLDS, LIMITED, FAILS, UNDECIDED, UNTESTED = Verdict
MNIST, CIFAR = exact("text", 52.4), exact("text", 78.7)
QUICK = {"steps": 2, "replicates": 2, "width": 4, "latent": 2}


@pytest.mark.parametrize(
    ("people", "text", "expected"),
    [
        ((50, 54), MNIST, HOLDS),
        ((43, 57), MNIST, HOLDS),
        ((50, 58), MNIST, UNDECIDED),
        ((41, 55), MNIST, UNDECIDED),
        ((58, 70), MNIST, FAILS),
        ((20, 40), MNIST, FAILS),
        ((50, 54), CIFAR, HOLDS),
        ((76, 83), CIFAR, HOLDS),
        ((80, 90), CIFAR, UNDECIDED),
        ((90, 99), CIFAR, FAILS),
        ((50, 54), exact("none", math.nan), UNTESTED),
        (math.nan, MNIST, UNTESTED),
    ],
)
def test_the_rule(people, text, expected):
    effects = planted(people=people) | {"text": text}
    assert lab.claim("7.8").decide(effects) is expected


@pytest.mark.parametrize("world", worlds.WORLDS["7.8"], ids=lambda one: one.what)
def test_counter_worlds(world):
    verdict = lab.claim("7.8").decide(world.measured())
    assert world.right(verdict), f"{world.what} {verdict}"


def test_answers_are_read_from_a_run(tmp_path):
    written(tmp_path, *(visitor(one, 52, 100) for one in "abcdefgh"), visitor("i", 9, 20, seen=0))
    finding = lab.claim("7.8").run(answers=str(tmp_path), **QUICK)
    assert finding.verdict is HOLDS
    effects = finding.evidence.effects
    assert (effects["people"].value, effects["people"].n) == (pytest.approx(52), 800)
    assert effects["text"].value == 52.4
    assert "8 of 9 visitors count" in finding.evidence.because
    assert len(finding.evidence.tables[0].rows) == 9
    assert people_of(str(tmp_path / "judgements.jsonl")).share == effects["people"]


def test_without_answers_nothing_is_tested():
    finding = lab.claim("7.8").run(**QUICK)
    assert finding.verdict is UNTESTED
    assert "No person was asked" in finding.evidence.because
    assert "cutaway judge" in finding.evidence.takes
    assert {"strict", "lenient", "control"} < set(finding.evidence.effects)


def test_answers_that_are_not_there(tmp_path):
    with pytest.raises(UsageError, match="holds no answers of people"):
        lab.claim("7.8").run(answers=str(tmp_path / "nothing"), **QUICK)
    (tmp_path / "judgements.jsonl").write_text("7\n")
    with pytest.raises(RunError, match="is no judgement"):
        lab.claim("7.8").run(answers=str(tmp_path), **QUICK)


def test_further_answers_are_another_finding(tmp_path):
    """What was found of a file is not told of what has been added to it."""
    claim = lab.claim("7.8")
    written(tmp_path, visitor("a", 52, 100))
    settings = claim.settle(answers=str(tmp_path))
    before = finding_cache.path_of(claim, settings)
    assert finding_cache.path_of(claim, settings) == before
    written(tmp_path, visitor("b", 52, 100))
    assert finding_cache.path_of(claim, settings) != before


def test_trained_judges_know_planted_differences():
    """Light images from dark ones always, images of one kind from each other never."""
    torch.manual_seed(0)
    noise = torch.rand(8, 150, 1, 8, 8) - 0.75
    found = trained_judges(noise + 0.5, noise, 0)
    assert found["linear", "drawn or real"].min() > 95
    control = found["network", "real or real"]
    spread = control.std() / len(control) ** 0.5
    assert abs(control.mean() - 50) < 4 * spread
