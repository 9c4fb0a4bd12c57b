"""The page of `cutaway look`: the views that were asked for, one below the other."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from importlib.resources import files
from typing import Any

import torch

from cutaway.errors import UsageError, nearest
from cutaway.figures import Figure, Images
from cutaway.lab.evidence import Table
from cutaway.models import count
from cutaway.see.probe import resting
from cutaway.show.look.specimen import Specimen
from cutaway.show.look.view import Maker, View, reason
from cutaway.show.pages.base import Section
from cutaway.show.render import render
from cutaway.version import __version__

VIEWS = {
    "graph": "Graph",
    "filters": "Filters",
    "features": "Features",
    "why": "Why",
    "ablate": "Ablation",
    "landscape": "Landscape",
    "break": "Robustness",
    "numbers": "Numbers",
}
"""Names of the views, in the order of the page, with their links."""
MODULES = {"break": "attacks"}
"""Names of modules that are not the view's."""


NARROW = 3
"""Columns of pictures up to which two galleries stand side by side."""


@dataclass(frozen=True)
class Item:
    """A figure or a table; `wide` where nothing stands beside it."""

    content: Figure | Table
    wide: bool = False

    @property
    def drawn(self) -> bool:
        return not isinstance(self.content, Table)


@dataclass(frozen=True)
class Shown:
    """A view on the page; `graph` is what the graph's own template takes."""

    name: str
    title: str
    paragraphs: tuple[str, ...]
    items: tuple[Item, ...] = ()
    graph: Any = None


def chosen(what: Sequence[str]) -> list[str]:
    """The views that are asked for, in the page's order; all without any.

    Raises:
        UsageError: there is none of that name.
    """
    for name in what:
        if name not in VIEWS:
            raise UsageError(f"There is no view '{name}'.{nearest(name, VIEWS)}")
    return [name for name in VIEWS if name in what or not what]


def view(specimen: Specimen, name: str) -> View:
    """One view as plain data.

    Raises:
        UsageError: no such view, or no such layer.
        CannotShow: this network has nothing to show in it.
    """
    (name,) = chosen([name])
    maker: Maker = import_module(f"cutaway.show.look.{MODULES.get(name, name)}").view
    with preserving_state(specimen):
        return maker(specimen)


@contextmanager
def preserving_state(specimen: Specimen) -> Iterator[None]:
    """Put the network at rest with gradients; restore its mode and the random state afterwards."""
    device = specimen.shown.x.device
    devices = [] if device.type == "cpu" else [device]
    with (
        torch.random.fork_rng(devices, device_type=device.type if devices else "cuda"),
        torch.enable_grad(),
        resting(specimen.model),
    ):
        yield


def page(
    specimen: Specimen,
    what: Sequence[str] = (),
    on_begin: Callable[[str], None] = lambda name: None,
) -> str:
    """One self-contained file of HTML.

    Args:
        what: names of views; all without any.
        on_begin: called with the name of each view before it is made.
    """
    shown = []
    for name in chosen(what):
        on_begin(name)
        shown.append(_section(specimen, name))
    return render(
        "look/page.html",
        {
            "specimen": specimen,
            "parameters": count(specimen.model, held=True),
            "shown": shown,
            "sections": [Section(one.name, VIEWS[one.name]) for one in shown],
            "script": _digest(),
            "version": __version__,
        },
    )


def _digest() -> str:
    """The SHA-256 of the one script that the page may run."""
    text = (files("cutaway.show") / "templates" / "look" / "graph.js").read_text().rstrip("\n")
    return b64encode(sha256(text.encode()).digest()).decode()


def _section(specimen: Specimen, name: str) -> Shown:
    try:
        if name == "graph":
            return _graph(specimen)
        content = view(specimen, name)
    except Exception as error:  # whatever a network does: it costs this view, not the page
        return Shown(name, VIEWS[name], (f"Nothing to show here. {reason(error)}",))
    return Shown(name, content.title, content.paragraphs, tuple(map(_item, content.items)))


def _graph(specimen: Specimen) -> Shown:
    from cutaway.see.graph import graph
    from cutaway.show.look.graph import view as drawn

    return Shown("graph", "The graph", (), graph=drawn(graph(specimen.model, specimen.shown.x[:1])))


def _item(one: Figure | Table) -> Item:
    return Item(one, isinstance(one, Images) and one.columns > NARROW)
