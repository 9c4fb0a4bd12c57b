"""A training as a job of a cluster: `cutaway train ... --print-slurm`, `--print-kubernetes`.

What is printed begins the command as it was typed, by torchrun, or resumes what it began.
"""

import re
import shlex
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from cutaway.cli.words import with_bare_flags
from cutaway.errors import UsageError, nearest
from cutaway.learn.recipe import Recipe
from cutaway.settings import Setting, setting, settings_of

PORT = 29500
"""Where the processes of a job find each other, on the first of its pods."""
METRICS = "cutaway:Prometheus"
OF_RESUME = ("--callback", "--checkpoint-every")
"""Options of `train` that `resume` is given again; these take a value."""
FLAGS_OF_RESUME = ("--quiet", "--json")


@dataclass(frozen=True)
class Slurm:
    """How large a job is: `--print-slurm nodes=2,gpus=8,hours=12`."""

    nodes: int = setting(1, low=1, high=100_000)
    gpus: int = setting(0, "Of each node.", low=0, high=1024)
    processes: int = setting(0, "Of each node; by default one a GPU.", low=0, high=1024)
    cpus: int = setting(4, "Of each process.", low=1, high=1024)
    memory: int = setting(0, "GiB of each node; 0: what the cluster gives.", low=0, high=1_000_000)
    hours: float = setting(24.0, above=0, high=10_000)


@dataclass(frozen=True)
class Kubernetes(Slurm):
    """The same with an image, and a claim on the volume that holds data and runs."""

    image: str = setting("cutaway")
    volume: str = setting("cutaway")


JOBS: dict[str, tuple[type[Slurm], str]] = {
    "--print-slurm": (Slurm, "slurm.sh"),
    "--print-kubernetes": (Kubernetes, "kubernetes.yaml"),
}
"""By its option each with its sizes and its template."""


def job_script(option: str, text: str, typed: Sequence[str], recipe: Recipe, out: str) -> bytes:
    """The job of a command line.

    Args:
        option: of `JOBS`.
        text: `nodes=2,gpus=8`, or `auto` for what is usual.
        typed: the words after `cutaway train`.
        recipe: what they come to.
        out: the run's directory, where one was named.

    Raises:
        UsageError: there is no such size, a fleet of several processes, a word that is no text.
    """
    sizes = read_sizes(option, text)
    _check_text([*typed, out])
    ours, words = apart(with_bare_flags([*typed]), (*JOBS, "--processes"))
    processes = sizes.processes or _given(ours, "--processes") or max(1, sizes.gpus)
    if recipe.several and sizes.nodes * processes > 1:
        raise UsageError(
            f"{option} makes one training of several processes, and members of a fleet train each "
            "by itself: ask for one process, or for one network."
        )
    name = job_name((recipe.model, recipe.data), words)
    run = out or f"runs/{name}"
    again = apart(words, OF_RESUME, FLAGS_OF_RESUME)[0]
    about = {
        "name": name, "sizes": sizes, "run": run, "port": PORT, "metrics": METRICS in again,
        "processes": processes, "minutes": max(1, round(60 * sizes.hours)),
        "folder": str(Path(sys.executable).parent),
        "train": ["train", *words, *([] if out else ["--out", run])],
        "resume": ["resume", run, *again],
    }  # fmt: skip
    return _render(JOBS[option][1], about)


def read_sizes(option: str, text: str) -> Slurm:
    """`nodes=2,gpus=8` as the sizes of a job. Raises UsageError."""
    kind, known = JOBS[option][0], settings_of(JOBS[option][0], option)
    if text != "auto" and "=" not in text:
        raise UsageError(
            f"{option} takes sizes such as nodes=2,gpus=8, or nothing where it comes last, "
            f"not '{text}'."
        )
    given = {} if text == "auto" else Setting(option[2:], dict, {}).read(text)
    for name in given:
        if name not in known:
            raise UsageError(f"There is no '{name}' of {option}.{nearest(name, known)}")
    return kind(**{name: known[name].read(value) for name, value in given.items()})


def apart(
    words: Sequence[str], valued: Collection[str], flags: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """The words of some options, with the values of those that take one, and all others."""
    own, others, rest = list[str](), list[str](), list(words)
    while rest:
        word, equals, _ = rest[0].partition("=")
        count = 2 if word in valued and not equals else 1
        (own if word in valued or rest[0] in flags else others).extend(rest[:count])
        del rest[:count]
    return own, others


def _given(words: Sequence[str], option: str) -> int:
    """The number that an option was given among the words of some; 0 where it was not."""
    text = " ".join(words).replace("=", " ").split()
    return int(text[text.index(option) + 1]) if option in text else 0


def _check_text(words: Sequence[str]) -> None:
    """Refuse names of files that are no text, which a script cannot hold. Raises UsageError."""
    for word in words:
        if not word.isascii() and any("\ud800" <= character <= "\udfff" for character in word):
            raise UsageError(f"{word!r} is no text in UTF-8, which a job has to be: rename it.")


def job_name(names: Sequence[str], words: Sequence[str]) -> str:
    """A name for clusters: small letters, digits and hyphens; the same for the same command.

    Its end is of the command, so that another command does not resume this one's run.
    """
    stems = [Path(name.rstrip("/\\")).name for name in names]
    plain = re.sub("[^a-z0-9]+", "-", "-".join(stems).lower())[:32].strip("-")
    digest = blake2b(repr(list(words)).encode(), digest_size=4).hexdigest()
    return "-".join(filter(None, ("cutaway", plain, digest)))


def _render(template: str, about: dict[str, Any]) -> bytes:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("cutaway.cli"), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    environment.filters |= {"quoted": shlex.quote, "pod": pod, "comment": repr}
    return environment.get_template(template).render(about).encode()


def pod(text: str) -> str:
    """A text as YAML that is the same text in a pod, where Kubernetes reads `$(...)` as a variable
    and `$$` as `$`."""
    return '"' + "".join(map(_in_yaml, text.replace("$", "$$"))) + '"'


def _in_yaml(character: str) -> str:
    if character in '"\\\n':
        return "\\" + character.replace("\n", "n")
    return character if character.isprintable() else f"\\U{ord(character):08x}"
