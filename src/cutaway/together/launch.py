"""Processes started by torchrun, or by Cutaway as torchrun does."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from cutaway.errors import CutawayError, RunError, UsageError
from cutaway.processes import cpus

if TYPE_CHECKING:
    from cutaway.together.team import Team

RESTARTS = 10
"""How often processes that were killed are started again."""
PATIENCE = timedelta(days=1)
"""How long processes wait for the slowest of them; one that ended is noticed at once."""
ENDED = "CUTAWAY_ENDED"
"""The variable that names the file in which the processes leave their exit code at the end."""


class Excused(CutawayError):
    """The first process says what is wrong; this one ends in silence."""

    def __init__(self) -> None:
        super().__init__("The first process of this training has ended.")


class Apart(CutawayError):
    """What is wrong with this process alone, so that it has to say it."""


class Parted(RunError):
    """Another process is gone."""


def among_several(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether torchrun started this process beside others."""
    return int(environment.get("WORLD_SIZE", "1")) > 1 and "RANK" in environment


def number(environment: Mapping[str, str] = os.environ) -> int:
    """The number of this process among those that torchrun started."""
    return int(environment["RANK"]) if among_several(environment) else 0


def launched_as(environment: Mapping[str, str] = os.environ) -> str:
    """The name of the launch that this process belongs to, which restarts do not change."""
    return environment.get("TORCHELASTIC_RUN_ID", "")


def restarted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether processes of this launch were killed, and started again."""
    return environment.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"


def refuse_several(job: str) -> None:
    """Refuse a job that several processes of torchrun would each do. Raises UsageError."""
    if among_several():
        raise UsageError(
            f"{job} is many trainings, and these processes do one together: leave --processes out, "
            "or start it without torchrun."
        )


@contextmanager
def joined() -> "Iterator[Team]":
    """The processes that torchrun started, joined into a team; alone where it did not.

    Raises:
        UsageError: they cannot reach each other.
    """
    from cutaway.together.team import ALONE, Team

    if not among_several():
        yield ALONE
        return
    import torch
    import torch.distributed as dist

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
        with suppress(Exception):  # another process is gone
            dist.destroy_process_group()


def _meeting(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Where the processes meet.

    The agent's own store still has what processes left in it that were killed: those that are
    started again read and write beside that.
    """
    import torch.distributed as dist

    if environment.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return {}
    host, port = environment["MASTER_ADDR"], int(environment["MASTER_PORT"])
    rank, size = (int(environment[name]) for name in ("RANK", "WORLD_SIZE"))
    store = dist.TCPStore(host, port, size, False, PATIENCE)
    attempt = f"cutaway/{environment['TORCHELASTIC_RESTART_COUNT']}/{size}"
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


def leave(code: int, environment: Mapping[str, str] = os.environ) -> int:
    """Note the code that this process ends with, so that all of them end for good.

    Returns:
        The code to end with: 0 where the agent would take any other for a mishap.
    """
    place = environment.get(ENDED)
    if not place or not among_several(environment):
        return code
    if number(environment) == 0:
        Path(place).write_text(str(code))
    return 0


def over(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the training has ended before this process was started again."""
    place = environment.get(ENDED)
    return bool(place) and Path(place or "").exists()
