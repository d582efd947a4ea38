"""A document against the record of its kind: mistakes are told as `key: what is wrong`."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from facesynth.core.errors import ConfigError
from facesynth.plans import Plan
from facesynth.training.runs.parser import ParserRun
from facesynth.training.runs.spade import SpadeRun
from facesynth.training.runs.spn import SpnRun

Pipeline: TypeAlias = ParserRun | SpadeRun | SpnRun | Plan

_KINDS: Mapping[str, type[Pipeline]] = types.MappingProxyType(
    {"parser": ParserRun, "spade": SpadeRun, "spn": SpnRun, "plan": Plan}
)


def checked(document: dict[str, Any], where: str) -> Pipeline:
    """The record that a document describes. Raises ConfigError, `where` names the document in it."""
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        what = "the key `kind` is missing" if kind is None else f"kind: {kind!r} is none that is known"
        raise ConfigError(what, where=where, hint=f"use one of: {', '.join(_KINDS)}")
    if booleans := list(_booleans(document, _KINDS[kind])):
        raise ConfigError("; ".join(booleans), where=where)
    try:
        return _adapter().validate_python(document)
    except ValidationError as error:
        mistakes = [_told(mistake, _KINDS[kind]) for mistake in error.errors(include_url=False)]
        raise ConfigError("; ".join(mistakes), where=where) from None


def _adapter() -> TypeAdapter[Pipeline]:
    # Of a union: only so does pydantic hand "forbid" down to the records in it, which know nothing of pydantic.
    union = Annotated[ParserRun | SpadeRun | SpnRun | Plan, Field(discriminator="kind")]
    return TypeAdapter(union, config=ConfigDict(extra="forbid"))


def _booleans(value: Any, hint: Any, key: str = "") -> Iterator[str]:
    """What is true or false where a number belongs: pydantic would take it for 1 or 0."""
    kinds = set(_kinds(hint))
    if isinstance(value, bool):
        if kinds & {int, float} and bool not in kinds:
            yield f"{key}: input should be a number, not {value!r}"
    elif isinstance(value, list):
        for part in value:
            yield from _booleans(part, hint, key)
    elif isinstance(value, dict) and (record := next(filter(dataclasses.is_dataclass, kinds), None)):
        hints = typing.get_type_hints(record)
        for name in value.keys() & hints.keys():
            yield from _booleans(value[name], hints[name], f"{key}.{name}" if key else name)


def _kinds(hint: Any) -> Iterator[Any]:
    """The type, and those that it is made of."""
    yield hint
    for part in typing.get_args(hint):
        yield from _kinds(part)


def _told(mistake: Mapping[str, Any], record: type[Pipeline]) -> str:
    """One of pydantic's mistakes as `key: what is wrong`."""
    path = mistake["loc"][1:]  # the first is the kind
    key = ".".join(str(part) for part in path)
    if mistake["type"] == "unexpected_keyword_argument":
        known = _keys(record, path[:-1])
        close = difflib.get_close_matches(str(path[-1]), known, n=1)
        return f"{key}: unknown key, " + (f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}")
    if mistake["type"] in ("missing", "missing_argument", "missing_keyword_only_argument"):
        return f"{key}: is missing"
    message = mistake["msg"].removeprefix("Value error, ")
    got = "" if mistake["type"] in ("value_error", "dataclass_type") else f", not {mistake['input']!r}"
    located = f"{key}: " if key else ""  # a mistake in the whole record names its keys itself
    return f"{located}{message[0].lower()}{message[1:]}{got}"


def _keys(record: Any, path: Sequence[str | int]) -> list[str]:
    """The keys of the record that lies at `path` below another."""
    for part in path:
        hint = typing.get_type_hints(record)[str(part)]
        record = next((kind for kind in (hint, *typing.get_args(hint)) if dataclasses.is_dataclass(kind)), hint)
    return [field.name for field in dataclasses.fields(record)]
