"""Sort pictures into folders by copying: one for each class that is predicted, or each group."""

import filecmp
import os
import re
import shutil
from contextlib import suppress
from io import BytesIO
from itertools import count
from pathlib import Path

from cutaway.data.sample import Absent, Cell, as_task
from cutaway.data.worker import fetch
from cutaway.errors import UsageError
from cutaway.files import writing
from cutaway.learn.answers import Answered
from cutaway.learn.prediction import ClassPrediction

Source = str | bytes | Cell | Absent
"""A picture: its file, its content, its cell of a table, or that there is none."""


class Sorter:
    """Copies pictures into `FOLDER/LABEL/`. Nothing is moved, and nothing there is overwritten.

    A picture whose name is taken gets a number, unless the one that has it is the same; so the same
    command again copies nothing.

    Args:
        option: what names the folder, for messages.

    Raises:
        UsageError: there is a file of that name.
    """

    def __init__(self, folder: Path, option: str = "--sort"):
        if folder.exists() and not folder.is_dir():
            raise UsageError(
                f"{folder} is a file, and pictures are copied into a folder: choose another place "
                f"with {option}."
            )
        self.folder, self.option = folder, option
        self._names: dict[str, str] = {}

    def add(self, one: Answered) -> None:
        """Copy a picture into the folder of its class; one that cannot be read stays out.

        Raises:
            UsageError: the network tells no classes, or the picture lies in the folder itself.
            RunError: it cannot be written.
        """
        if one.prediction.error:
            return
        if not isinstance(one.prediction, ClassPrediction):
            raise UsageError("--sort needs a network that predicts a class for each image.")
        self.copy(one.input.source, one.input.name, one.prediction.label)

    def copy(self, source: Source, name: str, label: str) -> None:
        """Copy a picture into the folder of a label.

        Raises:
            UsageError: the picture lies in the folder itself.
            RunError: it cannot be written.
        """
        with writing(self.folder, self.option):
            folder = self.folder / self._name(label)
            folder.mkdir(parents=True, exist_ok=True)
            self._copy(source, name, folder)

    def _name(self, label: str) -> str:
        """The name of a class as that of a folder, another for each class."""
        if label not in self._names:
            plain = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "-", label).strip(". ") or "class"
            free = (f"{plain}-{n}" if n > 1 else plain for n in count(1))
            self._names[label] = next(one for one in free if one not in self._names.values())
        return self._names[label]

    def _copy(self, source: Source, name: str, folder: Path) -> None:
        if isinstance(source, str):
            if Path(source).resolve().is_relative_to(self.folder.resolve()):
                raise UsageError(
                    f"{source} lies in {self.folder} already: choose another folder to copy into."
                )
            plain = Path(source).name
        else:
            content = fetch(as_task(source))
            plain = Path(name).name + _ending(content)
        temporary = folder / f".{os.getpid()}.tmp"
        try:
            if isinstance(source, str):
                shutil.copy2(source, temporary)
            else:
                temporary.write_bytes(content if isinstance(content, bytes) else b"")
            if target := _free(folder / plain, temporary):
                os.rename(temporary, target)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()


def _free(wanted: Path, content: Path) -> Path | None:
    """A path that nothing has, numbered where needed; None where the same is there already."""
    for number in count(1):
        path = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}") if number > 1 else wanted
        if not os.path.lexists(path):
            return path
        if path.is_file() and filecmp.cmp(path, content, shallow=False):
            return None
    raise AssertionError  # `count` does not end


def _ending(content: str | bytes) -> str:
    """The ending for a picture that was in memory, by its format."""
    from PIL import Image

    with Image.open(BytesIO(content) if isinstance(content, bytes) else content) as image:
        return f".{(image.format or 'png').lower()}"
