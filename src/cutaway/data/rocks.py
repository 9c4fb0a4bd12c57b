"""NASA's photographs of Apollo samples, with the stone that each shows.

Photographs of one stone must not be parted: the network would be asked about a stone that it has
seen. Consecutive numbers are no safe sign of one stone (S69-47327 shows sample 10045, S69-47328
sample 10044), nor distant ones of two (15415 was photographed on five films). So the sample
numbers were read off the plates and labels in the photographs themselves.
"""

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

from cutaway.data.catalog import SOURCES
from cutaway.data.files import folder_samples
from cutaway.data.frame import Size
from cutaway.data.imageset import ImageSet
from cutaway.data.pack import Progress, pack
from cutaway.errors import DataError

CLASSES = ("Basalt", "Highland")
LARGEST = 100 << 20  # bytes of one photograph; the originals take a few million
# Sample number: film and numbers of the photographs that show it.
STONES = {
    # S69-45564 to 45583 carry no plate; they continue the series of 10044 on the same film.
    "10044": ("69-45539..45583", "69-47328..47331", "75-31692", "76-25541..25543"),
    "10045": ("69-46486", "69-47324..47327"),
    "12038": (
        *("69-61538..61556", "69-62704..62710", "69-63819..63822", "70-22429..22439"),
        *("75-34264..34266", "75-34393..34403", "87-48185..48186"),
    ),
    "12047": ("69-62712..62713",),
    "14074": ("78-29339..29340",),
    "14078": ("78-29335..29338",),
    "14079": ("78-30238",),
    # S72-16474 and S72-18164 to 18192 carry no number, but were taken before Apollo 16 came back
    # (film S72-36000 and later): the only anorthosite among these stones was then 15415.
    "15415": (
        *("71-42953..42956", "71-44977..44993", "71-45172..45176", "72-16474"),
        *("72-18164..18192", "75-31801..31804", "75-32652..32659"),
    ),
    "60619": ("72-43473..43478", "72-46804", "73-20460..20488", "94-39052"),
    # S72-49955 carries no number, but the scale of the chip 62236,05 on S72-52529.
    "62236": ("72-38950..38955", "72-41777..41792", "72-48432", "72-49955", "72-52529"),
}
SERIES = 30  # unlisted photographs of one film this close in number are taken for one stone


def rocks(folder: Path, image_size: Size, progress: Progress | None) -> ImageSet:
    """The photographs in `folder/Basalt` and `folder/Highland`, grouped by stone."""
    samples, classes, findings = folder_samples(folder)
    if tuple(classes) != CLASSES:
        raise DataError(
            f"{folder} should hold the folders Basalt and Highland. Remove it, or mend."
        )
    groups = stones([sample.name for sample in samples])
    samples = [s._replace(group=group) for s, group in zip(samples, groups, strict=True)]
    return pack(
        samples,
        classes,
        image_size=image_size,
        name="rocks",
        licence=SOURCES["rocks"].licence,
        findings=findings,
        progress=progress,
    )


def unpack(archive: Path, folder: Path) -> None:
    """Take the photographs out of GitHub's archive, check them, and delete the archive.

    GitHub gives no checksum for it, so the content is checked instead: two classes, at least
    100 photographs, each a JPEG by its first bytes. Raises DataError where it is something else.
    """
    try:
        with ZipFile(archive) as file:
            photos = dict(_photographs(file))
            if len(photos) < 100 or {place.split("/")[0] for place in photos} != set(CLASSES):
                raise DataError(
                    f"The downloaded rocks hold {len(photos)} photographs; 155 were expected."
                )
            for place, info in photos.items():
                (folder / place).parent.mkdir(exist_ok=True)
                (folder / place).write_bytes(file.read(info))
    except (BadZipFile, zlib.error) as error:
        raise DataError(
            f"The downloaded rocks are not a valid archive ({error}). Try again."
        ) from None
    finally:
        archive.unlink()


def _photographs(file: ZipFile) -> Iterator[tuple[str, ZipInfo]]:
    """`Basalt/name.jpg` and where it is; only names without any folder of their own are taken."""
    for info in file.infolist():
        match = re.search(r"/data/(Basalt|Highland)/([^/\\]+\.jpe?g)$", info.filename, re.I)
        if match and info.file_size <= LARGEST:
            with file.open(info) as photo:
                if photo.read(3) != b"\xff\xd8\xff":
                    raise DataError(f"{match[2]} in the downloaded rocks is not a photograph.")
            yield f"{match[1].capitalize()}/{match[2]}", info


def stones(names: list[str]) -> list[str]:
    """The stone that each photograph shows, by the NASA number in its name.

    A photograph that is not listed gets the name of its series: numbers of one class and film, each
    at most 30 after the one before.
    """
    photos = [_photo(name) for name in names]
    series: dict[tuple[str, int, int], str] = {}
    last, start = ("", 0, 0), 0
    for photo in sorted(photos):
        if photo[:2] != last[:2] or photo[2] - last[2] > SERIES:
            start = photo[2]
        series[photo] = f"{photo[0]} S{photo[1]}-{start}"
        last = photo
    return [_listed(film, number) or series[kind, film, number] for kind, film, number in photos]


def _photo(name: str) -> tuple[str, int, int]:
    """Class, film and number in `Basalt/Basalt_Feldspathic_s75-34264.jpg`; else zeros."""
    match = re.search(r"[sS](\d\d)-(\d{4,6})", name)
    film, number = (int(match[1]), int(match[2])) if match else (0, 0)
    return name.split("/")[0], film, number


def _listed(film: int, number: int) -> str:
    for stone, ranges in STONES.items():
        for text in ranges:
            roll, _, numbers = text.partition("-")
            first, _, end = numbers.partition("..")
            if film == int(roll) and int(first) <= number <= int(end or first):
                return stone
    return ""
