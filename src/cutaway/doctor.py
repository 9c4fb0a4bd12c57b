"""What this computer has for Cutaway, what it lacks, and what to do about it.

Whatever is broken, the rest is looked at all the same: nothing is imported before its turn.
"""

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from cutaway.processes import cpus, processor

LITTLE = 2.0
"""Gigabytes of disk below which room is short."""
COMBINED = frozenset({"all", "test"})
"""Extras that are made of others, or for who works on Cutaway."""
COMPILERS = ("c++", "g++", "clang++")
NVIDIA = Path("/proc/driver/nvidia")


@dataclass(frozen=True)
class Finding:
    """Something that was looked at.

    Attributes:
        fine: False where Cutaway does not work like this; None where it does without.
        advice: what to do, where something can be done.
    """

    what: str
    told: str
    fine: bool | None = True
    advice: str = ""


def examine() -> list[Finding]:
    """All that there is to say, one finding a line."""
    found: list[Finding] = []
    for look in (versions, packages, torch, gpu, compiler, cache, data, extras):
        try:
            found += look()
        except Exception as error:  # of whatever is broken here
            text = " ".join(str(error).split()) or type(error).__name__
            found.append(Finding(look.__name__, f"cannot be told: {text}", False))
    return found


def versions() -> Iterator[Finding]:
    from cutaway.version import __version__

    python = platform.python_version()
    yield Finding("Cutaway", f"{__version__}, Python {python}, {platform.platform()}")


def packages() -> Iterator[Finding]:
    """Those that it needs."""
    wanted = [one for one in _required() if _asked(one)]
    lacking = [(one, lack) for one in wanted if (lack := _lack(one))]
    for one, lack in lacking:
        yield Finding("packages", lack, False, f"pip install '{one.name}{one.specifier}'")
    if not lacking:
        yield Finding("packages", f"all {len(wanted)} that it needs are there")


def torch() -> Iterator[Finding]:
    """PyTorch, and the processor as it sees it."""
    try:
        import torch as library

        from cutaway.learn.memory import total
        from cutaway.learn.runtime import multiplies_bfloat16
    except Exception as error:
        text = " ".join(str(error).split())
        advice = "pip install --force-reinstall torch"
        yield Finding("PyTorch", f"cannot be imported: {text}", False, advice)
        return
    yield Finding("PyTorch", library.__version__)
    instructions = library.backends.cpu.get_cpu_capability()
    numbers = "bfloat16" if multiplies_bfloat16("cpu") else "float32"
    yield Finding(
        "processor",
        f"{processor()}, {cpus()} cores, {total('cpu') / 2**30:.0f} GB, {instructions}; "
        f"convolutions learn in {numbers} unless told otherwise",
    )


def gpu() -> Iterator[Finding]:
    try:
        import torch as library
    except Exception:
        return  # as has been told
    count = library.cuda.device_count()
    if count:
        names = [library.cuda.get_device_name(k) for k in range(count)]
        yield Finding("GPU", ", ".join(names))
    elif library.backends.mps.is_available():
        yield Finding("GPU", "Apple's, by --device mps")
    elif NVIDIA.exists():
        yield Finding(
            "GPU", "one of NVIDIA's is there, and this PyTorch cannot use it", None,
            "install PyTorch for CUDA: https://pytorch.org/get-started/locally",
        )  # fmt: skip
    else:
        yield Finding("GPU", "none: networks learn on the processor", None)


def compiler() -> Iterator[Finding]:
    """That of C++, by which `--compile` makes networks faster."""
    names = filter(None, (os.environ.get("CXX"), *COMPILERS))
    if found := next(filter(None, map(shutil.which, names)), None):
        yield Finding("compiler", found)
    else:
        advice = "install g++ or clang++ for --compile yes"
        yield Finding("compiler", "no compiler of C++", None, advice)


def cache() -> Iterator[Finding]:
    """The folder of what is kept between runs: downloads, packed images, what claims have found."""
    from cutaway.data.cache import root

    place, advice = root(), "name another folder in CUTAWAY_CACHE"
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        yield Finding("cache", f"{place} cannot be written: {error.strerror}", False, advice)
        return
    free = shutil.disk_usage(place).free / 2**30
    short = free < LITTLE
    told = f"{place}, {free:.1f} GB free"
    yield Finding("cache", told, None if short else True, advice if short else "")


def data() -> Iterator[Finding]:
    """The data sets that are here already."""
    from cutaway.data.catalog import SOURCES

    here = [one.name for one in SOURCES.values() if one.files and one.available]
    listed = ", ".join(here) or "none"
    parent = os.environ.get("CUTAWAY_DATA", "")
    if parent and not Path(parent).expanduser().is_dir():
        advice = "name the folder above the data sets, or unset it"
        yield Finding("data", f"CUTAWAY_DATA names no folder: {parent}", False, advice)
    elif parent:
        yield Finding("data", f"CUTAWAY_DATA is {parent}; here are {listed}")
    else:
        yield Finding("data", f"downloaded when first asked for; here are {listed}")


def extras() -> Iterator[Finding]:
    """What can be installed beside, by its extra."""
    for name in metadata("cutaway").get_all("Provides-Extra") or ():
        if name in COMBINED:
            continue
        lacks = [lack for one in _of(name) if (lack := _lack(one))]
        if lacks:
            yield Finding(name, ", ".join(lacks), None, f"pip install 'cutaway[{name}]'")
        else:
            yield Finding(name, "installed")


def _required() -> list[Requirement]:
    return [Requirement(text) for text in requires("cutaway") or ()]


def _asked(one: Requirement, extra: str = "") -> bool:
    return one.marker is None or one.marker.evaluate({"extra": extra})


def _of(extra: str) -> Iterator[Requirement]:
    """What an extra needs, also by way of others."""
    for one in _required():
        if not _asked(one, extra) or _asked(one):
            continue
        if one.name == "cutaway":
            for other in sorted(one.extras):
                yield from _of(other)
        else:
            yield one


def _lack(one: Requirement) -> str:
    """What is wrong with an installed package; nothing where it is as it should be."""
    try:
        here = version(one.name)
    except PackageNotFoundError:
        return f"{one.name} is not installed"
    fits = one.specifier.contains(here, prereleases=True)
    return "" if fits else f"{one.name} is {here}, and {one.specifier} is needed"
