"""Many runs on Ray beside the same here: seconds, bytes on the way, and what a lost node costs.

CUTAWAY_DATA=... python -m bench.on_ray [begin] [fleet] [images] [lost] [--pairs 3]

The cluster is one of this computer: a head without processors and nodes of one each, whose folders
are their own. So the fleet has the same processors in both places, and what is told is the cost of
the way; more computers are what it is for.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from cutaway.data.carried import carry
from cutaway.data.imageset import ImageSet, Numbered
from cutaway.data.sources import load
from cutaway.learn.callbacks import Callback
from cutaway.learn.fleet import Fleet, launch
from cutaway.recipes import pair
from cutaway.workplaces import Crew, Question, Work, Workplace
from cutaway.workplaces.opening import opened

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
FILES = ("weights.safetensors", "predictions.safetensors", "metrics.jsonl", "results.json")


@contextmanager
def cluster(folder: Path, count: int) -> Iterator[list[Any]]:
    """The nodes of a cluster that `ray` names inside."""
    from ray.cluster_utils import Cluster

    plain = {"include_dashboard": False, "object_store_memory": 2**30}
    whole = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **plain})
    nodes = []
    for k in range(count):
        own = folder / f"node-{k}"
        own.mkdir()
        variables = {"TMPDIR": str(own), "CUTAWAY_CACHE": str(own)}
        nodes.append(whole.add_node(num_cpus=1, env_vars=variables, **plain))
        nodes[-1].lost = lambda node=nodes[-1]: whole.remove_node(node, allow_graceful=False)
        nodes[-1].own = own
    whole.wait_for_nodes()
    os.environ["RAY_ADDRESS"] = whole.address
    try:
        yield nodes
    finally:
        whole.shutdown()


def seconds(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def begin(folder: Path, nodes: list[Any], pairs: int) -> None:
    """From the command to an answer of a worker that needs nothing."""
    import_time = seconds(lambda: __import__("ray"))

    def answer() -> None:
        with opened("ray") as place, Crew(place, Work("cutaway.lab.worker"), 1) as crew:
            crew.ask(Question(["1.1", {}, False]))
            assert list(crew.answers())

    took = [seconds(answer) for _ in range(pairs)]
    print(f"begin: import of Ray {import_time:.1f} s, first answer {statistics.median(took):.1f} s")


def mnist_fleet(out: Path, place: Workplace | None = None) -> Fleet:
    recipe = pair("mlp", "mnist").override(
        epochs=1, augment="none", precision="float32", device="cpu", threads=1, replicates=4,
        model_options={"widths": "128"},
    )  # fmt: skip
    if place is None:
        return launch(recipe, load("mnist"), way="side-by-side", out=out)
    return launch(recipe, load("mnist"), place=place, out=out)


def fleet(folder: Path, nodes: list[Any], pairs: int) -> None:
    """Four MLPs on MNIST, whole jobs in turns; all their bytes compared."""
    here, away = [], []
    for k in range(pairs):
        here.append(seconds(lambda k=k: mnist_fleet(folder / f"here-{k}")))
        with opened("ray") as place:
            away.append(seconds(lambda k=k, p=place: mnist_fleet(folder / f"away-{k}", p)))
    names = [f"members/00{k}/{name}" for k in range(4) for name in FILES]
    pairs_of = [(folder / "here-0" / name, folder / "away-0" / name) for name in names]
    equal = sum(one.read_bytes() == two.read_bytes() for one, two in pairs_of)
    print(
        f"fleet: here {statistics.median(here):.1f} s ({min(here):.1f} to {max(here):.1f}), on Ray "
        f"{statistics.median(away):.1f} s ({min(away):.1f} to {max(away):.1f}); "
        f"{equal} of {len(names)} files equal to the byte"
    )


def images(folder: Path, nodes: list[Any], pairs: int) -> None:
    """A set of half a gigabyte to all nodes."""
    pixels = torch.randint(256, (40_000, 64, 64, 3), dtype=torch.uint8)
    targets = torch.arange(40_000) % 2
    some = ImageSet(pixels, targets, ("a", "b"), Numbered("x", 40_000), name="x")
    written = seconds(lambda: carry(some, folder / "set"))
    size = (folder / "set").stat().st_size / 1e6

    def travel() -> None:
        work = Work("cutaway.lab.worker", files=(folder / "set",))
        with opened("ray") as place, Crew(place, work, len(nodes)) as crew:
            while not all(any(node.own.glob("cutaway-*/.*/files/*/set")) for node in nodes):
                time.sleep(0.05)
            assert crew

    took = statistics.median(seconds(travel) for _ in range(pairs))
    print(
        f"images: {size:.0f} MB written in {written:.1f} s, on {len(nodes)} nodes in {took:.1f} s"
    )


def lost(folder: Path, nodes: list[Any], pairs: int) -> None:
    """A node killed under the members that it has, which go on elsewhere; at Ray's own patience."""
    killed: list[Any] = []

    class Kill(Callback):
        in_members = False

        def on_member_end(self, fleet: Fleet, k: int) -> None:
            if not killed:
                killed[:] = [n for n in nodes if any(n.own.glob("cutaway-*/.*/folder/members/*"))]
                killed[0].lost()

    digits, made = load("digits", image_size=8), {"callbacks": [Kill()], "checkpoint_every": 1.0}
    recipe = pair("mlp", "digits").override(
        epochs=40, image_size=8, augment="none", threads=1, replicates=5
    )
    with opened("ray") as place:
        whole = seconds(lambda: launch(recipe, digits, place=place, out=folder / "lost", **made))
    launch(recipe, digits, way="side-by-side", out=folder / "kept")
    names = [f"members/00{k}/{name}" for k in range(5) for name in FILES]
    equal = sum(
        (folder / "lost" / n).read_bytes() == (folder / "kept" / n).read_bytes() for n in names
    )
    print(f"lost: a job of {whole:.1f} s in all; {equal} of {len(names)} files as undisturbed")


CASES = {one.__name__: one for one in (begin, fleet, images, lost)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help=", ".join(CASES))
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--nodes", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, cluster(Path(name), asked.nodes) as nodes:
        for case in asked.cases or CASES:
            CASES[case](Path(name), nodes, asked.pairs)
