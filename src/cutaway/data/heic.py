"""HEIC photographs of phones, by an optional package."""

from cutaway.data.unreadable import Unreadable

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
ENDINGS = (".heic", ".heif")
NAME = "HEIF"  # as Pillow calls it
MISSING = "It is a HEIC photograph, which needs a package more: pip install 'cutaway[heic]'."


def heic(content: bytes) -> list[str]:
    """Register the HEIC plugin if a file is of this format, and return Pillow's name of it.

    Raises:
        Unreadable: the package is not there.
    """
    if content[4:8] != b"ftyp" or content[8:12] not in BRANDS or b"avif" in content[16:64]:
        return []  # an AVIF file may call itself mif1 too, and Pillow reads it
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise Unreadable("heic", MISSING) from None
    register_heif_opener()
    return [NAME]
