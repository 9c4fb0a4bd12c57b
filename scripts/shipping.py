"""Fill the tables of docs/shipping.md: every network in every format, and trained ones in 8 bits.

    python scripts/shipping.py zoo [MODEL...]     # new networks at their sources' sizes
    python scripts/shipping.py int8 RUN...        # trained runs (CUTAWAY_DATA=... for their data)
    python scripts/shipping.py page               # docs/shipping.json into docs/shipping.md

What is measured goes to docs/shipping.json one by one, so that what was interrupted goes on.
"""

import json
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from cutaway import models
from cutaway.files import write_json
from cutaway.learn.run import Run
from cutaway.ship.examples import random_inputs
from cutaway.ship.export import export
from cutaway.ship.formats import FORMATS, open_exported
from cutaway.ship.measures import compare_outputs, latencies
from cutaway.ship.portable import PARTS
from cutaway.ship.shipment import Shipment
from cutaway.ship.untrained import UntrainedRun
from cutaway.ship.verify import total_bytes

DOCS = Path(__file__).parents[1] / "docs"
KEPT, PAGE = DOCS / "shipping.json", DOCS / "shipping.md"
EXACT = ("onnx", "pt2", "safetensors")
EXAMPLES = 8


def main(what: str, *words: str) -> None:
    """Measure, or write the page."""
    if what == "zoo":
        for name in words or models.MODELS:
            for part in PARTS[models.find(name).task]:
                keep("zoo", f"{name} {part}", lambda n=name, p=part: whole(n, p), bool(words))
    elif what == "int8":
        for path in words:
            run = Run(path)
            keep("int8", f"{run.recipe.model} {run.data.name}", lambda r=run: eight(r), True)
    write_page()


def keep(table: str, key: str, measure: Any, again: bool) -> None:
    """Measure what has not been measured, and write it down."""
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    rows = kept.setdefault(table, {})
    if again or key not in rows:
        rows[key] = measure()
        print(key, rows[key], flush=True)
        write_json(KEPT, kept)


def whole(name: str, part: str) -> dict[str, Any]:
    """One network in each format: bytes, and the largest difference of an output."""
    shipment = Shipment.of(UntrainedRun(name), part)
    about = shipment.about
    x = random_inputs(about, EXAMPLES)
    if about.takes_examples:
        shape = (EXAMPLES, *about.size, about.channels)
        x = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    with torch.inference_mode():
        expected = shipment.module(torch.from_numpy(x)).numpy()
    row: dict[str, Any] = {"size": list(about.size)}
    with TemporaryDirectory() as folder:
        for one in EXACT:
            path = Path(folder, f"net{FORMATS[one].ending}")
            FORMATS[one].write(shipment, path)
            found = FORMATS[one].read(path).answer(x)
            off = compare_outputs(expected, found)["largest"]
            row[one] = {"bytes": total_bytes(path), "difference": off}
            path.unlink()
    return row


def eight(run: Run) -> dict[str, Any]:
    """A trained run in 32 and in 8 bits, called in turn."""
    with TemporaryDirectory() as folder:
        plain, small = (
            export(run, name, out=Path(folder, f"{name}.onnx"))[0] for name in ("onnx", "onnx-int8")
        )
        opened = {"onnx": open_exported(plain.path), "int8": open_exported(small.path)}
        images = run.images().images[run.split.test[:64]].numpy()
        times = latencies({name: one.answer for name, one in opened.items()}, images)
    return {
        "size": list(run.data.size),
        "examples": small.check.examples,
        "worth": [plain.check.export, small.check.export],
        "agreement": small.check.difference["agreement"],
        "bytes": [plain.check.bytes, small.check.bytes],
        "ms": {batch: [times["onnx"][batch], times["int8"][batch]] for batch in times["onnx"]},
    }


def write_page() -> None:
    """Put the tables between their marks."""
    kept, text = json.loads(KEPT.read_text()), PAGE.read_text()
    for name, table in (("zoo", zoo(kept.get("zoo", {}))), ("int8", int8(kept.get("int8", {})))):
        text = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", rf"\1{table}\2", text, flags=re.DOTALL
        )
    PAGE.write_text(text)


def zoo(rows: dict[str, Any]) -> str:
    """A row for each network and part."""
    lines = ["| network | part | size | onnx | pt2 | safetensors |", "| --- " * 6 + "|"]
    for key, row in rows.items():
        name, part = key.split()
        cells = [f"{off(row[one]['difference'])}, {mb(row[one]['bytes'])}" for one in EXACT]
        shape = " x ".join(map(str, row["size"]))
        lines.append(f"| {name} | {part} | {shape} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def int8(rows: dict[str, Any]) -> str:
    """A row for each trained network."""
    head = "| network | data | 32 bits | 8 bits | lost, points | same answer | size | share"
    lines = [f"{head} | ms at 1 | ms at 64 |", "| --- " * 10 + "|"]
    for key, row in rows.items():
        name, data = key.split()
        data += f" at {row['size'][0]} x {row['size'][1]}"
        ((measure, before),), after = row["worth"][0].items(), row["worth"][1]
        large, small = row["bytes"]
        ms = [f"{a:.2f} to {b:.2f} ({a / b:.2f}x)" for a, b in row["ms"].values()]
        lines.append(
            f"| {name} | {data}, {row['examples']:,} images | {before:.2%} | "
            f"{after[measure]:.2%} | {100 * (before - after[measure]):.2f} | "
            f"{row['agreement']:.2%} | {mb(large)} to {mb(small)} | {small / large:.3f} | "
            + " | ".join(ms) + " |"
        )  # fmt: skip
    return "\n".join(lines) + "\n"


def off(difference: float) -> str:
    return f"{difference:.0e}" if np.isfinite(difference) else "no numbers"


def mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


if __name__ == "__main__":
    main(*sys.argv[1:] or ["page"])
