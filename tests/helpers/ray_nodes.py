"""A Ray cluster of real processes on this computer, whose nodes share no folder with each other."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from helpers.waiting import eventually

QUICKLY = {
    "health_check_initial_delay_ms": 0, "health_check_period_ms": 500,
    "health_check_timeout_ms": 1000, "health_check_failure_threshold": 3,
}  # fmt: skip
"""How soon a node that is gone is missed: by default a quarter of a minute later."""


UNTIDY = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
"""Ray leaves files of its own open, and says so."""


class Nodes:
    """A head, which has no processors, and nodes that have."""

    def __init__(self, folder: Path, count: int, cpus: int):
        from ray.cluster_utils import Cluster

        self.folder, self.count, self.port = folder, 0, free_port()
        head = {"num_cpus": 0, "ray_client_server_port": self.port, "_system_config": QUICKLY}
        self._cluster = Cluster(initialize_head=True, head_node_args=self._plain(head))
        for _ in range(count):
            self.add(cpus)
        self.wait()
        self.address: str = self._cluster.address
        self.client = f"ray://127.0.0.1:{self.port}"

    def _plain(self, more: dict[str, Any]) -> dict[str, Any]:
        store = 80 * 2**20
        return {"include_dashboard": False, "object_store_memory": store, **more}

    def add(self, cpus: int, **variables: str) -> Any:
        """Start another node, with temporary files and a cache of its own, and no data sets."""
        self.count += 1
        own = self.folder / f"node-{self.count}"
        own.mkdir()
        surroundings = {"TMPDIR": str(own), "CUTAWAY_CACHE": str(own / "cache"), **variables}
        surroundings["CUTAWAY_DATA"] = ""
        more = {"num_cpus": cpus, "wait": False, "env_vars": surroundings}
        node = self._cluster.add_node(**self._plain(more))
        node.own = own
        return node

    def wait(self) -> None:
        """Until all nodes are there, and what they have is known."""
        self._cluster.wait_for_nodes()
        table = self._cluster.global_state.node_table
        eventually(lambda: all(node["Resources"] for node in table() if node["Alive"]))

    def kill(self, node: Any) -> None:
        """Kill all processes of a node."""
        self._cluster.remove_node(node, allow_graceful=False)

    @property
    def working(self) -> list[Any]:
        """The nodes on which a worker of Cutaway is."""
        return [node for node in self._cluster.worker_nodes if scratches(node.own)]

    def close(self) -> None:
        self._cluster.shutdown()


def scratches(own: Path) -> list[Path]:
    """The folders of workers on a node."""
    return [*own.glob("cutaway-*/.cutaway-*.tmp")]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def cluster(folder: Path, count: int = 2, cpus: int = 1) -> Iterator[Nodes]:
    """A cluster that `--on ray` finds, until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
        nodes = Nodes(folder, count, cpus)
        patch.setenv("RAY_ADDRESS", nodes.address)
        try:
            yield nodes
        finally:
            nodes.close()
