"""Photographs of phones (HEIC), by a package that is fetched where one wants them."""

from cutaway.data.unreadable import Unreadable

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
ENDINGS = (".heic", ".heif")
NAME = "HEIF"  # as Pillow calls it
MISSING = "It is a HEIC photograph, which needs a package more: pip install 'cutaway[heic]'."


def heic(content: bytes) -> list[str]:
    """Pillow's name of the format, made known to it, where a file is of it; nothing else.

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
