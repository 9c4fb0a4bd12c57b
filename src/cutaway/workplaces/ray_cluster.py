"""Workers on the nodes of a Ray cluster.

Source: Moritz et al. 2018, 'Ray: a distributed framework for emerging AI applications'.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import ray
from ray.exceptions import OutOfMemoryError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cutaway.errors import RunError, UsageError
from cutaway.processes import Gone, Lost
from cutaway.workplaces import transfer
from cutaway.workplaces.ray_node import Node, Shipped, about_here
from cutaway.workplaces.work import Question, Work, Worker, Workplace

PIECE = 2**26
"""Bytes of a file that travel as one."""
PAUSE = 1.0
"""Seconds between two looks at what a worker has written."""
PATIENCE = 15.0
"""Seconds to wait for a place, or for an end, until it is asked whether there can be one."""
GREETING = 120.0
"""Seconds that a node has to say what it is."""

Described = Mapping[str, Any]
"""A node as Ray describes it."""


class Cluster(Workplace):
    """The nodes that are connected to, with what a worker takes of one.

    Raises:
        UsageError: no node is large enough, or they differ in what results depend on.
        RunError: one does not answer.
    """

    apart = True

    def __init__(self, cpus: int, gpus: float):
        self.cpus, self.gpus = cpus, gpus
        self._shipped: dict[Path, Shipped] = {}
        if not any(map(self._room, nodes())):
            raise UsageError(too_large(nodes(), cpus, gpus))
        self.notes = differences(greeted(nodes()))

    def __str__(self) -> str:
        count = sum(self._room(node) > 0 for node in nodes())
        return f"{count} node{'s' * (count != 1)} of Ray"

    def slots(self, threads: int) -> int:
        return max(1, sum(map(self._room, nodes())))

    def _room(self, node: Described) -> int:
        """Number of workers that a node holds."""
        has = node["Resources"]
        wanted = {"CPU": self.cpus, "GPU": self.gpus}
        return int(min(has.get(name, 0) // much for name, much in wanted.items() if much))

    def has_room(self) -> bool:
        """Whether a worker can find a place, once others have left it."""
        return any(map(self._room, nodes()))

    def hire(self, work: Work) -> Worker:
        return RayWorker(self, work)

    def shipped(self, path: Path) -> Shipped:
        """A file in Ray's object store, from where each node has it once."""
        if path not in self._shipped:
            with open(path, "rb") as file:
                pieces = [ray.put(piece) for piece in iter(lambda: file.read(PIECE), b"")]
            self._shipped[path] = transfer.digest(path), path.name, pieces
        return self._shipped[path]


class RayWorker(Worker):
    """An actor with a program on one of the nodes."""

    def __init__(self, place: Cluster, work: Work):
        self._place, self._work, self._stands = place, work, False
        shipped = [place.shipped(path) for path in work.files]
        archives = {name: place.shipped(path) for name, path in work.unpacked.items()}
        hidden = {} if place.gpus else {"CUDA_VISIBLE_DEVICES": ""}
        order = {
            "module": work.module, "words": list(work.words),
            "environment": {**work.environment, **hidden},
        }  # fmt: skip
        begun = None if work.folder is None else transfer.read(work.folder, work.begins_with)
        actor = cast(Any, ray.remote(Node)).options(
            num_cpus=place.cpus, num_gpus=place.gpus, max_concurrency=4
        )
        self._node = actor.remote(order, begun, shipped, archives)

    def ready(self) -> None:
        standing = self._node.ready.remote()
        while not ray.wait([standing], timeout=PATIENCE)[0]:
            if not self._place.has_room():
                raise Lost("no node is left that is large enough")
        differences([("that a worker is on", self._result(standing))])  # it may have joined late
        self._stands = True

    def ask(self, question: Question) -> Any:
        folder, about = self._work.folder, question.about
        files = [] if folder is None else transfer.read(folder, [about])
        self._result(self._node.ask.remote(question.asked, about, files))
        while True:
            said, files = self._result(self._node.news.remote(PAUSE))
            if folder is not None:
                transfer.write(folder, files, about)
            if "gone" in said:
                raise Gone(said["gone"])
            if "answer" in said:
                return said["answer"]

    def _result(self, reference: Any) -> Any:
        """What a call gives. Raises Lost where its node is."""
        try:
            return ray.get(reference)
        except RayError as error:
            raise Lost(reason(error)) from None

    def stop(self) -> None:
        self._node.stop.remote()

    def kill(self) -> None:
        if self._stands:
            self._node.kill.remote()  # what it had to itself is then removed
        else:
            ray.kill(self._node)

    def close(self) -> None:
        ended = self._node.close.remote()
        ray.wait([ended], timeout=PATIENCE)
        ray.kill(self._node)


def nodes() -> list[Described]:
    """Those that are alive."""
    return [node for node in ray.nodes() if node["Alive"]]


def too_large(there: Sequence[Described], cpus: int, gpus: float) -> str:
    """Why no node has room for a worker, and what to do."""

    def largest(kind: str) -> float:
        return max((node["Resources"].get(kind, 0) for node in there), default=0)

    if gpus and largest("GPU") < gpus:
        return (
            f"No node of this Ray cluster has {gpus:g} GPUs, the largest has {largest('GPU'):g}: "
            "give fewer with --gpus, or start a node that has them."
        )
    if largest("CPU") < cpus:
        return (
            f"No node of this Ray cluster has {cpus} CPUs, the largest has {largest('CPU'):g}: "
            "give fewer with --cpus, or start a larger node."
        )
    return (
        f"No node of this Ray cluster has {cpus} CPUs and {gpus:g} GPUs together: give fewer with "
        "--cpus or --gpus, or start a larger node."
    )


def greeted(there: Sequence[Described]) -> list[tuple[str, dict[str, str]]]:
    """The address of each node and what it says of itself, all of them asked at once.

    Raises:
        RunError: one does not answer.
        UsageError: one has no Cutaway.
    """
    there = [node for node in there if node["Resources"].get("CPU")]
    asked = {}
    for node in there:
        where = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        task = ray.remote(num_cpus=0, max_retries=0)(about_here)
        asked[task.options(scheduling_strategy=where).remote()] = node["NodeManagerAddress"]
    answered, silent = ray.wait([*asked], num_returns=len(asked), timeout=GREETING)
    if silent:
        raise RunError(f"The node {asked[silent[0]]} of Ray does not answer: restart it.")
    return [(asked[one], _said(asked[one], one)) for one in answered]


def _said(address: str, reference: Any) -> dict[str, str]:
    try:
        said: dict[str, str] = ray.get(reference)
    except Exception as error:
        if "No module named" in str(error):
            raise UsageError(
                f"The node {address} of Ray lacks Cutaway: install there what is installed here."
            ) from None
        raise RunError(f"The node {address} of Ray does not answer: {reason(error)}.") from None
    return said


def differences(there: Sequence[tuple[str, Mapping[str, str]]]) -> list[str]:
    """What is to be told of nodes that compute as this computer does not.

    Raises:
        UsageError: the versions of one are others, and so would be its results.
    """
    here, other = about_here(), []
    for address, said in there:
        for name in ("cutaway", "torch", "python"):
            if said[name] != here[name]:
                raise UsageError(
                    f"The node {address} of Ray has {name} {said[name]}, and this computer "
                    f"{here[name]}: install the same on both, since results depend on it."
                )
        if said["processor"] != here["processor"]:
            other.append(f"{address} ({said['processor']})")
    if not other:
        return []
    return [
        "Last digits may differ from those computed here, whose processor is "
        f"{here['processor']}, on: {', '.join(other)}."
    ]


def reason(error: Exception) -> str:
    """Why a node does not answer, in a few words."""
    if isinstance(error, OutOfMemoryError):
        return "its node had no memory left"
    cause = error.cause if isinstance(error, RayTaskError) else None
    if isinstance(cause, OSError | RunError):
        return f"its node could not: {str(cause).rstrip('.')}"
    return "its node is out of reach"
