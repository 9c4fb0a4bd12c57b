"""Upload to and download from the Hugging Face Hub, or a local folder of the same layout."""

from pathlib import Path
from typing import Any

from cutaway.errors import DataError, UsageError
from cutaway.learn.run import Run
from cutaway.ship.export import export
from cutaway.ship.exported_model import ExportedModel
from cutaway.ship.formats import open_exported


def from_pretrained(where: str | Path) -> ExportedModel:
    """Load the network of a local folder, or of a repository on the Hub.

    Args:
        where: a path that exists, or `user/name`.

    Raises:
        DataError: there is no such folder, and no such repository that can be reached.
    """
    path = Path(where)
    return open_exported(path if path.exists() else _download(str(where)))


def push_to_hub(run: Run, where: str | Path, *, private: bool = False) -> str:
    """Write a run as a model repository, verified; on the Hub where `where` is `user/name`.

    Args:
        where: a folder (a path with `./`, `/` or `~` first, or one that exists), or `user/name`.

    Returns:
        The folder's path, or the repository's address.

    Raises:
        DataError: the Hub cannot be reached, or refuses.
    """
    name = str(where)
    if name.startswith((".", "/", "~")) or Path(name).exists():
        return str(export(run, "folder", out=Path(name).expanduser())[0].path)
    (exported,) = export(run, "folder")
    return _upload(exported.path, name, private)


def _download(name: str) -> Path:
    if name.count("/") != 1:
        raise DataError(f"There is no folder {name}, and a repository is called user/name.")
    hub = _hub()
    try:
        return Path(hub.snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "*.md"]))
    except Exception as error:  # the Hub's failures and the network's have no common base
        raise DataError(
            f"{name} is not a folder here, and the Hub says: {_first_line(error)}"
        ) from None


def _upload(folder: Path, name: str, private: bool) -> str:
    hub = _hub()
    try:
        hub.create_repo(name, private=private, exist_ok=True)
        hub.upload_folder(repo_id=name, folder_path=str(folder))
    except Exception as error:  # as above
        raise DataError(
            f"{folder} is written, but the Hub does not take it as {name}: {_first_line(error)}"
        ) from None
    return f"https://huggingface.co/{name}"


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise UsageError(
            "The Hub needs the package huggingface_hub: pip install huggingface_hub."
        ) from None
    return huggingface_hub


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
