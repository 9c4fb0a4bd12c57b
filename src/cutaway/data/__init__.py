"""Data: sources, packed image sets, audit, split, augmentation, batches."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cutaway.data.catalog import SOURCES as SOURCES
    from cutaway.data.imageset import ImageSet as ImageSet
    from cutaway.data.sources import load as load

# Found when they are asked for: the list of sources must not wait for torch.
_HOMES = {"load": "sources", "ImageSet": "imageset", "SOURCES": "catalog"}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
