"""Cutaway: deep learning with the casing cut away.

    import cutaway as ca
    run = ca.fit("lenet5", "mnist")

Nothing heavy is imported before it is used.
"""

import os
from typing import TYPE_CHECKING, Any

from cutaway.version import __version__ as __version__

# OpenMP's threads wait for each other by spinning, by default for long. Beside another
# busy process a step then waits for the scheduler, and training takes four times as long as with
# a short spin, which costs nothing on a quiet machine (bench/README.md). Read when torch loads.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

if TYPE_CHECKING:
    from cutaway.api import export as export
    from cutaway.api import fit as fit
    from cutaway.api import load as load
    from cutaway.api import report as report
    from cutaway.api import resume as resume
    from cutaway.api import search as search
    from cutaway.data.augment import per_batch as per_batch
    from cutaway.data.endless import Stream as Stream
    from cutaway.data.imageset import ImageSet as ImageSet
    from cutaway.errors import CutawayError as CutawayError
    from cutaway.learn.callbacks import Callback as Callback
    from cutaway.learn.prometheus import Prometheus as Prometheus
    from cutaway.learn.recipe import Recipe as Recipe
    from cutaway.learn.run import Run as Run
    from cutaway.learn.snapshots import Snapshots as Snapshots
    from cutaway.see.watch import watch as watch
    from cutaway.ship.hub import from_pretrained as from_pretrained
    from cutaway.ship.hub import push_to_hub as push_to_hub
    from cutaway.show.look.write import look as look

HOMES = {
    "export": "cutaway.api",
    "from_pretrained": "cutaway.ship.hub",
    "push_to_hub": "cutaway.ship.hub",
    "fit": "cutaway.api",
    "resume": "cutaway.api",
    "search": "cutaway.api",
    "load": "cutaway.api",
    "look": "cutaway.show.look.write",
    "report": "cutaway.api",
    "watch": "cutaway.see.watch",
    "per_batch": "cutaway.data.augment",
    "Callback": "cutaway.learn.callbacks",
    "ImageSet": "cutaway.data.imageset",
    "CutawayError": "cutaway.errors",
    "Prometheus": "cutaway.learn.prometheus",
    "Recipe": "cutaway.learn.recipe",
    "Stream": "cutaway.data.endless",
    "Run": "cutaway.learn.run",
    "Snapshots": "cutaway.learn.snapshots",
}
__all__ = [
    "Callback", "CutawayError", "ImageSet", "Prometheus", "Recipe", "Run", "Snapshots", "Stream",
    "export", "fit", "from_pretrained", "load", "look", "per_batch", "push_to_hub", "report",
    "resume", "search", "watch",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module 'cutaway' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
