"""Finding the workplace that somebody names: `ray`, or `ray://host:port`."""

import logging
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cutaway.errors import RunError, UsageError
from cutaway.workplaces.here import HERE
from cutaway.workplaces.work import Workplace

CLIENT = "ray://"
START = "start one with `ray start --head`"
SECONDS = 5.0
"""That an address has to answer."""
TRIES = 2
"""To be served as a client: the process that Ray starts for one may die at its start."""


@contextmanager
def opened(on: str = "", cpus: int | None = None, gpus: float | None = None) -> Iterator[Workplace]:
    """The workplace of a name; this computer where there is none.

    Args:
        on: `ray` for the cluster that this computer is part of, or that `RAY_ADDRESS` names;
            `ray://host:port` for one that it is no part of.
        cpus, gpus: of each worker on Ray; by default one CPU and no GPU.

    Raises:
        UsageError: no such name, no cluster there, none that is large enough, or Ray is lacking.
        RunError: the cluster does not answer.
    """
    if not on:
        if cpus is not None or gpus is not None:
            raise UsageError("--cpus and --gpus are of each task on Ray: give --on ray with them.")
        yield HERE
        return
    _check(on, cpus, gpus)
    with _connected(on):
        from cutaway.workplaces.ray_cluster import Cluster

        yield Cluster(1 if cpus is None else cpus, gpus or 0)


def _check(on: str, cpus: int | None, gpus: float | None) -> None:
    if on != "ray" and not on.startswith(CLIENT):
        raise UsageError(f"--on takes ray, or ray://host:port, not '{on}'.")
    if cpus is not None and cpus < 1:
        raise UsageError(f"A task on Ray takes at least one CPU: --cpus 1, not {cpus}.")
    if gpus is not None and gpus < 0:
        raise UsageError(f"A task on Ray takes no GPU or some: --gpus 1, not {gpus:g}.")
    try:
        import ray  # noqa: F401
    except ImportError:
        raise UsageError(
            "--on ray needs Ray, which is not installed: pip install 'cutaway[ray]'."
        ) from None


@contextmanager
def _connected(on: str) -> Iterator[None]:
    """Connected to a cluster inside, unless this process is so already, and stays so."""
    import ray

    if ray.is_initialized():
        yield
        return
    address = on if on.startswith(CLIENT) else os.environ.get("RAY_ADDRESS") or written()
    _expect_somebody(address)
    try:
        with _own_signals():
            _connect(address)
        _say(False)
        yield
    finally:
        ray.shutdown()
        _say(True)


def _say(wish: bool) -> None:
    """Whether Ray tells on standard output of nodes that die, in pages; it has no public way."""
    from ray._private import worker

    worker._worker_logs_enabled = wish


def _connect(address: str) -> None:
    """Raises UsageError or RunError where that fails."""
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    try:
        for left in reversed(range(TRIES if address.startswith(CLIENT) else 1)):
            with suppress(*[ConnectionError] * bool(left)):
                ray.init(address, **quiet)
                return
    except ConnectionError:
        raise UsageError(_nobody(address)) from None
    except Exception as error:
        said = next(
            (line for line in str(error).splitlines() if line.strip()), type(error).__name__
        )
        raise RunError(f"Ray does not connect to {address}: {said.strip().rstrip('.')}.") from None


def written() -> str:
    """The address of the cluster that this computer is part of, where Ray writes it; else none.

    Ray itself, asked for it, would wait without end for a cluster that is no more.
    """
    named = [os.environ.get("RAY_TMPDIR"), os.environ.get("TMPDIR"), "/tmp", tempfile.gettempdir()]
    for folder in filter(None, named):
        with suppress(OSError):
            return (Path(folder) / "ray" / "ray_current_cluster").read_text().strip()
    return ""


def _expect_somebody(address: str) -> None:
    """Ask at the address itself, where Ray would try for minutes. Raises UsageError."""
    if not address:
        raise UsageError(
            f"No Ray cluster runs here: {START}, or name another, --on ray://host:10001."
        )
    host, colon, port = address.removeprefix(CLIENT).split("/")[0].rpartition(":")
    if not colon or not port.isdigit():
        raise UsageError(f"'{address}' lacks a port: ray://host:10001 for a Ray client's.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS).close()
    except (OSError, OverflowError):
        raise UsageError(_nobody(address)) from None


def _nobody(address: str) -> str:
    return f"No Ray cluster answers at {address}: look at the address, or {START} there."


@contextmanager
def _own_signals() -> Iterator[None]:
    """Put back what is done at a signal, which Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
