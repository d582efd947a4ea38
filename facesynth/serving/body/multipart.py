"""multipart/form-data, taken apart in memory: no part ever lies on a disk."""

from __future__ import annotations

from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from facesynth.serving.problems import Problem

_NAME = 200
"""The longest name of a part."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form: a file where it came with a file name or a media type of its own, else text."""

    name: str
    data: bytes
    is_file: bool


def parts_of(body: bytes, content_type: str, most: int) -> list[Part]:
    """The parts of a form, in order. Raises Problem: bad-request for a damaged one, too-large for more than `most`."""
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise Problem("bad-request", "the form names no boundary", where="Content-Type")
    reader = _Reader(most)
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": reader.begin,
                "on_header_field": reader.header_name,
                "on_header_value": reader.header_value,
                "on_header_end": reader.header_end,
                "on_part_data": reader.data,
                "on_part_end": reader.end,
                "on_end": reader.finish,
            },
        )
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise Problem("bad-request", f"the form is damaged ({error})", where="body") from error
    if not reader.complete:
        raise Problem("bad-request", "the form ends too early", where="body")
    return reader.parts


class _Reader:
    """What the parser calls."""

    def __init__(self, most: int) -> None:
        self.parts: list[Part] = []
        self.complete = False
        self._most = most
        self._headers: dict[bytes, bytes] = {}
        self._name, self._value, self._data = bytearray(), bytearray(), bytearray()

    def begin(self) -> None:
        if len(self.parts) >= self._most:
            raise Problem("too-large", f"the form has more than {self._most} parts", where="body")
        self._headers.clear()
        self._data.clear()

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def end(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition"))
        name = options.get(b"name")
        if kind != b"form-data" or not name or len(name) > _NAME:
            raise Problem("bad-request", "a part of the form has no name", where="body")
        own_type = self._headers.get(b"content-type", b"text/plain").lower()
        is_file = b"filename" in options or not own_type.startswith((b"text/", b"application/json"))
        self.parts.append(Part(name.decode("utf-8", "replace"), bytes(self._data), is_file))

    def finish(self) -> None:
        self.complete = True
