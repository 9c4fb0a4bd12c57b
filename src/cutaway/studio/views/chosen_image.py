"""The option of several views: which image is looked at."""

from cutaway.studio.scene import Scene
from cutaway.studio.views.base import Option

OWN = -1


def image_option(scene: Scene) -> Option:
    """The chosen images, and one's own where it was given."""
    choices = [(k, name) for k, name in enumerate(scene.names)]
    own = [] if scene.own is None else [(OWN, "your own")]
    return Option("Image", [*own, *choices], OWN if own else 0)
