"""The runtime of a training: device, precision, memory order, compilation, threads."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict, cast

import torch
from torch import nn

from cutaway.arithmetic import own_code
from cutaway.errors import UsageError
from cutaway.learn import memory
from cutaway.learn.optim.uncompiled import uncompiled
from cutaway.learn.recipe import PRECISIONS, Recipe
from cutaway.processes import processor
from cutaway.together.environment import launched_as
from cutaway.together.team import ALONE, Team

FORCED = "CUTAWAY_PRECISION"
"""The variable of the environment that decides the precision of recipes that leave it open."""

TINY = 1_000_000
"""Weights times images of a step below which one thread is faster than two (bench/overhead.py)."""


class Environment(TypedDict):
    """A run's `environment.json`: what it ran on. Older runs lack some of it."""

    cutaway: str
    python: str
    torch: str
    platform: str
    processor: str
    instructions: str
    device: str
    device_name: str
    precision: str
    memory_format: str
    compile: bool
    threads: int
    processes: NotRequired[int]
    launch: NotRequired[str]
    sharded: NotRequired[bool]


@contextmanager
def computing(threads: int) -> Iterator[None]:
    """Inside, PyTorch computes with so many threads; afterwards with as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class Runtime:
    """The choices in force for a run, all of them made.

    Attributes:
        team: the processes that learn it together.
        sharded: whether each of them keeps a part of the weights.
    """

    device: str
    precision: str
    memory_format: str
    compile: bool
    threads: int
    team: Team = ALONE
    sharded: bool = False

    def __str__(self) -> str:
        threads = f"{self.threads} thread{'s' * (self.threads != 1)}"
        where = f"{self.device} ({threads})" if self.device == "cpu" else self.device
        where = where if self.team.alone else f"{self.team.size} processes on {where}"
        more = ", compiled" * self.compile + ", sharded" * self.sharded
        return f"{where}, {self.precision}, {self.memory_format}{more}"

    @property
    def sync_is_free(self) -> bool:
        """Whether a number can be read from a tensor without waiting for a device."""
        return self.device == "cpu"

    @property
    def torch_memory_format(self) -> torch.memory_format:
        if self.memory_format == "channels-last":
            return torch.channels_last
        return torch.contiguous_format

    def place(self, model: nn.Module) -> nn.Module:
        """The model on the device, its kernels in the chosen order; on `meta` it stays there."""
        if any(p.is_meta for p in model.parameters()):
            return model
        model = model.to(self.device)
        if any(p.ndim == 4 for p in model.parameters()):
            model = cast(Any, model).to(memory_format=self.torch_memory_format)
        return model

    def autocast(self) -> AbstractContextManager[Any]:
        """Multiplications in bfloat16 where that was chosen: while it learns, and only then."""
        if self.precision == "float32":
            return nullcontext()
        kind = self.device.split(":")[0]
        # What it would keep of sharded weights is all of them.
        return torch.autocast(kind, dtype=torch.bfloat16, cache_enabled=not self.sharded)

    @contextmanager
    def session(self) -> Iterator[None]:
        """Set what PyTorch keeps for the whole process, and put it back afterwards.

        The same number of threads and deterministic kernels are what makes a resumed run equal an
        uninterrupted one to the bit.
        """
        cudnn = torch.backends.cudnn
        deterministic, benchmark = cudnn.deterministic, cudnn.benchmark
        cudnn.deterministic, cudnn.benchmark = True, False
        devices = [self.device] if self.device.startswith("cuda") else []
        try:
            with (
                computing(self.threads),
                torch.random.fork_rng(devices),
                nullcontext() if self.sharded else memory.keeping_freed(),
                own_code() if self.compile else uncompiled(),
            ):
                yield
        finally:
            cudnn.deterministic, cudnn.benchmark = deterministic, benchmark


def choose(recipe: Recipe, model: nn.Module) -> Runtime:
    """The recipe's wishes, with each `auto` decided for this computer.

    The rules are fixed ones, so that the same recipe on the same computer gives the same run:
    bfloat16 where the processor multiplies it in hardware (AMX, tensor cores); channels-last for
    networks with 2-D convolutions; compilation only when asked (on small networks it costs more
    than it gives, see bench/README.md); one thread where a step is so small that several would
    wait for each other longer than they work.

    Raises:
        UsageError: a device that is not there, or a precision that it lacks.
    """
    device = _device(recipe.device)
    convolutional = any(isinstance(module, nn.Conv2d) for module in model.modules())
    precision = _automatic() if recipe.precision == "auto" else recipe.precision
    if precision == "auto":
        precision = "bfloat16" if convolutional and multiplies_bfloat16(device) else "float32"
    layout = recipe.memory_format
    if layout == "auto":
        layout = "channels-last" if convolutional else "contiguous"
    compiled = recipe.compile == "yes"
    several = 1 if _tiny(model, recipe.batch_size) else torch.get_num_threads()
    threads = recipe.threads or several
    return Runtime(device, precision, layout, compiled, threads)


def _automatic() -> str:
    """The precision that `auto` is forced to be, to try one computer as another; or `auto` itself.

    Raises:
        UsageError: the variable holds another word.
    """
    forced = os.environ.get(FORCED, "auto")
    if forced not in PRECISIONS:
        raise UsageError(f"{FORCED} takes {', '.join(PRECISIONS)}, not '{forced}': change it.")
    return forced


def _tiny(model: nn.Module, batch: int) -> bool:
    """Whether a step multiplies less than two threads are worth; kernels work at many places."""
    weights = list(model.parameters())
    return all(w.ndim < 3 for w in weights) and batch * sum(w.numel() for w in weights) < TINY


def recorded(recipe: Recipe, threads: int | None = None) -> Runtime:
    """The choices that are written in a run's recipe; on the processor where its device is gone.

    Args:
        threads: of a run whose recipe does not say, from before recipes did.
    """
    compiled = recipe.compile == "yes"
    threads = recipe.threads or threads or torch.get_num_threads()
    try:
        device = _device(recipe.device)
    except UsageError:
        return Runtime("cpu", "float32", recipe.memory_format, compiled, threads)
    return Runtime(device, recipe.precision, recipe.memory_format, compiled, threads)


def resolved(recipe: Recipe, runtime: Runtime) -> Recipe:
    """The recipe with the choices that were made written into it."""
    return recipe.override(
        device=runtime.device,
        precision=runtime.precision,
        memory_format=runtime.memory_format,
        compile="yes" if runtime.compile else "no",
        threads=runtime.threads,
    )


def multiplies_bfloat16(device: str) -> bool:
    """Whether the device has matrix units for bfloat16, and oneDNN may use them."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device == "cpu":
        most = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
        allowed = most in ("", "ALL", "DEFAULT") or "AMX" in most
        return allowed and bool(getattr(torch.cpu, "_is_amx_tile_supported", bool)())
    return False


def _device(wish: str) -> str:
    if wish == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(wish)
    except RuntimeError:
        raise UsageError(f"--device takes auto, cpu, cuda, cuda:1 or mps, not '{wish}'.") from None
    here = devices()
    if (device.index or 0) >= here.get(device.type, 0):
        available = ", ".join(f"{count} {kind}" for kind, count in here.items())
        raise UsageError(
            f"The device '{wish}' is not available (PyTorch finds {available}): give --device auto."
        )
    return wish


def devices() -> dict[str, int]:
    """Count the devices of each kind, kinds without any left out."""
    mps = int(torch.backends.mps.is_available())
    counts = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": mps}
    return {kind: count for kind, count in counts.items() if count}


def environment(runtime: Runtime) -> Environment:
    """Describe what a run runs on."""
    import platform

    from cutaway.version import __version__

    here: Environment = {
        "cutaway": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": platform.platform(),
        "processor": processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "device": runtime.device,
        "device_name": _device_name(runtime.device),
        "precision": runtime.precision,
        "memory_format": runtime.memory_format,
        "compile": runtime.compile,
        "threads": runtime.threads,
    }
    if not runtime.team.alone:
        here["processes"], here["launch"] = runtime.team.size, launched_as()
        here["sharded"] = runtime.sharded
    return here


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else processor()
