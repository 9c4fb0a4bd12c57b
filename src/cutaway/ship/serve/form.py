"""The files of a multipart form that has arrived whole."""

from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

FIELD = b"images"
ONLY = "Send one or more files in the field 'images', and no other."


class Malformed(Exception):
    """The bytes are no form; its text is half a sentence."""


class Unwanted(Exception):
    """A form that holds something else than what is asked for; its text is a sentence."""


@dataclass
class _Files:
    """What the parser tells, part by part."""

    most: int
    found: list[bytearray] = field(default_factory=list)
    whole: bool = False
    _name: bytes = b""
    _value: bytes = b""
    _disposition: bytes = b""

    def part_begin(self) -> None:
        self._name = self._value = self._disposition = b""

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        if options.get(b"name") != FIELD or b"filename" not in options:
            raise Unwanted(ONLY)
        if len(self.found) == self.most:
            raise Unwanted(f"There are too many images: {self.most} are accepted in one request.")
        self.found.append(bytearray())

    def part_data(self, data: bytes, start: int, end: int) -> None:
        self.found[-1] += data[start:end]

    def end(self) -> None:
        self.whole = True


def files_in(content_type: str, body: bytes, most: int) -> list[bytes]:
    """The contents of the files in the field `images`.

    Raises:
        Malformed: it is no form, or breaks off.
        Unwanted: it has other fields, no files or more than `most`.
    """
    _, options = parse_options_header(content_type)
    if not options.get(b"boundary"):
        raise Malformed("its content type names no boundary")
    files = _Files(most)
    callbacks: Any = {
        "on_part_begin": files.part_begin, "on_part_data": files.part_data,
        "on_header_field": files.header_field, "on_header_value": files.header_value,
        "on_header_end": files.header_end, "on_headers_finished": files.headers_finished,
        "on_end": files.end,
    }  # fmt: skip
    try:
        MultipartParser(options[b"boundary"], callbacks).write(body)
    except FormParserError:
        raise Malformed("it is not written as one") from None
    if not files.whole:
        raise Malformed("it breaks off")
    if not files.found:
        raise Unwanted(ONLY)
    return [bytes(one) for one in files.found]
