"""A Slurm cluster of one node, this computer, with everything of it in a folder."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from helpers.waiting import eventually

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch")
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
MpiDefault=none
SchedulerParameters=sched_interval=1,sched_min_interval=100000
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=8000
PartitionName=all Nodes=ALL Default=YES State=UP
"""


class Cluster:
    """Runs commands of Slurm."""

    def __init__(self, folder: Path):
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}

    def __call__(self, *command: object, folder: Path | None = None) -> str:
        return subprocess.run(
            [*map(str, command)], env=self.environment, cwd=folder, check=True,
            capture_output=True, text=True,
        ).stdout  # fmt: skip


@contextmanager
def slurm(folder: Path) -> Iterator[Cluster]:
    """A cluster that takes jobs; skips the test without Slurm, or where we are not root."""
    if os.name != "posix" or os.getuid() or not all(map(shutil.which, NEEDED)):
        pytest.skip("Slurm (slurmctld, slurmd, munge) and root are needed")
    host = socket.gethostname().partition(".")[0]
    configuration = CONFIGURATION.format(host=host, folder=folder, ports=free_ports(2))
    (folder / "slurm.conf").write_text(configuration)
    (folder / "key").write_bytes(os.urandom(1024))
    (folder / "key").chmod(0o400)
    files = [f"--{name}-file={folder}/munge.{name}" for name in ("pid", "seed", "log")]
    munge = ["munged", "--force", f"--socket={folder}/munge.sock", f"--key-file={folder}/key"]
    cluster = Cluster(folder)
    with ExitStack() as stack:
        for name in ("munge", "slurmctld", "slurmd"):
            stack.callback(end, folder / f"{name}.pid")
            cluster(*([*munge, *files] if name == "munge" else [name]))
        eventually(lambda: "idle" in cluster("sinfo", "--noheader", "--format=%T"))
        stack.callback(cluster, "scancel", "--quiet", "--full", "--user=root")
        yield cluster


def end(pid: Path) -> None:
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int(pid.read_text()), signal.SIGTERM)


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [one.getsockname()[1] for one in sockets]
