"""What several processes learn together is what one learns."""

import json

import pytest
from helpers.several import torchrun
from helpers.task_runs import KINDS
from helpers.together_runs import ALONE
from helpers.together_steps import CASES

APART = ("normed", "mixed", "accumulated", "variational", "adversarial")
"""Cases that are tried with sharded weights, too."""


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    """The losses and weights of every case, by the number of processes."""
    folder = tmp_path_factory.mktemp("steps")
    for count in (1, 2, 4):
        torchrun(count, "together_steps.py", str(folder / f"{count}.json"))
    torchrun(2, "together_steps.py", str(folder / "apart.json"), *APART)
    return {n: json.loads((folder / f"{n}.json").read_text()) for n in (1, 2, 4, "apart")}


def losses(found):
    return [v for step in found["losses"] for name, v in step.items() if name.endswith("loss")]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("count", [2, 4])
def test_losses_of_fifty_steps_agree_to_rounding(steps, case, count):
    """Batch normalisation, dropout, mixing, several players: whatever looks at the whole batch."""
    alone, together = losses(steps[1][case]), losses(steps[count][case])
    assert len(alone) >= 50
    assert alone[0] != alone[-1]
    assert together == pytest.approx(alone, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("case", CASES)
def test_weights_agree(steps, case):
    """To what Adam makes of the rounding of gradients that are zero on paper."""
    assert steps[2][case]["weights"] == pytest.approx(steps[1][case]["weights"], abs=1e-8)


@pytest.mark.parametrize("case", APART)
def test_sharded_weights_learn_the_same(steps, case):
    alone, apart = steps[1][case], steps["apart"][case]
    assert losses(apart) == pytest.approx(losses(alone), rel=1e-10, abs=1e-10)
    assert apart["weights"] == pytest.approx(alone["weights"], abs=1e-8)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folders = {count: tmp_path_factory.mktemp(f"runs{count}") for count in (1, 2)}
    for count, folder in folders.items():
        torchrun(count, "together_runs.py", str(folder))
    return folders


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - ALONE))
def test_runs_agree(runs, kind):
    """Every task to its end, its evaluations shared out: in float32, to the digits of that."""
    alone, together = (rows(runs[count] / kind / "metrics.jsonl") for count in (1, 2))
    assert len(alone) == len(together) > 0
    for a, b in zip(alone, together, strict=True):
        assert b == pytest.approx(a, rel=1e-3, abs=1e-4)
    files = [sorted(p.name for p in (runs[count] / kind).iterdir()) for count in (1, 2)]
    assert files[0] == files[1]
