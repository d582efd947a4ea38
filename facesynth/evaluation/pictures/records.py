"""Frozen dataclasses as plain JSON values and back, by their types: nothing of a wrong type is read."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass
from enum import Enum
from functools import cache
from typing import Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

_FUNCTION = get_origin(Callable[[], None])


class NotARecordError(ValueError):
    """A plain value is not what a type asks for: `where` in the document, as `scores[3].value`, and what is wrong."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}" if where else what)


def no_number(name: str) -> NoReturn:
    """What `json.loads` takes as parse_constant: ValueError for NaN and infinity, which a document never holds."""
    raise ValueError(f"{name} is no number")


def to_plain(value: Any) -> Any:
    """What JSON holds of a value: fields by name, enumerated values by name in small letters; functions are left out.

    ValueError for a number that is not finite.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: to_plain(getattr(value, name)) for name in _fields(type(value))}
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, Mapping):
        return {str(name): to_plain(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is no number for a document")
    return value if value is None or isinstance(value, str | int | float) else str(value)


def from_plain(kind: type[T], value: Any, *, unknown: set[str] | None = None) -> T:
    """The dataclass that `to_plain` made a value of; NotARecordError for any other value.

    A field that is missing takes its default, so that a field may be added to a dataclass, with a default, and what was
    written before stays readable. One that the dataclass does not know is passed by, and `unknown` gets its place, as
    `scores[].sharpness`: a newer version wrote it.
    """
    record: T = _Reading(set() if unknown is None else unknown).record(kind, value, "")
    return record


@cache
def _fields(kind: type) -> dict[str, Any]:
    """The fields of a dataclass that can stand in a document, and their types."""
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    return {name: hints[name] for name in names if not _is_function(hints[name])}


@cache
def _required(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass that have no default."""
    fields = dataclasses.fields(kind)
    return tuple(one.name for one in fields if (one.default, one.default_factory) == (MISSING, MISSING))


def _is_function(hint: Any) -> bool:
    return any(get_origin(one) is _FUNCTION for one in (hint, *get_args(hint)))


@dataclass(frozen=True, slots=True)
class _Reading:
    """Plain values by the types that are asked for; `where` they stand goes along. `unknown` grows."""

    unknown: set[str]

    def record(self, kind: Any, value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise NotARecordError(where, f"{_told(value)}, not an object")
        known = _fields(kind)
        for name in _required(kind):
            if name not in value:
                raise NotARecordError(where, f"has no {name!r}")
        at = {name: f"{where}.{name}".lstrip(".") for name in value}
        self.unknown.update(re.sub(r"\[\d+\]", "[]", at[name]) for name in value if name not in known)
        return kind(**{name: self.read(known[name], value[name], at[name]) for name in value if name in known})

    def read(self, hint: Any, value: Any, where: str) -> Any:
        origin, args = get_origin(hint), get_args(hint)
        if hint is Any:
            try:
                return to_plain(value)
            except (ValueError, RecursionError) as error:  # or it could be read, and never written again
                raise NotARecordError(where, str(error)) from error
        if origin in (Union, types.UnionType):
            if value is None and type(None) in args:
                return None
            return self.read(next(one for one in args if one is not type(None)), value, where)
        if origin is Literal:
            if value not in args:
                raise NotARecordError(where, f"{_told(value)}, not one of: {', '.join(map(str, args))}")
            return value
        if origin is tuple:
            return self.items(args, value, where)
        if origin is not None and issubclass(origin, Mapping):
            if not isinstance(value, dict):
                raise NotARecordError(where, f"{_told(value)}, not an object")
            read = {self.key(args[0], k, where): self.read(args[1], one, f"{where}.{k}") for k, one in value.items()}
            return types.MappingProxyType(read)
        if dataclasses.is_dataclass(hint):
            return self.record(hint, value, where)
        return _single(hint, value, where)

    def items(self, args: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise NotARecordError(where, f"{_told(value)}, not a list")
        kinds = args[:1] * len(value) if args[1:] == (...,) else args
        if len(kinds) != len(value):
            raise NotARecordError(where, f"a list of {len(value)}, not of {len(kinds)}")
        found = enumerate(zip(kinds, value, strict=True))
        return tuple(self.read(kind, one, f"{where}[{i}]") for i, (kind, one) in found)

    def key(self, hint: Any, name: str, where: str) -> Any:
        """A key of an object, which JSON holds as words."""
        if hint is not int:
            return self.read(hint, name, where)
        try:
            return int(name)
        except ValueError:
            raise NotARecordError(where, f"{name!r} is not a whole number") from None


def _single(hint: Any, value: Any, where: str) -> Any:
    if isinstance(hint, type) and issubclass(hint, Enum):
        named = {one.name.lower(): one for one in hint}
        if not isinstance(value, str) or value not in named:
            raise NotARecordError(where, f"{_told(value)}, not one of: {', '.join(named)}")
        return named[value]
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        if abs(value) > sys.float_info.max:  # as JSON's 1e999 becomes
            raise NotARecordError(where, "a number without bounds")
        return float(value)
    if isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    words = {str: "words", int: "a whole number", float: "a number", bool: "true or false"}
    raise NotARecordError(where, f"{_told(value)}, not {words[hint]}")


def _told(value: Any) -> str:
    told = json.dumps(value)
    return told if len(told) <= 40 else f"{told[:37]}…"
