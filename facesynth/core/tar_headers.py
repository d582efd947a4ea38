"""What a tar archive says of its members: ustar, GNU and pax headers, read in one pass over the data between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

from facesynth.core.errors import ImageError

BLOCK = 512
"""Bytes of a header; data is padded to whole blocks."""

REGULAR = b"0"
HARD_LINK = b"1"
SYMBOLIC_LINK = b"2"
SPARSE = b"S"

_PLAIN_FILES = (b"\0", b"7")  # of before POSIX, and "contiguous"
_WITHOUT_DATA = (HARD_LINK, SYMBOLIC_LINK, b"3", b"4", b"5", b"6")
_LONG_NAME, _LONG_LINK, _PAX, _PAX_OF_ALL = b"L", b"K", b"x", b"g"
_MOST_TEXT = 1 << 20
"""Bytes that a name or a pax header may have: memory must not be what a header says."""
_MOST = (1 << 63) - 1
"""Bytes that a file may have: what tells of more is damaged."""

_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")

_Told: TypeAlias = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class TarMember:
    """A member: its name as written, its kind (REGULAR, HARD_LINK, … or another type flag), where its data lies."""

    name: str
    kind: bytes
    offset: int
    size: int
    link: str


def read_headers(stream: BinaryIO, where: str) -> Iterator[TarMember]:
    """Yield the members of an archive in their order, up to its end mark or the first thing that is wrong.

    `stream` is an uncompressed archive that can be sought in; of members' data nothing is read, and a member may reach
    beyond the end of the file. Raises ImageError for what is no archive, for a damaged header, and where the end mark
    is missing, as it is in an archive that was cut off.
    """
    end = stream.seek(0, 2)
    offset = 0
    told: _Told = {}
    while True:
        block = _read(stream, offset, BLOCK) if offset < end else b""  # a damaged size leads beyond where can be sought
        if len(block) < BLOCK:
            raise _cut_off(offset, end, where)
        if block.count(0) == BLOCK:
            return
        kind, size = _checked(block, offset, where)
        offset += BLOCK
        if kind in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_OF_ALL):
            if size > _MOST_TEXT:
                raise ImageError(f"damaged at byte {offset - BLOCK}: a name of {size} bytes", where=where)
            text = _read(stream, offset, size)
            if len(text) < size:
                raise _cut_off(offset, end, where)
            if kind == _PAX:
                told |= _pax(text, offset, where)
            elif kind != _PAX_OF_ALL:  # which holds what is of no matter here, such as a comment
                told["path" if kind == _LONG_NAME else "linkpath"] = text.rstrip(b"\0")
            offset = _after(offset, size)
            continue
        if "size" in told:
            size = _decimal(told["size"], offset, where)
        sparse = any(key.startswith("GNU.sparse") for key in told)
        name = _text(told["path"]) if "path" in told else _own_name(block)
        link = _text(told["linkpath"]) if "linkpath" in told else _text(_string(block[157:257]))
        if kind in _PLAIN_FILES:
            kind = REGULAR
        yield TarMember(name, SPARSE if sparse else kind, offset, size, link)
        offset = offset if kind in _WITHOUT_DATA else _after(offset, size)
        told = {}


def _read(stream: BinaryIO, offset: int, size: int) -> bytes:
    stream.seek(offset)
    return stream.read(size)


def _after(offset: int, size: int) -> int:
    return offset + (size + BLOCK - 1) // BLOCK * BLOCK


def _checked(block: bytes, offset: int, where: str) -> tuple[bytes, int]:
    """The type flag and size of a header whose sum is right."""
    told = _number(block[148:156])
    if told is None or told != sum(block[:148]) + 8 * 32 + sum(block[156:]):
        if offset:
            raise ImageError(f"damaged at byte {offset}: no header of a member", where=where)
        if block.startswith(_COMPRESSED):
            raise ImageError("a compressed archive", where=where, hint="decompress it: images hardly gain by it")
        raise ImageError("not a tar archive", where=where)
    size = _number(block[124:136])
    if size is None:
        raise ImageError(f"damaged at byte {offset}: no size of a member", where=where)
    return block[156:157], size


def _number(field: bytes) -> int | None:
    """A number in octal, or in GNU's base 256; None for what is neither, negative, or more than a file can have."""
    if field[0] & 0x80:
        found = -1 if field[0] & 0x40 else int.from_bytes(bytes([field[0] & 0x3F]) + field[1:])
    else:
        try:
            found = int(field.strip(b" \0") or b"0", 8)
        except ValueError:
            return None
    return found if 0 <= found <= _MOST else None


def _pax(text: bytes, offset: int, where: str) -> _Told:
    """The records `LENGTH KEY=VALUE\\n` of a pax header."""
    found: _Told = {}
    at = 0
    while at < len(text) and text[at]:  # some pad it with zeros
        digits, _, _ = text[at : at + 20].partition(b" ")
        length = _decimal(digits, offset, where)
        record = text[at : at + length]
        key, separator, value = record[len(digits) + 1 : -1].partition(b"=")
        if len(record) < length or length <= len(digits) or not separator:
            raise ImageError(f"damaged at byte {offset}: no pax header", where=where)
        found[key.decode("utf-8", "replace")] = value
        at += length
    return found


def _decimal(digits: bytes, offset: int, where: str) -> int:
    if digits.isdigit() and len(digits) <= 20 and int(digits) <= _MOST:
        return int(digits)
    raise ImageError(f"damaged at byte {offset}: no pax header", where=where)


def _own_name(block: bytes) -> str:
    name = _string(block[:100])
    prefix = _string(block[345:500]) if block[257:263] == b"ustar\0" else b""
    return _text(prefix + b"/" + name if prefix else name)


def _string(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _cut_off(offset: int, end: int, where: str) -> ImageError:
    if end == 0:
        return ImageError("the archive is empty", where=where)
    told = f"cut off: it ends at byte {end}" if offset > end else f"has no end mark after byte {offset}: it was cut off"
    return ImageError(f"{told}, and what followed is lost", where=where, hint="copy it again")
