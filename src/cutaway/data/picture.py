"""Decode one picture file to plain 8-bit pixels. Pillow only, so that a decoding worker starts
fast.

The pixels that come out are those a viewer would show: turned as EXIF says, over white where they
are transparent, the first frame of an animation. More than 8 bits are scaled to 8 (`levels`), and
what is to have another size is brought to it as `frame` says.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from cutaway.data.frame import Frame, Levels, framed
from cutaway.data.heic import heic
from cutaway.data.unreadable import Unreadable

# Decoded, a picture of this many pixels takes 0.4 GB. Pillow's own limit is global to the process,
# so it is neither used nor changed; it lies higher, and where it acts its error is ours too.
LIMIT = 2**27

# What Pillow may open. Left out: formats that start another program (EPS) and those of no camera.
# fmt: off
FORMATS = ["PNG", "JPEG", "GIF", "BMP", "PPM", "WEBP", "TIFF", "AVIF", "JPEG2000", "ICO",
           "TGA", "PCX", "QOI", "SGI", "DIB", "XBM", "XPM", "ICNS", "DDS"]
# fmt: on
COMMON = FORMATS[:5]  # Pillow knows these without loading all its plugins
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF")
ORIENTATION = 0x0112  # EXIF tag
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Header(NamedTuple):
    """Size in pixels as shown, whether it is grey, and whether its values have more than 8 bits,
    known without decoding."""

    height: int
    width: int
    grey: bool
    deep: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows of `channels` interleaved bytes.

    Attributes:
        grey, deep: whether the file has no colour, and more than 8 bits.
        own: height and width before it was brought to another size.
        notes: what had to be handled.
    """

    pixels: bytes
    height: int
    width: int
    grey: bool
    deep: bool
    own: tuple[int, int]
    notes: tuple[str, ...] = ()


@contextmanager
def silenced() -> Iterator[None]:
    """Silence Pillow's warnings about odd files: what matters is a Finding."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_header(source: str | bytes) -> Header:
    """Size and colour of a picture from its header. Raises `Unreadable`."""
    with _as_unreadable(source), _open(source) as image:
        width, height = image.size
        if _orientation(image) >= 5:
            width, height = height, width
        return Header(height, width, is_grey(image), is_deep(image))


def read(source: str | bytes, frame: Frame, limit: int = LIMIT) -> Picture:
    """Decode a picture file, given as a path or as its content.

    Args:
        frame: what it is brought to.
        limit: pixels that its header may promise.

    Raises:
        Unreadable: it is missing, empty, no picture, truncated, too large, or holds values that no
            levels are known for.
    """
    with _as_unreadable(source), _open(source, limit) as image:
        grey, deep, notes = is_grey(image), is_deep(image), _notes(image)
        image.load()
        whole = as_shown(image, frame._replace(size=None), notes)
        picture, own = framed(whole, frame.size, frame.fit), (whole.height, whole.width)
        content = picture.tobytes()
        return Picture(content, picture.height, picture.width, grey, deep, own, tuple(notes))


def values(source: str | bytes) -> Levels | None:
    """The minimum and the maximum of a picture of more than 8 bits; None of any other."""
    with _as_unreadable(source), _open(source) as image:
        if not is_deep(image):
            return None
        import numpy as np

        from cutaway.data.levels import extent

        return extent(np.asarray(image))
    raise AssertionError  # `_as_unreadable` raises or ends


@contextmanager
def open_picture(source: str | bytes) -> Iterator[Image.Image]:
    """A picture as its file has it, to be decoded inside; errors there become `Unreadable`."""
    with _as_unreadable(source), _open(source) as image:
        yield image


def as_shown(image: Image.Image, frame: Frame, notes: list[str]) -> Image.Image:
    """The image as a viewer shows it, in mode L or RGB; see `read`. Appends to `notes`."""
    image = _upright(image)
    if is_deep(image):
        image = _scaled(image, frame.levels)
    image = _flat(image, "L" if frame.channels == 1 else "RGB", notes)
    return framed(image, frame.size, frame.fit)


def _open(source: str | bytes, limit: int = LIMIT) -> Image.Image:
    if isinstance(source, str):
        if "\0" in source:
            raise Unreadable("missing", "There is no such file: its name holds a null byte.")
        with open(source, "rb") as file:
            source = file.read()
    if not source:
        raise Unreadable("empty", "The file is empty.")
    try:
        image = Image.open(BytesIO(source), formats=COMMON)
    except UnidentifiedImageError:
        Image.init()  # not every build of Pillow has every format
        more = heic(source)
        image = Image.open(BytesIO(source), formats=[f for f in FORMATS if f in Image.OPEN] + more)
    if image.width * image.height > limit:
        raise _too_large(f"{image.width} x {image.height}", limit)
    return image


@contextmanager
def _as_unreadable(source: str | bytes) -> Iterator[None]:
    """Turn whatever a damaged file makes Pillow raise into one `Unreadable`."""
    try:
        yield
    except Unreadable:
        raise
    except FileNotFoundError:
        raise Unreadable("missing", "The file does not exist.") from None
    except IsADirectoryError:
        raise Unreadable("not-an-image", "It is a folder, not a picture.") from None
    except PermissionError:
        raise Unreadable("unreadable", "You may not read this file.") from None
    except UnidentifiedImageError:
        raise _unidentified(source) from None
    except Image.DecompressionBombError:
        raise _too_large("far too many") from None
    except Exception as error:  # damaged files make Pillow's plugins raise nearly anything
        raise _damaged(error) from None


def _too_large(size: str, limit: int = LIMIT) -> Unreadable:
    return Unreadable("bomb", f"It has {size} pixels; {limit:,} are accepted.")


def _unidentified(source: str | bytes) -> Unreadable:
    if isinstance(source, str):
        with open(source, "rb") as file:
            source = file.read(8)
    if source.startswith(SIGNATURES) or source[4:8] == b"ftyp":
        return Unreadable("truncated", "The file breaks off or is damaged within its header.")
    return Unreadable("not-an-image", "The file is not a picture that can be read here.")


def _damaged(error: Exception) -> Unreadable:
    text = str(error).strip().rstrip(".") or type(error).__name__
    cut = ("truncated", "broken", "unrecognized data stream", "unexpected end", "not enough")
    if isinstance(error, EOFError) or any(word in text.lower() for word in cut):
        return Unreadable("truncated", f"The file breaks off or is damaged ({text}).")
    return Unreadable("unreadable", f"The picture cannot be decoded ({text}).")


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none, or none that is readable. TIFF turns
    itself."""
    known = image.info.keys() & {"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}
    if image.format == "TIFF" or not known:
        return 1
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # a damaged EXIF block is no reason to lose the picture
        return 1


def _upright(image: Image.Image) -> Image.Image:
    turn = TURNS.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def is_grey(image: Image.Image) -> bool:
    """Whether an image has no colour, by its mode or palette."""
    if image.mode == "P":
        palette = image.getpalette() or []
        return palette[::3] == palette[1::3] == palette[2::3]
    return image.mode[0] in "1LIF" and image.mode != "LAB"


def is_deep(image: Image.Image) -> bool:
    """Whether an image's values have more than 8 bits."""
    return image.mode[0] in "IF"


def _notes(image: Image.Image) -> list[str]:
    notes = []
    if _orientation(image) != 1:
        notes.append("exif-rotated")
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        notes.append("animated")
    if image.mode == "CMYK":
        notes.append("cmyk")
    elif image.mode == "P" and image.format != "GIF":
        notes.append("palette")
    elif is_deep(image):
        notes.append("16-bit")
    elif _lost_bits(image):
        notes.append("16-bit-colour")
    return notes


def _lost_bits(image: Image.Image) -> bool:
    """Whether the file has 16 bits a colour, of which Pillow reads the upper 8."""
    modes = (tile[3] for tile in getattr(image, "tile", ()))
    return any(";16" in str(mode) for mode in modes)


def _flat(image: Image.Image, mode: str, notes: list[str]) -> Image.Image:
    """In `mode` (L or RGB), over white."""
    if image.mode == mode and "transparency" not in image.info:
        return image
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] != 255:
            notes.append("transparent")
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image)
    if image.mode == "P":
        image = image.convert("RGB")
    return image.convert(mode)


def _scaled(image: Image.Image, levels: Levels | None) -> Image.Image:
    """Values of more than 8 bits as 0 to 255."""
    import numpy as np

    from cutaway.data.levels import extent, levels_text, to_bytes, type_levels

    values = np.asarray(image)
    known = levels or type_levels(values)
    if known is None:
        value_range = extent(values)
        assert value_range is not None
        raise Unreadable(
            "range",
            f"It holds values from {levels_text(value_range)}, and nothing says which of them "
            "is black and which is white: save it with 8 bits.",
        )
    return Image.fromarray(to_bytes(values, known))
