"""Networks that run in a page: how soon it is there, and how soon it answers.

python -m bench.webpage [lenet5 resnet20 efficientnet_lite0] [--loads 5]

New networks at the sizes of their sources (what they have learned does not matter here), written as
`cutaway export --to web` does, opened from a disk by headless Chromium.
"""

import argparse
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from bench.kept import HERE, earlier, keep, publish, table
from bench.tables import figure
from cutaway.processes import processor
from cutaway.ship.about import About
from cutaway.ship.formats import web
from cutaway.ship.shipment import Shipment
from cutaway.ship.untrained import UntrainedRun
from cutaway.ship.verify import total_bytes
from tests.helpers.browser import blob, opened

NETWORKS = ["lenet5", "resnet20", "efficientnet_lite0"]
PHOTOGRAPH = (4000, 3000)
READY = "new Promise((then) => { const look = () => session ? then(performance.now()) : setTimeout(look, 2); look(); })"  # noqa: E501
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
TIMED = "(async () => {{ const image = {image}, began = performance.now(); await {call}; return performance.now() - began; }})()"  # noqa: E501


def photograph(width: int, height: int, kind: str) -> str:
    """A real one at this size, as an expression in the page."""
    from sklearn.datasets import load_sample_image

    file = BytesIO()
    Image.fromarray(load_sample_image("china.jpg")).resize((width, height)).save(file, kind)
    return blob(file.getvalue())


def loaded(address: str, about: About, folder: Path) -> dict[str, float]:
    """Milliseconds of one load in a new browser, and of what is asked then."""
    height, width = about.size
    with opened(folder) as page:
        page.look(1280, dark=False)
        page.open(address)
        found = {"ready": page.value(READY), "shown": page.run(PAINTED)}
        small, large = photograph(width, height, "PNG"), photograph(*PHOTOGRAPH, "JPEG")
        asked = {
            "first": (small, "answer(image)"), "answer": (small, "answer(image)"),
            "photograph": (large, "answer(image)"), "why": (small, "why(image, () => true)"),
        }  # fmt: skip
        for name, (image, call) in asked.items():
            found[name] = page.value(TIMED.format(image=image, call=call))
    return found


def measured(name: str, loads: int) -> dict[str, Any]:
    """A network's page: its bytes, and each of its loads."""
    shipment = Shipment.of(UntrainedRun(name))
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        web.write(shipment, path)
        index = path / "index.html"
        rows = [loaded(index.as_uri(), shipment.about, Path(folder, str(k))) for k in range(loads)]
        return {"bytes": total_bytes(index), "size": list(shipment.about.size), "loads": rows}


def seconds(rows: list[dict[str, float]], what: str) -> str:
    """The median, in ms below a tenth of a second."""
    ms = float(np.median([row[what] for row in rows]))
    return f"{figure(ms)} ms" if ms < 100 else f"{figure(ms / 1000)} s"


def lines(works: dict[str, Any]) -> str:
    head = ["network", "page", "shown after", "ready after", "answer", "of a photograph", "why"]
    wanted = ("shown", "ready", "answer", "photograph", "why")
    rows = [
        [f"{name}, {' x '.join(map(str, one['size']))}", f"{one['bytes'] / 1e6:.1f} MB",
         *(seconds(one["loads"], what) for what in wanted)]
        for name, one in works.items()
    ]  # fmt: skip
    return table(head, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--loads", type=int, default=5)
    asked = parser.parse_args()
    works = earlier("webpage").get("works", {})
    for name in asked.networks:
        works[name] = measured(name, asked.loads)
        keep("webpage", about={"processor": processor()}, works=works)
    text = lines(works)
    print(text)
    publish("webpage", text, HERE.parent / "docs" / "shipping.md")


if __name__ == "__main__":
    main()
