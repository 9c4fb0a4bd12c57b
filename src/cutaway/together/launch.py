"""Processes started by torchrun, or by Cutaway as torchrun does."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import torch
import torch.distributed as dist

from cutaway.errors import UsageError
from cutaway.processes import cpus
from cutaway.together.environment import ENDED, among_several
from cutaway.together.team import ALONE, Team

RESTARTS = 10
"""How often processes that were killed are started again."""
SETTLED = 0.2
"""Seconds in which PyTorch's threads let go of the last messages: one that does so while Python
closes down aborts the process."""
PATIENCE = timedelta(days=1)
"""How long processes wait for the slowest of them; one that ended is noticed at once."""


@contextmanager
def joined() -> Iterator[Team]:
    """The processes that torchrun started, joined into a team; alone where it did not.

    Raises:
        UsageError: they cannot reach each other.
    """
    if not among_several():
        yield ALONE
        return
    if dist.is_initialized():  # by the user's own program
        yield Team(dist.get_rank(), dist.get_world_size())
        return
    _end_with(os.getppid())
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    try:
        dist.init_process_group(backend, timeout=PATIENCE, **_meeting())
    except (RuntimeError, ValueError) as error:
        raise UsageError(f"The processes of this training cannot meet: {error}") from None
    try:
        yield Team(dist.get_rank(), dist.get_world_size())
    finally:
        time.sleep(SETTLED)
        with suppress(Exception):  # another process is gone
            dist.destroy_process_group()


def _meeting() -> dict[str, Any]:
    """Where the processes meet.

    The agent's own store still has what processes left in it that were killed: those that are
    started again read and write beside that.
    """
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return {}
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    rank, size = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE"))
    store = dist.TCPStore(host, port, size, False, PATIENCE)
    attempt = f"cutaway/{os.environ['TORCHELASTIC_RESTART_COUNT']}/{size}"
    return {"store": dist.PrefixStore(attempt, store), "rank": rank, "world_size": size}


def _end_with(parent: int) -> None:
    """End this process when the agent that started it is gone, however that was."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def start(words: Sequence[str], processes: int) -> int:
    """Run `cutaway WORDS` in so many processes here; torchrun's agent starts and watches them.

    Processes that are killed are started again, all of them, and go on from the last checkpoint.

    Returns:
        The exit code that the command has.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    with TemporaryDirectory() as folder:
        ended = Path(folder) / "ended"
        os.environ[ENDED] = str(ended)
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cpus() // processes)))
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        config = LaunchConfig(
            min_nodes=1, max_nodes=1, nproc_per_node=processes, run_id=uuid4().hex,
            rdzv_backend="c10d", rdzv_endpoint="localhost:0", max_restarts=RESTARTS,
            logs_specs=DefaultLogsSpecs(folder),  # its own folder would be left behind
        )  # fmt: skip
        logging.disable(logging.CRITICAL)  # the agent tells a terminal what is no concern of it
        try:
            elastic_launch(config, sys.executable)("-m", "cutaway", *words)
        except ChildFailedError:
            return _left(ended, 1)
        except BaseException as error:  # a signal, which the processes had too
            if type(error).__name__ != "SignalException":
                raise
            return _left(ended, 128 + signal.SIGINT)
        return _left(ended, 0)


def _left(ended: Path, otherwise: int) -> int:
    """The exit code that the processes left."""
    return int(ended.read_text()) if ended.exists() else otherwise
