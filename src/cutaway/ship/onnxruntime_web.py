"""onnxruntime for browsers: its files, from the npm registry or from a folder."""

import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cutaway.data.catalog import Remote, Source
from cutaway.errors import UsageError

VERSION = "1.30.0"
NAME = f"onnxruntime-web-{VERSION}.tgz"
SCRIPT, BINARY = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
"""The smallest build there is: WebAssembly alone, without WebGL, WebGPU and WebNN."""

SOURCE = Source(
    name="onnxruntime-web", title=f"runs networks in browsers, version {VERSION}",
    classes=0, count=0, licence="MIT", homepage="https://onnxruntime.ai", megabytes=33.1,
    files=(Remote(
        NAME, (f"https://registry.npmjs.org/onnxruntime-web/-/{NAME}",),
        "sha256:d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71",
    ),),
    otherwise="name a folder with the files of that npm package with --runtime",
)  # fmt: skip


@dataclass(frozen=True)
class Runtime:
    """A JavaScript module, and the WebAssembly that it drives."""

    script: str
    binary: bytes


def runtime(folder: str | Path = "") -> Runtime:
    """Find onnxruntime-web's files.

    Args:
        folder: where the npm package or its `dist` lies; downloaded once unless given.

    Raises:
        UsageError: the folder does not hold them.
        DataError: they cannot be downloaded.
    """
    read = _of_folder(Path(folder).expanduser()) if folder else _of_archive
    return Runtime(read(SCRIPT).decode(), read(BINARY))


def _of_folder(folder: Path) -> Callable[[str], bytes]:
    dist = folder / "dist" if (folder / "dist").is_dir() else folder
    for name in (SCRIPT, BINARY):
        if not (dist / name).is_file():
            raise UsageError(
                f"{folder} holds no {name}: --runtime names the folder of the npm package "
                "onnxruntime-web, or its dist."
            )
    return lambda name: (dist / name).read_bytes()


def _of_archive(name: str) -> bytes:
    from cutaway.data.download import fetch

    with tarfile.open(fetch(SOURCE) / NAME) as archive:
        file = archive.extractfile(f"package/dist/{name}")
        assert file
        return file.read()
