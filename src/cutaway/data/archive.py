"""Archives of pictures (ZIP, TAR): extracted once into the cache, and read as a folder."""

import shutil
import tarfile
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from zipfile import BadZipFile, ZipFile, ZipInfo

from cutaway.data import cache
from cutaway.data.files import TABLES
from cutaway.data.imageset import Finding
from cutaway.data.walk import list_folder
from cutaway.errors import DataError

FILES = "files"
UTF8 = 0x800  # the flag of a ZIP member whose name is in UTF-8
BROKEN = (BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError)


def extract(path: Path) -> tuple[Path, list[Finding]]:
    """Extract an archive into the cache: its folder or table, and the files that are damaged.

    A single folder that holds all is entered. A table at the top, beside no more than one folder,
    is what labels the pictures.

    Raises DataError where it is damaged, locked by a password, too large for the disk, or leads
    out of its folder.
    """
    status = path.stat()
    key = cache.digest("unpacked", 1, str(path.resolve()), status.st_size, status.st_ctime_ns)
    place, note = cache.entry(key, lambda folder: unpack(path, folder / FILES), is_whole)
    bad = [Finding("damaged", (name,), detail, True) for name, detail in note["bad"]]
    return _data_root(place / FILES), bad


def is_whole(place: Path, note: dict[str, Any]) -> bool:
    """Whether all files are there, with all their bytes."""
    files = [file for file in (place / FILES).rglob("*") if file.is_file()]
    return [len(files), sum(file.stat().st_size for file in files)] == note["count"]


def _data_root(root: Path) -> Path:
    """The first folder that holds more than one folder, or the only table."""
    folders, files = list_folder(root)
    while len(folders) == 1 and not files:
        root = root / folders[0]
        folders, files = list_folder(root)
    tables = [name for name in files if name.lower().endswith(TABLES)]
    return root / tables[0] if len(tables) == 1 and len(folders) < 2 else root


def unpack(path: Path, folder: Path) -> dict[str, Any]:
    """Extract an archive into a new folder; `count` of files and bytes, and what is damaged
    (`bad`). Raises DataError."""
    folder.mkdir()
    with _as_data_errors(path):
        bad = (_unzip if path.suffix.lower() == ".zip" else _untar)(path, folder)
    files = [file for file in folder.rglob("*") if file.is_file()]
    if not files:
        raise DataError(f"{path} holds no files." + (f" {bad[0][1]}" if bad else ""))
    return {"count": [len(files), sum(file.stat().st_size for file in files)], "bad": bad}


@contextmanager
def _as_data_errors(path: Path) -> Iterator[None]:
    """Turn the errors of a damaged archive into `DataError`s."""
    try:
        yield
    except BROKEN as error:
        if "password" in str(error) or "encrypted" in str(error):
            raise DataError(
                f"{path} is locked by a password: unpack it, and name the folder."
            ) from None
        raise DataError(
            f"{path} is not a valid archive ({str(error).splitlines()[0].rstrip(':')}): get it "
            "again, or unpack it with another program and name the folder."
        ) from None


def _unzip(path: Path, folder: Path) -> list[tuple[str, str]]:
    """Extract every file of a ZIP; a damaged one is left out, and named with the reason."""
    bad = []
    with ZipFile(path) as file:
        members = [(_place(path, _name(m)), m) for m in file.infolist() if not m.is_dir()]
        selected = [(place, m) for place, m in members if place]
        _check_space(path, folder, sum(m.file_size for _, m in selected))
        for place, member in selected:
            try:
                with file.open(member) as content:
                    _write(content, folder / place)
            except (BadZipFile, zlib.error, EOFError) as error:
                (folder / place).unlink(missing_ok=True)
                bad.append((place, f"It is damaged within the archive ({error})."))
    if bad and len(bad) == len(selected):
        raise BadZipFile(bad[0][1])
    return bad


def _untar(path: Path, folder: Path) -> list[tuple[str, str]]:
    """Extract every plain file of a TAR: no links, no devices."""
    with tarfile.open(path) as file:
        for member in file:
            place = _place(path, member.name)
            if not (member.isfile() and place):
                continue
            _check_space(path, folder, member.size)
            content = file.extractfile(member)
            assert content is not None
            _write(content, folder / place)
    return []


def _name(member: ZipInfo) -> str:
    """Decode a member's name: old programs write it in the encoding of their country."""
    if member.flag_bits & UTF8 or member.filename.isascii():
        return member.filename
    try:
        raw = member.filename.encode("cp437")
    except UnicodeEncodeError:
        return member.filename
    for code in ("utf-8", "cp949"):
        try:
            return raw.decode(code)
        except UnicodeDecodeError:
            continue
    return member.filename


def _place(path: Path, name: str) -> str:
    """The path of a file below the folder; empty for files that systems add of their own.

    Raises DataError for a name that leads out of the folder.
    """
    name = unicodedata.normalize("NFC", name.replace("\\", "/"))
    pieces = PurePosixPath(name).parts
    if name.startswith("/") or ".." in pieces or PureWindowsPath(name).drive:
        raise DataError(
            f"{path} holds '{name}', which leads out of its folder: such an archive is not "
            "unpacked."
        )
    unseen = any(piece.startswith(".") or piece.lower() == "__macosx" for piece in pieces)
    return "" if unseen else "/".join(pieces)


def _write(content: Any, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(place, "wb") as file:
        shutil.copyfileobj(content, file)


def _check_space(path: Path, folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise DataError(
            f"{path} unpacks to {size / 1e9:,.1f} GB, and the disk of the cache {cache.root()} has "
            f"{free / 1e9:,.1f} GB left: free some space, or name another folder in CUTAWAY_CACHE."
        )
