"""The option of several views: which image is looked at."""

from cutaway.data.target import Classes
from cutaway.studio.scene import Scene
from cutaway.studio.views.base import Option

OWN = -1


def image_option(scene: Scene) -> Option:
    """The chosen images, and one's own where it was given."""
    choices = [(k, name) for k, name in enumerate(names_of(scene))]
    own = [] if scene.own is None else [(OWN, "your own")]
    return Option("Image", [*own, *choices], OWN if own else 0)


def names_of(scene: Scene) -> list[str]:
    """What the chosen images are called: by their class, where they have one."""
    target = scene.images.target
    count = len(scene.batch.x)
    if not isinstance(target, Classes):
        return [f"image {k + 1}" for k in range(count)]
    classes = scene.images.truth[scene.batch.index.cpu()].tolist()
    return [f"{k + 1}: {target.names[int(t)]}" for k, t in enumerate(classes)]
