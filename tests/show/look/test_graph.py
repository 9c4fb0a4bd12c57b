"""The section on a network's graph: what is drawn, what opens, what a search finds."""

import html
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from helpers.browser import CHROMIUM
from torch import Tensor, nn

from cutaway.models import build, find
from cutaway.see.graph import Graph, graph
from cutaway.show.look.drawing import Box, Drawing
from cutaway.show.look.graph import GraphView, scaled, view
from cutaway.show.render import render

PAGE = """<!doctype html><html lang="en"><style>{% include "style.css" %}
{% include "look/graph.css" %}</style><main>{% include "look/graph.html" %}</main></html>"""
# A window cannot be made as narrow as a phone, but a frame in it can.
PHONE = """<!doctype html><iframe id="frame" style="width:390px;height:800px;border:0"
srcdoc="{page}"></iframe><script>onload = () => {{
  const page = document.getElementById("frame").contentDocument;
  const seek = page.querySelector("input[type=search]");
  seek.value = "shortcut";
  seek.dispatchEvent(new Event("input"));
  for (const one of page.querySelectorAll(".pass")) one.open = true;
  const heads = [...page.querySelectorAll(".modules button")];
  heads.find(one => one.textContent == "Parameters").click();
  const root = page.documentElement, hits = [...page.querySelectorAll(".hit")];
  const seen = hits.every(hit => hit.checkVisibility());
  const first = page.querySelector(".modules tbody tr").cells[5].textContent;
  document.body.append(`width ${{root.scrollWidth}} of ${{root.clientWidth}}; `
    + `${{page.querySelector("output").textContent}}, seen ${{seen}}; most ${{first}}.`);
}}</script>"""


def measured(name: str) -> Graph:
    torch.manual_seed(0)
    channels, classes, size = find(name).example
    assert isinstance(size, int)
    return graph(build(name, channels, classes, size), torch.rand(1, channels, size, size), times=3)


@pytest.fixture(scope="module")
def resnet() -> Graph:
    return measured("resnet20")


def page(shown: GraphView, folder: Path) -> str:
    (folder / "page.html").write_text(PAGE)
    return render("page.html", {"graph": shown}, folder)


def boxes(drawing: Drawing) -> Iterator[Box]:
    for box in drawing.boxes:
        yield box
        if box.inner:
            yield from boxes(box.inner)


def opened(drawing: Drawing, name: str) -> Drawing:
    inner = next(box.inner for box in drawing.boxes if box.name == name)
    assert inner
    return inner


def test_modules_open_into_their_modules(resnet: Graph):
    shown = view(resnet)
    whole = [box.name for box in shown.modules.boxes]
    assert whole == ["in", "stem", "stages", "mean", "flatten", "output", "out"]
    block = opened(opened(opened(shown.modules, "stages"), "1"), "0")
    assert [b.name for b in block.boxes] == ["in", "F", "shortcut", "add", "tau", "out"]
    assert [b.shape for b in block.boxes][:2] == ["16×32×32", "32×16×16"]
    areas = {b.name: b.area for b in block.boxes}
    assert (areas["F"], areas["shortcut"]) == ("3/1/4/3", "3/3/4/5")  # side by side


def planted(graph: Graph, name: str, share: float) -> Graph:
    """The graph as if this module took such a share of the time of the forward pass."""
    times = {graph.calls[0].name: 1.0, name: share}
    calls = (
        replace(one, forward=replace(one.forward, ms=times.get(one.name, one.forward.ms)))
        for one in graph.calls
    )
    return replace(graph, calls=tuple(calls))


@pytest.mark.parametrize(("share", "is_open"), [(0.9, True), (0.3, False)])
def test_a_module_that_takes_most_of_the_time_is_open_at_first(
    resnet: Graph, share: float, is_open: bool
) -> None:
    shown = view(planted(resnet, "stages", share))
    assert next(box for box in shown.modules.boxes if box.name == "stages").open == is_open


def test_the_way_back_stands_on_its_head(resnet: Graph):
    back = view(resnet).back
    assert back
    names = [box.name for box in back.boxes]
    assert names == ["gradient in", "output", "flatten", "mean", "stages", "stem"]


def test_every_operation_of_both_passes_is_in_a_column(resnet: Graph):
    shown = view(resnet)
    assert shown.operations
    assert shown.nodes
    assert len(shown.operations.boxes) == 1 + len(resnet.forward.operations)
    assert len(shown.nodes.boxes) == 1 + len(resnet.backward.operations)
    box = next(b for b in shown.nodes.boxes if b.name == "ConvolutionBackward0")
    assert "of convolution" in box.figures
    assert shown.operations.strips  # the skips


def test_shares_and_rows_sum_to_the_whole(resnet: Graph):
    shown, whole = view(resnet), resnet.calls[0]
    assert sum(b.share for b in shown.modules.boxes) == pytest.approx(1)
    assert sum(row.share for row in shown.rows) == pytest.approx(1)
    assert sum(row.parameters for row in shown.rows) == whole.parameters
    assert sum(row.flops for row in shown.rows) == whole.forward.flops + whole.backward.flops
    assert [r.share for r in shown.rows] == sorted((r.share for r in shown.rows), reverse=True)


def test_ids_are_there_once_and_rows_point_to_them(resnet: Graph, tmp_path: Path):
    shown = view(resnet)
    drawings = (shown.modules, shown.back, shown.operations, shown.nodes)
    ids = [box.id for d in drawings if d for box in boxes(d) if box.id]
    assert len(set(ids)) == len(ids)
    linked = re.findall(r'href="#(graph-[^"]*)"', page(shown, tmp_path))
    assert linked
    assert set(linked) <= set(ids)


def test_a_skip_runs_in_a_lane_past_the_rows_between(tmp_path: Path):
    class Skip(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Tanh(), nn.Tanh()

        def forward(self, x: Tensor) -> Tensor:
            return self.b(self.a(x)) + x

    shown = view(graph(Skip(), torch.rand(1, 2), times=1))
    (strip,) = shown.modules.strips
    assert strip.area == "3/3/6/4"  # from a to b
    text = page(shown, tmp_path)
    assert "It has no trainable parameters" in text
    assert text.count('class="skip"') == 4  # away and back, in each of two drawings


def test_names_are_escaped(tmp_path: Path):
    net = nn.Sequential()
    net.add_module("<script>alert(1)</script>", nn.Linear(2, 2))
    assert "<script>alert" not in page(view(graph(net, torch.rand(1, 2), times=1)), tmp_path)


def test_numbers_are_scaled():
    assert [scaled(v, "B").replace("\N{NO-BREAK SPACE}", " ") for v in (12, 999.7, 8.18e9)] == [
        "12 B",
        "1 kB",
        "8.18 GB",
    ]


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium or Chrome on this computer")
def test_on_a_phone_it_is_searched_and_sorted(resnet: Graph, tmp_path: Path):
    frame = tmp_path / "frame.html"
    frame.write_text(PHONE.format(page=html.escape(page(view(resnet), tmp_path))))
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars "
        "--disable-background-networking --disable-component-update --disable-sync "
        "--virtual-time-budget=5000 --dump-dom"
    )
    command = [str(CHROMIUM), *flags.split(), f"--user-data-dir={tmp_path / 'p'}", frame.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    match = re.search(
        r"width (\d+) of (\d+); (\d+) matches, seen (\w+); most ([\d,]+)\.<", done.stdout
    )
    assert match, "the page did not load"
    width, room, matches, seen, most = match.groups()
    assert int(width) <= int(room)
    assert int(matches) >= 9  # one shortcut for each block
    assert seen == "true"
    assert most == "36,864"  # 3 x 3 x 64 x 64
