"""The tables of the race in README.md, and as a page with a picture."""

from pathlib import Path
from typing import Any

from markupsafe import Markup

import cutaway
from bench.kept import HERE, PICTURES, RESULTS, earlier, publish
from bench.peers.works import WORKS
from bench.race import PEERS
from bench.tables import raced, rate, ratio, tables
from cutaway.show.render import render


def write(kept: dict[str, Any]) -> None:
    """The tables in README.md, the picture and the page."""
    found = tables(kept)
    publish("track", "\n".join(table.markdown() for table in found))
    picture = PICTURES / "track.svg"
    if "same" in kept:
        draw(kept["same"], picture)
    svg = picture.read_text() if picture.exists() else ""
    content = {
        "tables": found, "machine": kept["machine"], "version": cutaway.__version__,
        "sections": [{"name": one.name, "link": one.title.split(":")[0]} for one in found],
        "picture": Markup(svg[svg.find("<svg") :]),
    }  # fmt: skip
    (RESULTS / "track.html").write_text(render("track.html", content, HERE))


def write_apart(name: str) -> None:
    """The tables of a race of its own in README.md."""
    publish(name, "\n".join(table.markdown() for table in tables(earlier(name))))


def draw(same: dict[str, Any], path: Path) -> None:
    """Ratios of images a second, a row a work, a mark a peer."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.rcParams.update({"svg.hashsalt": "track", "font.size": 9})
    colours = (
        "#0072b2",
        "#d55e00",
        "#009e73",
        "#cc79a7",
        "#56b4e9",
        "#e69f00",
    )  # Okabe and Ito 2008
    others = raced([*same.values()])
    figure, axes = plt.subplots(figsize=(8, 0.75 * len(same) + 1.2), layout="constrained")
    for i, peer in enumerate(others):
        shift = (i - (len(others) - 1) / 2) * 0.15
        for y, found in enumerate(same.values()):
            if one := ratio(found, peer, rate):
                style = {"color": colours[i], "marker": "osD^vP"[i], "markersize": 5}
                axes.plot([one.low, one.high], [y + shift] * 2, color=colours[i], linewidth=1)
                axes.plot(one.value, y + shift, linestyle="", **style)
        axes.plot([], [], linestyle="", **style, label=PEERS[peer].title)
    axes.axvline(1, color="grey", linewidth=1)
    axes.set_yticks(range(len(same)), [WORKS[work].title for work in same])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xticks([0.5, 1, 2, 5, 10, 20], labels=["0.5", "1", "2", "5", "10", "20"])
    axes.minorticks_off()
    axes.set_xlabel("times as many images a second as the peer (right of 1: Cutaway is faster)")
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=5, frameon=False)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None}, facecolor="white")
    plt.close(figure)
