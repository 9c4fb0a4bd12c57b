"""The views of the studio, a file each: what they need of a scene, and the figures they make."""

from collections.abc import Mapping
from typing import Any

from cutaway.studio.scene import Scene
from cutaway.studio.views.answer import Answer
from cutaway.studio.views.base import Chosen, Option, View
from cutaway.studio.views.codes import Codes
from cutaway.studio.views.confusion import Confusion
from cutaway.studio.views.curves import Curve
from cutaway.studio.views.derivatives import Derivatives
from cutaway.studio.views.fan import Fan
from cutaway.studio.views.filters import Filters
from cutaway.studio.views.health import Health
from cutaway.studio.views.maps import Maps
from cutaway.studio.views.mistakes import Mistakes
from cutaway.studio.views.pictures import Pictures
from cutaway.studio.views.plane import Regions

ALL: tuple[type[View], ...] = (
    Fan, Curve, Regions, Pictures, Derivatives, Answer, Maps, Filters, Confusion, Mistakes, Codes,
    Health,
)  # fmt: skip


def views_of(scene: Scene) -> dict[str, View]:
    """The views that this scene has, in the order in which they stand."""
    return {
        kind.name: kind() for kind in ALL
        if (scene.known or not kind.needs_weights) and kind.fits(scene)
    }  # fmt: skip


def described(views: Mapping[str, View], scene: Scene) -> list[dict[str, Any]]:
    """What the page needs to know of each."""
    return [view.described(scene) for view in views.values()]


__all__ = ["ALL", "Chosen", "Option", "View", "described", "views_of"]
