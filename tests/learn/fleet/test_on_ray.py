"""Fleets on a real Ray cluster: the bytes of those made here, whoever is killed meanwhile."""

import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.command import CUTAWAY, cutaway
from helpers.killed_runs import contents, digest
from helpers.ray_nodes import UNTIDY, Nodes, cluster
from helpers.small_fleet import small
from helpers.waiting import eventually

import cutaway as ca
from cutaway.data.sources import load
from cutaway.errors import UsageError
from cutaway.learn.fleet import Fleet, launch
from cutaway.workplaces.opening import opened

pytestmark = [UNTIDY, pytest.mark.slow]

LONG = ["mlp", "digits", "--image-size", "8", "--widths", "16", "--augment", "none"]
LONG += ["--epochs", "120", "--checkpoint-every", "0.2", "--quiet"]


IMAGES = load("digits", image_size=8)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("nodes"), count=2) as nodes:
        yield nodes


def found(fleet: Fleet) -> list[dict[str, str]]:
    """Digests of all that its members and the fleet found."""
    own = {"results.json": digest(fleet.path / "results.json")}
    return [own, *(contents(fleet.place(k)) for k in range(len(fleet)))]


def here(path: Path, **changes: object) -> Fleet:
    """The fleet as processes of this computer make it, with as many threads as a task has CPUs."""
    return launch(small(threads=1, **changes), IMAGES, way="side-by-side", out=path)


def test_members_and_folds_are_those_made_here_to_the_byte(nodes, tmp_path):
    folds = here(tmp_path / "here", folds=3)
    with opened("ray") as place:
        away = launch(small(threads=1, folds=3), IMAGES, place=place, out=tmp_path / "away")
    assert found(away) == found(folds)
    assert away.way == "side-by-side"
    assert not nodes.working  # nothing of it is left on a node
    assert not [*tmp_path.glob(".*")]


def test_data_of_ones_own_travel_as_pixels(nodes, tmp_path):
    recipe = small(threads=1, replicates=2, data="own:digits")
    one = launch(recipe, IMAGES, way="in-turn", out=tmp_path / "here")
    with opened(nodes.client) as place:
        two = launch(recipe, IMAGES, place=place, out=tmp_path / "away")
    assert found(two) == found(one)


@pytest.mark.slow
def test_a_node_that_is_killed_loses_nothing(nodes, tmp_path, capfd):
    nodes.add(1)
    killed = []

    class Kill(ca.Callback):
        in_members = False

        def on_member_end(self, fleet, k):
            if not killed:
                killed.append(nodes.working[0])
                nodes.kill(killed[0])

    changes = {"replicates": 5, "epochs": 20}
    with opened("ray") as place:
        away = launch(
            small(threads=1, **changes), IMAGES, place=place, out=tmp_path / "away",
            callbacks=[Kill()], checkpoint_every=0.1,
        )  # fmt: skip
    nodes.add(1)
    assert len(killed) == 1
    assert "raylet" not in "".join(capfd.readouterr())  # nor does Ray tell of it in pages
    assert found(away) == found(here(tmp_path / "here", **changes))


def begun(nodes: Nodes, folder: Path) -> "subprocess.Popen[str]":
    """A fleet on the cluster whose members have sent a checkpoint home."""
    command = [*CUTAWAY, "train", *LONG, "--replicates", "2", "--on", "ray", "--out", "fleet"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    last = [folder / "fleet" / "members" / f"00{k}" / "checkpoint" for k in range(2)]
    eventually(lambda: process.poll() is not None or all(map(Path.exists, last)), 240)
    return process


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    path = tmp_path_factory.mktemp("undisturbed") / "fleet"
    how = ["--replicates", "2", "--way", "side-by-side", "--threads", "1", "--out", path]
    assert cutaway("train", *LONG, *how).code == 0
    return Fleet(path)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_or_killed_here_it_goes_on_where_it_was(nodes, number, undisturbed, tmp_path):
    process = begun(nodes, tmp_path)
    process.send_signal(number)
    _, said = process.communicate(timeout=240)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert said.strip().endswith("Go on with: cutaway resume fleet")
        assert said.count("\n") == 1
    eventually(lambda: not programs(), 240)
    fleet = Fleet(tmp_path / "fleet")
    assert fleet.done[0] < 2
    fleet.resume()
    assert found(fleet) == found(undisturbed)


def programs() -> list[str]:
    """What trains members, on whichever node."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            found.append(path.read_text(errors="ignore"))
    return [one for one in found if "fleet.worker" in one and "cutaway-" in one]


def test_a_fleet_that_began_here_goes_on_there(nodes, undisturbed, tmp_path):
    shutil.copytree(undisturbed.path, tmp_path / "fleet")
    fleet = Fleet(tmp_path / "fleet")
    before = found(fleet)
    shutil.rmtree(fleet.place(1))
    (fleet.path / "results.json").unlink()
    done = cutaway("resume", fleet.path, "--on", nodes.client, "--quiet")
    assert done.code == 0
    assert found(fleet) == before


def test_a_member_that_fails_is_named_and_the_others_are_kept(nodes, tmp_path):
    fleet = here(tmp_path / "here", replicates=2)
    (fleet.place(1) / "recipe.toml").write_text("model = ")
    (fleet.place(1) / "results.json").unlink()
    (fleet.path / "results.json").unlink()
    with opened("ray") as place, pytest.raises(ca.CutawayError, match="Member 2: TOML"):
        fleet.resume(IMAGES, place=place)
    assert fleet.ended(0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--on", "ray", "--cpus", "9"], "has 9 CPUs, the largest has 1: give fewer with --cpus"),
        (["--on", "ray", "--gpus", "1"], "has 1 GPUs, the largest has 0: give fewer with --gpus"),
        (["--on", "ray", "--cpus", "0"], "at least one CPU"),
        (["--on", "ray", "--gpus=-1"], "takes no GPU or some"),
        (["--on", "ray", "--threads", "2"], "2 threads take more than the 1 CPU of a task"),
        (["--on", "ray", "--way", "batched"], "leave out --way batched, or --on"),
        (["--on", "slurm"], "--on takes ray, or ray://host:port, not 'slurm'."),
        (["--on", "ray://127.0.0.1"], "lacks a port"),
        (["--on", "ray://127.0.0.1:9"], "No Ray cluster answers at ray://127.0.0.1:9"),
        (["--cpus", "2"], "give --on ray with them"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(nodes, words, said, tmp_path):
    done = cutaway("train", *LONG, "--replicates", "2", *words, folder=tmp_path)
    assert done.code == 2
    assert said in done.said
    assert done.err.count("\n") == 1
    assert not [*tmp_path.iterdir()]


def test_one_network_stays_here(nodes, tmp_path):
    done = cutaway("train", *LONG, "--on", "ray", folder=tmp_path)
    assert done.code == 2
    assert "--on is for many networks" in done.said


def test_a_stack_goes_on_where_it_began(nodes, tmp_path):
    fleet = launch(small(replicates=2), IMAGES, way="batched", out=tmp_path / "x")
    (fleet.path / "results.json").unlink()
    with opened("ray") as place, pytest.raises(UsageError, match="began batched"):
        fleet.resume(IMAGES, place=place)


def test_a_node_with_other_versions_is_refused(nodes, tmp_path):
    about = tmp_path / "other" / "torch-9.9.dist-info" / "METADATA"
    about.parent.mkdir(parents=True)
    about.write_text("Metadata-Version: 2.1\nName: torch\nVersion: 9.9\n")
    other = nodes.add(1, PYTHONPATH=str(tmp_path / "other"))
    nodes.wait()
    try:
        with pytest.raises(UsageError, match=r"has torch 9.9, and this computer 2\."):
            opened("ray").__enter__()
    finally:
        nodes.kill(other)
