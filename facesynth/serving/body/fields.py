"""The fields of a request, whichever way they came, read one by one as what they must be."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from facesynth.core.refs import Digest, sha256_bytes
from facesynth.serving.problems import Problem

_MISSING = object()
_DATA_URL = "base64,"
_VALUES = 20_000
"""That JSON text may hold. Whatever reads it keeps all other threads waiting, a second for each few million."""


class Fields:
    """Values by name: bytes of files, text of forms and queries, or what JSON holds.

    Each getter takes its field; `done` refuses what is left. All raise Problem `bad-field`, which names the field.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def done(self) -> None:
        """Refuse a request with a field that nobody asked for: a misspelt option must not go unnoticed."""
        if self._values:
            raise Problem("bad-field", "there is no such field", where=min(self._values), hint="see /docs")

    def file(self, name: str) -> bytes:
        """The bytes of a file: a part of a form, or base64. Raises where there is none."""
        data = self.file_or_none(name)
        if data is None:
            raise Problem("bad-field", "this file is missing", where=name, hint="send it as a part of a form")
        return data

    def file_and_digest(self, name: str) -> tuple[bytes, Digest]:
        """The bytes of a file, and their sha256. Raises where there is none."""
        data = self.file(name)
        return data, sha256_bytes(data)

    def file_or_none(self, name: str) -> bytes | None:
        """The bytes of a file, None where it is not sent."""
        value = self._values.pop(name, None)
        return None if value is None else _bytes(value, name)

    def files_by_name(self, prefix: str, within: str) -> dict[str, bytes]:
        """Files whose names begin with `prefix`, and those in the JSON object `within`, by what follows."""
        named = {name.removeprefix(prefix): name for name in list(self._values) if name.startswith(prefix)}
        found = {short: self.file(name) for short, name in named.items()}
        for short, value in self.mapping(within).items():
            if short in found:
                raise Problem("bad-field", f"{prefix}{short} is sent as well", where=f"{within}.{short}")
            found[short] = _bytes(value, f"{within}.{short}")
        return found

    def mapping(self, name: str) -> dict[str, Any]:
        """A JSON object, empty where it is not sent."""
        value = self.json(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise Problem("bad-field", "a JSON object is wanted", where=name)
        return value

    def json(self, name: str) -> Any:
        """What JSON holds, or JSON text; None where it is not sent."""
        value = self._values.pop(name, None)
        return parsed_json(_text(value, name), name) if isinstance(value, str | bytes) else value

    def text(self, name: str, *, longest: int = 200) -> str | None:
        """A short text, None where it is not sent."""
        value = self._values.pop(name, None)
        if value is None:
            return None
        told = _text(value, name)
        if len(told) > longest:
            raise Problem("bad-field", f"at most {longest} characters are wanted", where=name)
        return told

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        """One of some words."""
        value = self.text(name) or default
        if value not in choices:
            raise Problem("bad-field", f"{value!r} is none of: {', '.join(choices)}", where=name)
        return value

    def integer(self, name: str, least: int, most: int) -> int | None:
        """A whole number between two, also as text; None where it is not sent."""
        value = self._values.pop(name, None)
        if value is None:
            return None
        if isinstance(value, str | bytes):
            told = _text(value, name)
            digits = told.removeprefix("-")
            value = int(told) if digits.isascii() and digits.isdecimal() and len(digits) <= 20 else told
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            value = int(value)
        if type(value) is not int or not least <= value <= most:
            raise Problem("bad-field", f"a whole number from {least} to {most} is wanted", where=name)
        return value

    def number(self, name: str, least: float, most: float, default: float) -> float:
        """A number between two, also as text."""
        value = self._values.pop(name, None)
        if value is None:
            return default
        try:
            number = float(_text(value, name)) if isinstance(value, str | bytes) else value
        except ValueError:
            number = math.nan
        if isinstance(number, bool) or not isinstance(number, int | float) or not least <= number <= most:
            raise Problem("bad-field", f"a number from {least:g} to {most:g} is wanted", where=name)
        return float(number)

    def flag(self, name: str) -> bool:
        """True or false, also as text; false where it is not sent."""
        value = self._values.pop(name, False)
        if isinstance(value, str | bytes):
            value = {"true": True, "false": False, "1": True, "0": False}.get(_text(value, name).lower())
        if not isinstance(value, bool):
            raise Problem("bad-field", "true or false is wanted", where=name)
        return value


def parsed_json(text: str | bytes, where: str) -> Any:
    """What JSON text holds. Raises Problem `bad-request` for what is none, of too many values, or nested too deeply."""
    if _values(text) > _VALUES:
        raise Problem("bad-request", f"this JSON has more than {_VALUES:,} values", where=where)
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        told = str(error) if isinstance(error, json.JSONDecodeError) else type(error).__name__
        raise Problem("bad-request", f"this is not JSON ({told})", where=where) from None


def _values(text: str | bytes) -> int:
    """At least as many as there are arrays, objects and what they hold; base64 counts as one."""
    if isinstance(text, str):
        return text.count("[") + text.count("{") + text.count(",")
    return text.count(b"[") + text.count(b"{") + text.count(b",")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _text(value: object, name: str) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise Problem("bad-field", "this is not text in UTF-8", where=name) from None
    if not isinstance(value, str):
        raise Problem("bad-field", "text is wanted", where=name)
    return value


def _bytes(value: object, name: str) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise Problem("bad-field", "a file is wanted: a part of a form with a file name, or base64", where=name)
    start = value.find(_DATA_URL) + len(_DATA_URL) if value.startswith("data:") else 0
    try:
        return base64.b64decode(value[start:], validate=True)
    except (binascii.Error, ValueError):
        raise Problem("bad-field", "this is not base64", where=name) from None
