"""What several processes learn together is what one learns."""

import json

import pytest
from helpers.several import torchrun
from helpers.task_runs import KINDS
from helpers.together_runs import ALONE
from helpers.together_steps import CASES

APART = ("normed", "mixed", "accumulated", "variational", "adversarial")
"""Cases that are tried with sharded weights, too."""


def learned(folder, count, *cases):
    """The losses and weights of cases that so many processes learned; of all where none is told."""
    torchrun(count, "together_steps.py", str(folder / "steps.json"), *cases)
    return json.loads((folder / "steps.json").read_text())


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return learned(tmp_path_factory.mktemp("alone"), 1)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    return learned(tmp_path_factory.mktemp("two"), 2)


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    return learned(tmp_path_factory.mktemp("four"), 4)


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    return learned(tmp_path_factory.mktemp("apart"), 2, *APART)


def losses(found):
    return [v for step in found["losses"] for name, v in step.items() if name.endswith("loss")]


def expect_alike(one, other):
    """Losses to rounding, and weights to what Adam makes of the rounding of gradients that are zero
    on paper."""
    assert len(losses(one)) >= 50
    assert losses(one)[0] != losses(one)[-1]
    assert losses(other) == pytest.approx(losses(one), rel=1e-10, abs=1e-10)
    assert other["weights"] == pytest.approx(one["weights"], abs=1e-8)


@pytest.mark.parametrize("case", CASES)
def test_fifty_steps_of_two_processes_agree_to_rounding(alone, two, case):
    """Batch normalisation, dropout, mixing, several players: whatever looks at the whole batch."""
    expect_alike(alone[case], two[case])


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_fifty_steps_of_four_processes_agree_to_rounding(alone, four, case):
    expect_alike(alone[case], four[case])


@pytest.mark.slow
@pytest.mark.parametrize("case", APART)
def test_sharded_weights_learn_the_same(alone, apart, case):
    expect_alike(alone[case], apart[case])


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folders = {count: tmp_path_factory.mktemp(f"runs{count}") for count in (1, 2)}
    for count, folder in folders.items():
        torchrun(count, "together_runs.py", str(folder))
    return folders


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(KINDS.keys() - ALONE))
def test_runs_agree(runs, kind):
    """Every task to its end, its evaluations shared out: in float32, to the digits of that."""
    alone, together = (rows(runs[count] / kind / "metrics.jsonl") for count in (1, 2))
    assert len(alone) == len(together) > 0
    for a, b in zip(alone, together, strict=True):
        assert b == pytest.approx(a, rel=1e-3, abs=1e-4)
    files = [sorted(p.name for p in (runs[count] / kind).iterdir()) for count in (1, 2)]
    assert files[0] == files[1]
