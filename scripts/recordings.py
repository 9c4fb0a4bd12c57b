"""Make the recordings of docs/studio.md anew, in docs/recordings.

    python scripts/recordings.py

Both learn from data that come with the package: seconds each.
"""

import tempfile
from pathlib import Path
from typing import Any

from cutaway import api
from cutaway.learn.interventions import Hold, Intervention, Rate, written
from cutaway.learn.snapshots import Snapshots
from cutaway.studio.recording import write_recording

FOLDER = Path(__file__).parents[1] / "docs" / "recordings"
HELD = (
    Intervention(120, Hold("c1.u", 2)),
    Intervention(120, Hold("c1.u", 4)),
    Intervention(240, Hold("c1.u", 2, None)),
    Intervention(240, Hold("c1.u", 4, None)),
    Intervention(240, Rate(0.5)),
)
RECORDINGS: dict[str, tuple[str, str, dict[str, Any], tuple[Intervention, ...]]] = {
    "xor": ("mlp", "xor", {"widths": "4", "lr": 0.01}, ()),
    "lenet5-digits": ("lenet5", "digits", {}, HELD),
}


def record(name: str) -> None:
    """Train, with the changes by hand, and write what a page replays."""
    model, data, options, changes = RECORDINGS[name]
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "interventions.jsonl"
        made.write_text(written(changes))
        run = api.fit(
            model, data, out=Path(folder) / name, progress=False, callbacks=[Snapshots()],
            interventions=made if changes else "", **options,
        )  # fmt: skip
        write_recording(run.path, FOLDER / f"{name}.html", print)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in RECORDINGS:
        record(name)


if __name__ == "__main__":
    main()
