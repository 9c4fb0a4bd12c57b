"""A recording: one HTML file that replays a training without Python, from its snapshots."""

import json
import re
from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from cutaway.errors import UsageError
from cutaway.files import write_whole
from cutaway.learn.run import Run
from cutaway.learn.snapshots import snapshots
from cutaway.studio.looking import drawn
from cutaway.studio.read_scene import ReadScene
from cutaway.studio.reader import about, begun, changed
from cutaway.studio.server import PAGE
from cutaway.studio.views import View, views_of

FRAMES = 60
"""Moments of a recording, at most."""
IMPORT = re.compile(r"^import \{[^}]*\} from \"\./([\w-]+\.js)\";\n", re.MULTILINE)


def write_recording(path: Path, to: Path, say: Callable[[str], None] = lambda _: None) -> None:
    """Write the recording of a run that has ended.

    Raises:
        UsageError: it has no snapshots.
        RunError: it has not ended, or the file cannot be written.
    """
    run = Run(path)
    run.results  # noqa: B018  # says so where it has not ended
    if not snapshots(path):
        raise UsageError(
            f"{path} keeps no snapshots, which a recording is made of: train it in the studio, or "
            "with --callback cutaway:Snapshots."
        )
    content = recorded(run, say)
    write_whole(to, page_with(content))
    say(f"{to}: {len(content['frames'])} moments, {to.stat().st_size / 1e6:.1f} MB")


def recorded(run: Run, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """What a page replays: see `page/replay.js`."""
    scene = ReadScene(run, run.images())
    views = views_of(scene)
    steps = sorted(snapshots(run.path))
    kept = [steps[round(k)] for k in _spread(len(steps), min(FRAMES, len(steps)))]
    frames, told, shown = [], [], dict[str, Any]()
    for step in kept:
        frame = _frame(scene, views, step)
        new = {k: v for k, v in frame["figures"].items() if v != shown.get(k)}
        shown |= new
        frames.append(frame | {"figures": new})
        told.append(changed(scene) | {"at": step})
    return {
        "begun": begun(scene, views) | {"snapshots": []}, "frames": frames, "changed": told,
        "ended": {"kind": "ended", "run": run.path.name, "text": _said(run)},
    }  # fmt: skip


def _spread(count: int, wanted: int) -> Iterator[float]:
    """So many places from the first to the last of `count`."""
    return (k * (count - 1) / max(1, wanted - 1) for k in range(wanted))


def _frame(scene: ReadScene, views: dict[str, View], step: int) -> dict[str, Any]:
    scene.show(step)
    figures = {}
    for name, view in list(views.items()):
        chosen = view.chosen(scene, {})
        figures[name] = [one.to_dict() for one in drawn(view, scene, chosen)]
    return {"kind": "frame", "at": step, **about(scene), "figures": figures}


def _said(run: Run) -> str:
    from cutaway.learn.job import figure

    name, value = run.headline
    return "" if value is None else f"{figure(name, value)} on the test images."


def page_with(content: dict[str, Any]) -> str:
    """The page with everything inside it, which needs no server."""
    page = (PAGE / "index.html").read_text()
    # A text of JSON that holds no end of a script, whatever the names in it.
    data = json.dumps(content, allow_nan=False).replace("<", "\\u003c")
    link = r"<link rel=\"stylesheet\" href=\"/page/([\w-]+\.css)\">"
    page = re.sub(link, lambda one: f"<style>{(PAGE / one[1]).read_text()}</style>", page)
    kept = f'<script type="application/json" id="recording">{data}</script>'
    script = f'<script type="module">\n{bundled("main.js")}</script>'
    tag = r"<script type=\"module\" src=\"[^\"]*\"></script>"
    return re.sub(tag, lambda _: f"{kept}\n{script}", page)


def bundled(first: str) -> str:
    """A module with all that it imports, as one script: names are unique over all of them."""
    texts, waiting, needs = dict[str, str](), [first], dict[str, list[str]]()
    while waiting:
        name = waiting.pop()
        if name in texts:
            continue
        text = (PAGE / name).read_text()
        needs[name] = IMPORT.findall(text)
        texts[name] = re.sub(r"^export ", "", IMPORT.sub("", text), flags=re.MULTILINE)
        waiting += needs[name]
    return "\n".join(texts[name] for name in TopologicalSorter(needs).static_order())
