"""Parser for the files of a multipart form that has arrived completely."""

from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

FIELD = b"images"
EXPECTED = "Send one or more files in the field 'images', and no other."


class MalformedForm(Exception):
    """The bytes are no form; the message is half a sentence."""


class UnexpectedField(Exception):
    """The form holds other fields, no files or too many; the message is a sentence."""


@dataclass
class _Files:
    """Callbacks of the parser, which collect the files."""

    max_files: int
    contents: list[bytearray] = field(default_factory=list)
    complete: bool = False
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
            raise UnexpectedField(EXPECTED)
        if len(self.contents) == self.max_files:
            raise UnexpectedField(
                f"There are too many images: {self.max_files} are accepted in one request."
            )
        self.contents.append(bytearray())

    def part_data(self, data: bytes, start: int, end: int) -> None:
        self.contents[-1] += data[start:end]

    def end(self) -> None:
        self.complete = True


def files_in(content_type: str, body: bytes, max_files: int) -> list[bytes]:
    """The contents of the files in the field `images`.

    Raises:
        MalformedForm: it is no form, or breaks off.
        UnexpectedField: it has other fields, no files or more than `max_files`.
    """
    _, options = parse_options_header(content_type)
    if not options.get(b"boundary"):
        raise MalformedForm("its content type names no boundary")
    files = _Files(max_files)
    callbacks: Any = {
        "on_part_begin": files.part_begin, "on_part_data": files.part_data,
        "on_header_field": files.header_field, "on_header_value": files.header_value,
        "on_header_end": files.header_end, "on_headers_finished": files.headers_finished,
        "on_end": files.end,
    }  # fmt: skip
    try:
        MultipartParser(options[b"boundary"], callbacks).write(body)
    except FormParserError:
        raise MalformedForm("it is not written as one") from None
    if not files.complete:
        raise MalformedForm("it breaks off")
    if not files.contents:
        raise UnexpectedField(EXPECTED)
    return [bytes(one) for one in files.contents]
