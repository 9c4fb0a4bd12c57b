"""Make the pictures of the studio in docs/pictures anew, from its page in Chromium.

    python scripts/studio_pictures.py

LeNet-5 learns the small digits, is paused, and loses a unit of its first layer; and the cards.
"""

import base64
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
WIDTH, HEIGHT, STEP, UNIT = 1500, 1000, 150, 3


def shoot(page: Any, name: str) -> None:
    """What is on the screen, as PNG."""
    time.sleep(1.5)
    found = page.call("Page.captureScreenshot")
    (PICTURES / name).write_bytes(base64.b64decode(found["data"]))


def main() -> None:
    sys.path.append(str(ROOT / "tests"))
    from helpers.browser import labelled, opened, press
    from helpers.studio import studio

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.chdir(folder)
        with opened(Path(folder)) as page, studio("--port", "0") as (address, token, _):
            page.look(WIDTH, False, HEIGHT)
            page.open(f"{address}/?token={token}")
            page.wait("document.querySelectorAll('#choosing .card').length > 5")
            shoot(page, "studio-cards.png")
            page.run(
                "document.querySelector('[aria-label=\"Start: LeNet-5, small digits\"]').click()"
            )
            count = (
                "Number(/^Step ([0-9,]+)/.exec(document.getElementById('status').textContent)?.[1])"
            )
            page.wait(f"{count} >= {STEP}", 120)
            page.wait(press("Pause"))
            maps = labelled("Feature maps")
            page.run(f"{maps}.scrollIntoView({{block: 'center'}})")
            page.wait(f"{maps}.querySelectorAll('button.unit').length > {UNIT}")
            page.run(f"{maps}.querySelectorAll('button.unit')[{UNIT}].click()")
            page.wait(press("Switch off"))
            page.wait("/before, .* after/.test(document.getElementById('notices').textContent)")
            shoot(page, "studio.png")


if __name__ == "__main__":
    main()
