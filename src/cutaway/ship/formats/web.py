"""A page in which the network runs, with no server: it opens by a double click.

Browsers load neither modules nor WebAssembly nor data from files beside a page that was opened
from a disk, so that everything is in the page: onnxruntime's script, its WebAssembly and the
network, both compressed. The network lies beside it as well, for other programs.
"""

import base64
import gzip
import re
from dataclasses import replace
from pathlib import Path

from cutaway.errors import UsageError
from cutaway.files import write_whole, writing
from cutaway.ship import page as pages
from cutaway.ship.about import About
from cutaway.ship.exported_model import ExportedModel
from cutaway.ship.formats import onnx_file
from cutaway.ship.onnxruntime_web import Runtime, runtime
from cutaway.ship.shipment import Shipment

PAGE, MODEL, NOTICE = "index.html", "model.onnx", "onnxruntime-licence.txt"
EXPORTS = re.compile(r"export\{[^}]*?([\w$]+) as default[^}]*\};?\s*(//# sourceMappingURL=.*)?\s*$")
FOOTER = "The network runs in this page: your images do not leave this computer."


def write(shipment: Shipment, path: Path) -> None:
    """Write the folder `path`.

    Raises:
        UsageError: the network takes and gives no pictures, or `shipment.runtime` holds no
            onnxruntime-web.
        DataError: onnxruntime-web cannot be downloaded.
    """
    _check(shipment.about)
    ort = runtime(shipment.runtime)
    network = onnx_file.model(shipment).SerializeToString()
    html = page(shipment.about, network, ort)
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    write_whole(path / MODEL, network)
    write_whole(path / PAGE, html)
    write_whole(path / NOTICE, pages.file(NOTICE))


def read(path: Path) -> ExportedModel:
    """Open the network of a folder."""
    return replace(onnx_file.read(path / MODEL), path=path)


def page(about: About, network: bytes, ort: Runtime) -> str:
    """The whole page as HTML, which loads nothing from elsewhere."""
    after_script = [
        f'<script type="module">{as_global(ort.script)}</script>',
        _block("runtime", "application/gzip", _compressed(ort.binary)),
        _block("model", "application/gzip", _compressed(network)),
    ]
    before_script = _block("about", "application/json", about.to_json().replace("<", "\\u003c"))
    slots = {
        "brand": "Cutaway", "footer": FOOTER, "uses": pages.file("local.html"),
        "before_script": before_script + "\n", "after_script": "\n".join([*after_script, ""]),
    }  # fmt: skip
    allowed = pages.policy(_render(slots), "'wasm-unsafe-eval'")
    head = f'<meta http-equiv="Content-Security-Policy" content="{allowed}">\n'
    return _render(slots | {"head": head})


def as_global(module: str) -> str:
    """Turn onnxruntime's module into a script that sets the global `ort` instead of exporting.

    Raises:
        UsageError: it is not such a module.
    """
    script, count = EXPORTS.subn(r"globalThis.ort=\1;", module)
    if not count or "</script" in script or "<!--" in script:
        raise UsageError(
            "This version of onnxruntime-web cannot be put into a page: leave --runtime away, "
            "or name another."
        )
    return script


def _render(slots: dict[str, str]) -> str:
    return pages.page("local.js", "occlude.js", **slots)


def _block(name: str, kind: str, text: str) -> str:
    return f'<script type="{kind}" id="{name}">{text}</script>'


def _compressed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def _check(about: About) -> None:
    if len(about.size) != 2 or about.part == "paint":
        raise UsageError(
            f"{about.model} neither takes nor generates pictures, and a page is for those: export "
            "it as onnx."
        )
