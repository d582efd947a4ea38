"""A JSON file that is one large object, read member by member: memory grows neither with its length nor its depth."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

_CHUNK = 1 << 16
_LONGEST = 1 << 20
"""Characters that a member may have."""
_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def read_members(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield (key, value) of each member in the file's order.

    ValueError says what is wrong and behind which member, OSError that the file cannot be read.
    """
    with path.open(encoding="utf-8") as file:
        window, place = _Window(file), "at its beginning"
        try:
            while (member := window.member()) is not None:
                place = f"behind {member[0][:40]!r}"
                yield member
        except UnicodeDecodeError:
            raise ValueError(f"{place}: no text") from None
        except RecursionError:
            raise ValueError(f"{place}: nested too deeply") from None
        except _MemberError as error:
            raise ValueError(f"{place}: {error}") from None


class _MemberError(Exception):
    """What is wrong at this place."""


class _Window:
    """The part of a file's text that has been read and not been used."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text, self._at = "", 0
        self._begun = self._closed = False

    def member(self) -> tuple[str, Any] | None:
        """The next member; None behind the last."""
        while not self._closed:
            try:
                return self._next()
            except IndexError:
                self._grow("it ends too soon")
            except json.JSONDecodeError as error:  # perhaps for want of the text that follows
                self._grow(error.msg)
            except ValueError as error:  # a number of more digits than Python takes
                raise _MemberError(str(error)) from None
        if self._text[self._at :].strip() or self._file.read(_CHUNK).strip():
            raise _MemberError("more follows than one object")
        return None

    def _next(self) -> tuple[str, Any] | None:
        """The next member, as far as the text goes; IndexError where it ends too soon. None of an empty object."""
        text, at = self._text, _past_blanks(self._text, self._at)
        if not self._begun:
            if text[at] != "{":
                raise _MemberError("no object")
            at = _past_blanks(text, at + 1)
            if text[at] == "}":
                self._at, self._begun, self._closed = at + 1, True, True
                return None
        key, at = _DECODER.raw_decode(text, at)
        at = _past_blanks(text, at)
        if text[at] != ":" or not isinstance(key, str):
            raise _MemberError("no key")
        value, at = _DECODER.raw_decode(text, _past_blanks(text, at + 1))
        at = _past_blanks(text, at)
        if text[at] not in ",}":  # a value is whole only where something follows: 12 may become 123
            raise _MemberError("no comma between two members")
        self._at, self._begun, self._closed = at + 1, True, text[at] == "}"
        return key, value

    def _grow(self, fault: str) -> None:
        """Read on, and forget what has been used; _MemberError where there is nothing, or too much already."""
        self._text, self._at = self._text[self._at :], 0
        chunk = self._file.read(_CHUNK) if len(self._text) < _LONGEST else ""
        if not chunk:
            raise _MemberError(fault)
        self._text += chunk


def _past_blanks(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return at if found is None else found.end()
