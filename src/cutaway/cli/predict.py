"""`cutaway predict`: predict for images."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from cutaway.cli.app import Json, RunPath, Views, app
from cutaway.errors import DataError, UsageError
from cutaway.files import finite

if TYPE_CHECKING:
    from cutaway.learn.answers import Answered, Answering
    from cutaway.learn.prediction import Prediction

PAGE, FILES = ".html", (".csv", ".jsonl", ".parquet")
NAMED = 5
"""Broken files that the last sentence names; the answers name all."""
LONGEST = 4096
"""Characters of a path, at most: so far one looks for the null byte that ends the first."""


@app.command(
    epilog="Example: cutaway predict runs/resnet20-photographs-1 photographs/ -o answers.csv\n\n"
    "Exit codes: 0, every image was answered; 1, some could not be read, or the run has failed; "
    "2, the command is wrong, or names no image."
)
def predict(
    run: RunPath,
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE...",
            help="Files, folders, quoted patterns ('photos/**/*.jpg'), tables (photos.csv, or "
            "photos.csv:column), or - for paths from standard input, one a line or between null "
            "bytes (find -print0).",
        ),
    ],
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            "-o",
            help="A file for the answers (.csv, .jsonl, .parquet), a page with the images in doubt "
            "(.html), or a folder for the masks of a segmentation network (by default masks). "
            "May be given several times.",
        ),
    ] = None,
    sort: Annotated[
        Path | None, typer.Option(help="Copy each image into a folder of its class in this one.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Overwrite what stands at --out.")
    ] = False,
    coverage: Annotated[
        float | None,
        typer.Option(
            help="Tell the set of classes, or the interval of a number, too, that holds the true "
            "one for this share of images: 0.95.",
        ),
    ] = None,
    tta: Views = False,
    as_json: Json = False,
) -> None:
    """Predict the most probable classes of each image, its mask, or its values.

    Images are answered in their order as they are read, however many there are. Of an image that
    cannot be read the answer is why not; the others are answered, and the exit code is 1.

    From its third call on, a run's network is in the cache as ONNX, if onnxruntime is installed,
    and gives the same answers without loading PyTorch.

    Where there were 19 validation images, each answer says whether the image is unlike all that the
    network learned from, as 1 in 20 ordinary images is (docs/trust.md).

    A mask is a PNG as large as the network's input, with a palette: its values are class numbers.
    """
    from cutaway.learn.inputs import is_many
    from cutaway.ship.quick import keep, opened

    places, asked = _Places(out or [], sort, overwrite), _asked(images)
    quick = opened(run, is_many(asked)) if coverage is None and not tta else None
    network = quick or _trained(run, tta)
    with ExitStack() as stack:
        answered = network.answered(asked, coverage)
        predictions = _kept(answered, places, stack, str(run), coverage)
        if as_json:
            predictions = _printed_json(predictions)
        elif not places.any:
            from cutaway.show.answers import show

            predictions = show(predictions)
        tally = _Tally()
        for one in predictions:
            tally.add(one)
    if not tally.answered + tally.broken:
        raise UsageError(
            f"{'Standard input' if '-' in images else ', '.join(images)} names no image."
        )
    if places.any and not as_json:
        typer.echo(places.summary(tally.answered))
    if not (quick or tta):
        sys.stdout.flush()
        keep(network)
    tally.complain()


def _trained(path: Path, tta: bool) -> "Answering":
    """The run or the fleet at a path."""
    from cutaway.learn.kinds import open_network

    network = open_network(path)
    if not tta:
        return network
    from cutaway.learn.views import viewed

    return viewed(network)


def _asked(words: list[str]) -> Any:
    """What was named on the command line; the paths on standard input where it says so."""
    if words.count("-") > 1:
        raise UsageError("Standard input can be read once: give a single -.")
    asked = [_typed_paths() if word == "-" else word for word in words]
    return asked[0] if len(asked) == 1 else asked


def _typed_paths() -> Iterator[str]:
    if isinstance(sys.stdin, TextIOWrapper):
        # Names of files may be any bytes, and between null bytes any ends of lines.
        sys.stdin.reconfigure(errors="surrogateescape", newline="\n")
    yield from filter(None, _names(sys.stdin))


def _names(stream: TextIO) -> Iterator[str]:
    """One a line; between null bytes where the first is followed by one, lines or no lines."""
    beginning = line = stream.readline(LONGEST)
    while line and "\0" not in beginning and len(beginning) < LONGEST:
        if os.path.exists(os.path.expanduser(beginning.rstrip("\r\n"))):
            break  # no need to wait for more
        line = stream.readline(LONGEST)
        beginning += line
    if "\0" not in beginning:
        yield from (one.rstrip("\r\n") for one in chain(beginning.split("\n"), stream))
        return
    rest = beginning
    while part := stream.readline(LONGEST):
        *whole, rest = (rest + part).split("\0")
        yield from whole
    yield from rest.split("\0")


class _Places:
    """Where answers go. Raises UsageError for a file of an unknown kind."""

    def __init__(self, out: list[Path], sort: Path | None, overwrite: bool):
        self.sort, self.overwrite = sort, overwrite
        if twice := [one for one in out if sum(one.resolve() == o.resolve() for o in out) > 1]:
            raise UsageError(f"{twice[0]} is named by --out more than once: name it once.")
        self.files = [one for one in out if one.suffix.lower() in FILES]
        self.pages = [one for one in out if one.suffix.lower() == PAGE]
        self.folders = [one for one in out if one not in (*self.files, *self.pages)]
        for one in self.folders:
            if one.suffix and not one.is_dir():
                raise UsageError(
                    f"--out takes a file that ends in {', '.join((*FILES, PAGE))}, or a folder for "
                    f"masks, not {one}."
                )
        if len(self.folders) > 1:
            raise UsageError("One folder is enough for the masks: give a single --out without one.")

    @property
    def any(self) -> bool:
        """Whether the answers themselves go anywhere but to the terminal."""
        return bool(self.files or self.pages or self.sort)

    def summary(self, count: int) -> str:
        places = ", ".join(map(str, (*self.files, *self.pages, *filter(None, (self.sort,)))))
        return f"{count:,} image{'s' * (count != 1)} answered: {places}"


def _kept(
    answered: "Iterable[Answered]",
    places: _Places,
    stack: ExitStack,
    run: str,
    coverage: float | None,
) -> "Iterator[Prediction]":
    """The predictions, each written to all places as it passes."""
    from cutaway.learn.answer_files import answer_file
    from cutaway.learn.answers import with_masks_written

    sinks: list[Callable[[Answered], object]] = []
    if places.sort:  # first, since it may refuse
        from cutaway.learn.sorting import Sorter

        sinks.append(Sorter(places.sort).add)
    for path in places.files:
        sinks.append(stack.enter_context(answer_file(path, places.overwrite)))
    for path in places.pages:
        from cutaway.show.predictions import prediction_page

        page = prediction_page(path, run, places.overwrite, coverage)
        sinks.append(stack.enter_context(page))
    folder = places.folders[0] if places.folders else Path("masks")
    for one in with_masks_written(answered, folder, places.overwrite):
        if places.folders and not (one.prediction.drawn or one.prediction.error):
            raise UsageError(f"This network predicts no masks for {folder}: leave --out away.")
        for sink in sinks:
            sink(one)
        yield one.prediction


def _printed_json(predictions: "Iterable[Prediction]") -> "Iterator[Prediction]":
    """Print a list, an entry as soon as it is there."""
    before = "["
    for one in predictions:
        text = json.dumps(finite(one.to_dict()), indent=1, ensure_ascii=False, allow_nan=False)
        typer.echo(f"{before}\n{indent(text, ' ')}", nl=False)
        before = ","
        yield one
    typer.echo("[]" if before == "[" else "\n]")


@dataclass
class _Tally:
    """How many images were answered, how many could not be read, and the names of some."""

    answered: int = 0
    broken: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, one: "Prediction") -> None:
        self.answered += not one.error
        self.broken += bool(one.error)
        if one.error and len(self.names) < NAMED:
            self.names.append(one.name)

    def complain(self) -> None:
        """Raise DataError where some could not be read."""
        if self.broken:
            more = self.broken - len(self.names)
            named = ", ".join([*self.names, *([f"{more:,} more"] if more else [])])
            raise DataError(f"{self._subject()} could not be read: {named}.{self._others()}")

    def _subject(self) -> str:
        total = self.answered + self.broken
        if self.answered:
            return f"{self.broken:,} of {total:,} images"
        return "The only image" if total == 1 else f"All {total:,} images"

    def _others(self) -> str:
        if not self.answered:
            return ""
        return " The others were answered." if self.answered > 1 else " The other was answered."
