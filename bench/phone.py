"""How many frames of the studio's page a phone draws in a second.

    python -m bench.phone

The recordings of the docs are played as fast as they go, a frame at each repaint, in a headless
Chromium of a phone's width whose processor is slowed. Of each screen of the page, from top to
bottom, 60 frames are counted, with every panel on it drawn anew. Chromium draws without a graphics
card here, and gives at most 60.
"""

import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from bench.kept import keep, publish, table
from cutaway.processes import processor

DOCS = Path(__file__).parents[1] / "docs"
SLOWED = 4
"""How many times slower than this one a phone's processor is taken to be, as Lighthouse does."""
WIDTH, HEIGHT, FRAMES = 390, 844, 60
PLAYED = """(async () => {
  const line = document.querySelector('#travel input[type=range]'), count = Number(line.max) + 1;
  const begun = performance.now();
  for (let k = 0; k < %d; k++) {
    line.value = k %% count;
    line.dispatchEvent(new Event('input', { bubbles: true }));
    await new Promise(requestAnimationFrame);
  }
  return 1000 * %d / (performance.now() - begun);
})()"""


def frames_a_second(recording: Path, slowed: int) -> list[float]:
    """Those of each screen of a recording, from top to bottom."""
    from helpers.browser import opened

    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        opened(Path(folder)) as page,
    ):
        page.look(WIDTH, False, HEIGHT)
        page.open(recording.as_uri())
        page.wait("document.querySelectorAll('canvas').length > 2")
        page.call("Emulation.setCPUThrottlingRate", rate=slowed)
        height = page.run("document.documentElement.scrollHeight")
        found = []
        for top in range(0, height - HEIGHT // 2, HEIGHT):
            page.run(f"scrollTo(0, {top})")
            page.value("new Promise((done) => setTimeout(() => done(0), 500))")
            found.append(page.value(PLAYED % (FRAMES, FRAMES)))
        return found


def told(found: dict[str, Any]) -> str:
    rows = [
        [name, *(f"{median(each):.0f} ({min(each):.0f})" for each in (full, slow))]
        for name, (full, slow) in found["recordings"].items()
    ]
    head = ["recording", "this processor", f"{SLOWED} times slower"]
    said = "Frames a second: the median over the screens of the page, and the slowest screen"
    return table(head, rows, numbers=True) + f"\n\n{said}; on {found['machine']}."


def main() -> None:
    sys.path.append(str(Path(__file__).parents[1] / "tests"))  # its browser
    found = {}
    for recording in sorted((DOCS / "recordings").glob("*.html")):
        found[recording.stem] = [frames_a_second(recording, slowed) for slowed in (1, SLOWED)]
        print(recording.stem, found[recording.stem], flush=True)
    kept = {"machine": processor(), "recordings": found}
    keep("phone", **kept)
    publish("phone", told(kept), DOCS / "studio.md")


if __name__ == "__main__":
    main()
