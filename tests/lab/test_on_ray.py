"""Claims tested on a real Ray cluster: the findings of this computer, kept as they come."""

import signal
import subprocess

import pytest
from helpers.command import CUTAWAY, cutaway
from helpers.ray_nodes import UNTIDY, cluster
from helpers.waiting import eventually

from cutaway import lab
from cutaway.lab import finding_cache
from cutaway.lab.library import folders

pytestmark = UNTIDY
KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("nodes"), count=2) as nodes:
        yield nodes


def test_it_finds_what_is_found_here_in_the_same_order(nodes, own):
    words = ["coins.fair", "1.1", "coins.absent", "coins.broken"]
    done = cutaway("prove", *words, "--claims", own, "--on", "ray", "--json").json
    assert [one["claim"] for one in done] == words
    kept = [finding_cache.load(one, one.settle()) for one in map(lab.claim, words)]
    assert [found is not None for found in kept] == [True, True, False, False]
    again = list(lab.prove(words[:2], again=True))
    assert [one.evidence for one in again] == [found.evidence for found in kept[:2]]
    assert "no_such_package" in done[2]["left"]
    assert "division by zero" in done[3]["left"]
    assert not nodes.working


def test_a_program_that_is_killed_costs_the_claim_that_it_tested(nodes, own):
    own.write_text(
        own.read_text().replace("return Evidence({}, (), (), because=str(1 / 0))", KILLED)
    )
    done = cutaway("prove", "coins.broken", "coins.fair", "--claims", own, "--on", nodes.client)
    assert done.code == 1
    assert "ended from outside" in done.said
    assert "Holds: 1, left out: 1." in done.said


COUNTED = """
@claim("coins.mnist", says="There are 70,000.", source="nobody", rule=fair, otherwise="Count.",
       baseline="None.", needs=("mnist",))
def counted(seed: Seed = 0) -> Evidence:
    \"\"\"They are counted.\"\"\"
    from cutaway.data.sources import load

    images = load("mnist")
    found = share("heads", len(images) // 2, len(images))
    return Evidence({"heads": found}, (), (), because=images.fingerprint)
"""


def test_data_sets_travel_with_the_claims_that_need_them(nodes, real_data, own):
    """The nodes have none of them."""
    own.write_text(own.read_text() + COUNTED)
    words = ["prove", "coins.mnist", "--claims", own, "--json"]
    (away,) = cutaway(*words, "--on", "ray").json
    (here,) = cutaway(*words, "--again").json
    assert away["because"] == here["because"]
    claim = lab.claim("coins.mnist")
    assert set(folders([(claim, claim.settle())])) == {"mnist"}


@pytest.mark.slow
def test_ctrl_c_ends_it_and_what_was_found_is_kept(nodes, own, tmp_path):
    text = own.read_text().replace("seconds: float = 0.0", "seconds: float = 60.0")
    own.write_text(text)
    lab.add(own)
    coin = lab.claim("coins.fair")
    command = [*CUTAWAY, "prove", "coins.slow", "coins.fair", "--claims", own, "--on", "ray"]
    process = subprocess.Popen([*map(str, command)], text=True, stderr=subprocess.PIPE)
    eventually(lambda: process.poll() is not None or finding_cache.load(coin, coin.settle()))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert finding_cache.load(coin, coin.settle()) is not None
    assert not nodes.working
