"""A training that several processes do together: the first one's run is kept.

The first process begins, or opens, a run. The others get a copy of it in a folder of their own, and
resume that: they know what it knows, write where nobody looks, and their folder goes with them.
"""

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import torch.distributed as dist
from safetensors.torch import load, save
from torch import Tensor

from cutaway.data.batch import count_batches
from cutaway.data.imageset import ImageSet
from cutaway.data.split import Split
from cutaway.errors import CutawayError, RunError, TrainingError, UsageError
from cutaway.files import read_json
from cutaway.learn import optim
from cutaway.learn.execution import Execution
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.learn.tasks import make_task
from cutaway.learn.training import Stopped, Training
from cutaway.together.environment import Apart, Excused, Parted, launched_as
from cutaway.together.team import Team
from cutaway.version import __version__
from cutaway.workplaces import transfer

COPIED = ("*.json", "*.toml", "*.jsonl", "checkpoint/*.safetensors")
"""The files of a run that every process needs."""
LONGEST = 1000
"""Letters of a sentence that one process tells the others."""

Begin = Callable[[Execution], Training]


@contextmanager
def shared(begin: Begin, execution: Execution) -> Iterator[Training]:
    """The training that the first process begins or reopens, known to the others.

    Raises:
        RunError: one of the others cannot take part, or has ended.
    """
    training, team = begin(execution), execution.team
    if team.alone:
        yield training
        return
    with _parting(training.run.path):
        team.handed_out(_packed(training.run))
        _expect_all_well(team, "")
        yield training


@contextmanager
def _parting(path: Path) -> Iterator[None]:
    """Say in a sentence that another process is gone."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, CutawayError) or not _gone(error):
            raise
        raise Parted(
            f"Another process of this training has ended before its time. Go on from the last "
            f"checkpoint with: cutaway resume {path}"
        ) from None


def _gone(error: RuntimeError) -> bool:
    """Whether it says that a process does not answer any more."""
    return isinstance(error, dist.DistError) or any(
        word in str(error) for word in ("onnection", "gloo", "NCCL", "Broken pipe")
    )


def _packed(run: Run) -> bytes:
    """What the others need of a run."""
    files = {"": str(run.path.resolve()).encode(), "version": _version().encode()}
    for path in (path for pattern in COPIED for path in run.path.glob(pattern)):
        files[path.relative_to(run.path).as_posix()] = path.read_bytes()
    return save({name: _tensor(content) for name, content in files.items()})


@contextmanager
def followed(
    execution: Execution, reopen: Callable[[Path, Execution], Training]
) -> Iterator[tuple[Training, Path]]:
    """What the first process began, in another one, and where its run is.

    Args:
        reopen: opens the copy of its run.

    Raises:
        Excused: the first process could not begin, or one of them cannot go on.
    """
    team = execution.team
    try:
        content = team.handed_out(b"")
    except RuntimeError:  # it has ended with a sentence
        raise Excused from None
    files = {name: bytes(value.numpy()) for name, value in load(content).items()}
    with TemporaryDirectory() as folder:
        problem = _difference(files.pop("version").decode())
        kept, copy = Path(files.pop("").decode()), Path(folder) / "run"
        transfer.write(copy, list(files.items()))
        try:
            training = None if problem else reopen(copy, execution)
        except CutawayError as error:
            problem = str(error).replace(str(copy), str(kept))
        _expect_all_well(team, problem)
        assert training is not None
        with _apart(team), _parting(kept):
            yield training, kept


@contextmanager
def _apart(team: Team) -> Iterator[None]:
    """Leave it to the first process to say what all of them know, and say what this one knows."""
    try:
        yield
    except (Parted, Excused):
        raise
    except (Stopped, TrainingError):
        raise Excused from None
    except CutawayError as error:
        raise Apart(f"Process {team.rank} on {platform.node()} has ended. {error}") from None


def _version() -> str:
    return f"Cutaway {__version__} with PyTorch {torch.__version__}"


def _difference(version: str) -> str:
    """What tells that another version runs here than in the first process; empty where none."""
    own = _version()
    if own == version:
        return ""
    return f"It runs {own}, and the first process {version}: install the same everywhere."


def _expect_all_well(team: Team, problem: str) -> None:
    """Go on where no process has a problem.

    Raises:
        RunError: in the first process, which names one that has.
        Excused: in the others.
    """
    here = f"Process {team.rank} on {platform.node()}"
    said = f"{here} cannot take part. {problem}" if problem else ""
    row = torch.zeros(1, LONGEST, dtype=torch.uint8)
    content = said.encode()[:LONGEST]
    row[0, : len(content)] = _tensor(content)
    found = [bytes(one.numpy()).rstrip(b"\0") for one in team.stacked(row, [1] * team.size)]
    if sentences := [one.decode(errors="ignore") for one in found if one]:
        raise RunError(sentences[0]) if team.first else Excused


def _tensor(content: bytes) -> Tensor:
    return (
        torch.frombuffer(bytearray(content), dtype=torch.uint8)
        if content
        else torch.empty(0, dtype=torch.uint8)
    )


def begun(out: str | Path) -> Path | None:
    """The run that this launch began before it was started again; None where it had not.

    Args:
        out: where it was to be; by default in `runs`.
    """
    places = [Path(out)] if out else Path("runs").glob("*")
    for path in places:
        file = path / "environment.json"
        if file.exists() and read_json(file).get("launch") == launched_as():
            return path
    return None


def expect_shareable(recipe: Recipe, parts: Split, images: ImageSet, team: Team) -> None:
    """Refuse what processes cannot learn together.

    Raises:
        UsageError: batches with fewer images than processes, or a recipe that is for one.
    """
    if team.alone:
        return
    for stage in recipe.in_stages():
        _expect_one_stage(stage, len(parts.train), images, team)


def _expect_one_stage(recipe: Recipe, train: int, images: ImageSet, team: Team) -> None:
    alone = "leave --processes out, or start it without torchrun"
    if optim.find(recipe.optimizer).twice:
        raise UsageError(
            f"The optimizer '{recipe.optimizer}' differentiates the loss twice, which several "
            f"processes cannot do together: {alone}."
        )
    if recipe.compile == "yes":
        raise UsageError(f"Compiled networks learn in one process: give --compile no, or {alone}.")
    if make_task(recipe).single:
        return
    batches = count_batches(train * recipe.repeat, recipe.batch_size) if images.tail is None else 1
    least = min(recipe.batch_size, train * recipe.repeat // batches) // recipe.accumulate
    if least < team.size:
        raise UsageError(
            f"{team.size} processes share each batch, and some would have no image, since {least} "
            "are computed at a time: give a larger --batch-size, or fewer processes."
        )
