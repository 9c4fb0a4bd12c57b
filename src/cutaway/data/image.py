"""Convert one image in memory: a picture of PIL, an array, a tensor, or a file's content."""

from os import PathLike
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image

from cutaway.data.frame import Frame, Levels, Size
from cutaway.data.imageset import Finding
from cutaway.data.levels import extent, scaling_note, to_bytes
from cutaway.data.picture import Unreadable, as_shown, is_deep, is_grey, read, silenced, values
from cutaway.errors import DataError

Pixels = UInt8[np.ndarray, "h w c"]


def is_array(value: Any, axes: int = 1) -> bool:
    """Whether something is an array or tensor of at least `axes` axes (an object has no shape)."""
    known = isinstance(value, np.ndarray | torch.Tensor) and value.ndim >= axes
    return bool(known and getattr(value.dtype, "kind", "") != "O")


def as_numpy(value: Any) -> np.ndarray:
    """A tensor (of any device), an array or a list as an array."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.float() if value.dtype is torch.bfloat16 else value
        return value.numpy()
    return np.asarray(value)


def pixels_of(image: Any, side: Size, levels: Levels | None = None) -> Pixels:
    """An image of PIL, NumPy or torch, or a file's path or content, as bytes h w c.

    It is cut to a square where `side` is given. Raises DataError, or Unreadable for a file.

    Args:
        levels: what stands for 0 and 255 in values of more than 8 bits; else that of a frame.
    """
    levels = levels or (side.levels if isinstance(side, Frame) else None)
    if isinstance(image, dict) and image.keys() & {"bytes", "path"}:
        image = encoded_in(image)
    if isinstance(image, str | bytes | PathLike):
        return _decoded(image if isinstance(image, bytes) else str(image), side, levels)
    if not isinstance(image, Image.Image):
        if not is_array(image, 2):
            raise DataError(
                f"An image of PIL, an array or a tensor is expected, not {image!r:.60}."
            )
        array = as_numpy(image)
        array = channels_last(array, isinstance(image, torch.Tensor)) if array.ndim == 3 else array
        if array.ndim > 3:
            raise DataError(f"An image has the shape h w, h w c or c h w, not {array.shape}.")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise Unreadable("not-finite", "Holds values that are not numbers (NaN or infinity).")
        array = as_bytes(array, levels)
        if side is None:
            return array[..., None] if array.ndim == 2 else array
        image = Image.fromarray(array.squeeze(-1) if array.shape[-1] == 1 else array)
    converted = as_shown(image, _frame(side, 1 if is_grey(image) else 3, levels), [])
    array = np.array(converted)
    return array[..., None] if array.ndim == 2 else array


def encoded_in(cell: dict[str, Any]) -> str | bytes:
    """The content or the path of a picture file, as Hugging Face writes them."""
    return cell.get("bytes") or cell.get("path") or b""


def _decoded(source: str | bytes, side: Size, levels: Levels | None) -> Pixels:
    with silenced():
        frame = _frame(side, 3, levels)
        picture = read(source, frame)
    shape = (picture.height, picture.width, frame.channels)
    pixels = np.frombuffer(picture.pixels, np.uint8).reshape(shape)
    return pixels[..., :1] if picture.grey and not isinstance(side, Frame) else pixels


def _frame(side: Size, channels: int, levels: Levels | None) -> Frame:
    """A square of this side, or what is asked for."""
    if isinstance(side, Frame):
        return side._replace(levels=levels)
    return Frame(channels, (side, side) if side else None, levels=levels)


def channels_last(images: np.ndarray, torch_like: bool) -> np.ndarray:
    """Move channels last: where both ends could be channels, a tensor has them first and an array
    last."""
    first, last = images.shape[-3] in (1, 3), images.shape[-1] in (1, 3)
    if not (first or last):
        raise DataError(f"Images have 1 or 3 channels; the shape {images.shape} has neither.")
    return np.moveaxis(images, -3, -1) if first and (torch_like or not last) else images


def as_bytes(images: np.ndarray, levels: Levels | None = None) -> np.ndarray:
    """Numbers as grey levels 0..255: floats are fractions, integers are levels already.

    Args:
        levels: what stands for 0 and 255 in integers of more than 8 bits.
    """
    if images.dtype == np.uint8 or not images.size:
        return images.astype(np.uint8, copy=False)
    if images.dtype == bool:
        return images.astype(np.uint8) * 255
    if levels and images.dtype.kind in "iu":
        return to_bytes(images, levels)
    if images.dtype.kind not in "fiu":
        raise DataError(f"Images hold {images.dtype} values, which are not numbers.")
    low, high = images.min(), images.max()
    top, kind = (1, "Floats") if images.dtype.kind == "f" else (255, "Integers")
    if not (low >= 0 and high <= top):
        raise DataError(
            f"Images hold {images.dtype} values from {low} to {high}. {kind} must lie in 0..{top}: "
            f"{_advice(images.dtype.kind, float(low), float(high))}"
        )
    return np.rint(images * (255 / top)).astype(np.uint8)


def _advice(kind: str, low: float, high: float) -> str:
    if low < 0 or not np.isfinite(low + high):
        return "leave out any normalisation, or convert to uint8."
    if high <= 255:
        return f"divide them by the value of white (255, or {high:g} here), or convert to uint8."
    return f"divide them by the value of white ({_type_limit(high)}?), which makes floats in 0..1."


def _type_limit(high: float) -> int:
    """The largest value of the smallest bit depth that holds `high`."""
    return next((top for bits in (10, 12, 16) if high <= (top := 2**bits - 1)), int(high))


def deep_values(image: Any, in_set: bool = False) -> Levels | None:
    """The minimum and the maximum of an image of more than 8 bits; None of any other.

    Raises Unreadable.

    Args:
        image: of PIL, an array of whole numbers, or a file's path or content.
        in_set: whether it is one of a set with images of more than 8 bits, and so may be
            dark and not of 8.
    """
    if isinstance(image, dict):
        image = encoded_in(image)
    if isinstance(image, str | bytes | PathLike):
        return values(image if isinstance(image, bytes) else str(image))
    if isinstance(image, Image.Image):
        return extent(np.asarray(image)) if is_deep(image) else None
    array = as_numpy(image) if is_array(image) else np.empty(0)
    whole = array.dtype.kind in "iu" and array.dtype.itemsize > 1 and array.size
    return extent(array) if whole and array.min() >= 0 and (in_set or array.max() > 255) else None


def deep_finding(levels: Levels | None, count: int) -> list[Finding]:
    """The finding that values of more than 8 bits were scaled, and how."""
    if not levels:
        return []
    return [Finding("16-bit", (), f"Pictures {scaling_note(levels)} ({count}).")]
