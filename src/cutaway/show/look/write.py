"""`cutaway.look`: write the page of a run, a model or any module."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from cutaway.errors import UsageError
from cutaway.files import write_whole
from cutaway.learn.run import Run
from cutaway.show.look.page import VIEWS, chosen, page
from cutaway.show.look.prepare import of_model, of_module, of_run
from cutaway.show.look.specimen import Specimen


def look(
    at: str | Path | Run | nn.Module,
    x: Any = None,
    t: Any = None,
    *,
    what: Sequence[str] = (),
    image: str | Path | None = None,
    layer: str = "",
    on: str = "",
    classes: Sequence[str] = (),
    out: str | Path = "",
    progress: bool = False,
) -> Path:
    """Write a page about the inside of a network: its graph, features, answers and weaknesses.

        look("runs/lenet5-mnist-1", image="seven.png", what=["why", "break"])
        look(my_module, x, t, layer="layer4")

    Args:
        at: a run or its directory, the name of a model (new, with made-up images), or any module.
        x, t: for a module, examples as it takes them (a tensor or array; a tuple of them for
            several inputs, a mapping for inputs by name), and their classes if it tells any apart.
        what: names of views; all without any.
        image: a picture that is looked with first; of a run.
        layer: the one to look at; those that suit each view where none is named.
        on: the part of a run that is measured on; by default validation. A look at the test set
            is logged.
        classes: names of the classes of a module.
        out: the page; by default `look.html` in the run, or `NAME.html` here. Of some of the
            views `look-why.html` and `NAME-why.html`, so that a page of all is not lost.
        progress: print each view's name when it is begun.

    Raises:
        CutawayError: with a sentence that says what is wrong and what to do.
    """
    what = chosen([what] if isinstance(what, str) else what)
    picture = None if image is None else Path(image)
    in_run = False
    if isinstance(at, nn.Module):
        specimen = of_module(at, x, t, classes=classes, layer=layer)
    elif isinstance(at, Run) or (Path(at) / "recipe.toml").is_file():
        in_run = True
        specimen = of_run(at if isinstance(at, Run) else Run(at), picture, layer, on)
    else:
        if image is not None or on:
            raise UsageError(f"There is no run at {at}: --image and --on look at a trained run.")
        specimen = of_model(str(at), layer)
    path = Path(out) if out else _default_path(specimen, what, in_run)
    write_whole(path, page(specimen, what, _print_name if progress else _print_nothing))
    return path


def _default_path(specimen: Specimen, what: Sequence[str], in_run: bool) -> Path:
    """The page's path: beside one of all views, not over it, where it has only some."""
    some = "".join(f"-{name}" for name in what) if len(what) < len(VIEWS) else ""
    home = Path(specimen.name)
    return home / f"look{some}.html" if in_run else Path(f"{home.name}{some}.html")


def _print_name(name: str) -> None:
    print(f"{VIEWS[name]} ...", file=sys.stderr, flush=True)


def _print_nothing(name: str) -> None:
    """For where no progress is wanted."""
