"""Pipeline files: YAML in, frozen records out, and errors that name the file, the key and what to write instead."""

from __future__ import annotations

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from facesynth.core.errors import ConfigError, UsageError
from facesynth.plans import Plan
from facesynth.training.runs.parser import ParserRun
from facesynth.training.runs.spade import SpadeRun
from facesynth.weights import data_folder

Pipeline: TypeAlias = ParserRun | SpadeRun | Plan

_KINDS: Mapping[str, type[Pipeline]] = types.MappingProxyType({"parser": ParserRun, "spade": SpadeRun, "plan": Plan})


def find_pipeline(name: str | Path) -> Path:
    """The pipeline file of that path or, where there is none, the bundled one of that name. Raises UsageError.

    A bundled one in a sub-folder is named with it: `ablation/parser-plain`.
    """
    path = Path(name)
    if path.is_file():
        return path
    folder = data_folder("pipelines")
    files = sorted(folder.rglob("*.yaml"), key=lambda file: (len(file.parts), file))  # those for everybody first
    bundled = {file.relative_to(folder).with_suffix("").as_posix(): file for file in files}
    try:
        if path.suffix not in ("", ".yaml"):
            raise KeyError(path)  # a mistyped path must not run something else
        return bundled[path.with_suffix("").as_posix().removeprefix("pipelines/")]
    except KeyError:
        hint = f"name a YAML file, or one of: {', '.join(bundled)}"
        raise UsageError("no such pipeline file", where=path, hint=hint) from None


def load_pipeline(path: Path, overrides: Sequence[str] = ()) -> Pipeline:
    """Read a pipeline file; `overrides` are `key.sub=value`, the value in YAML. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read ({error})", where=path) from error
    return parse_pipeline(text, str(path), overrides)


def parse_pipeline(text: str, where: str, overrides: Sequence[str] = ()) -> Pipeline:
    """Make a pipeline of YAML text. Raises ConfigError; `where` names the file in it. UsageError for an override."""
    try:
        return _parsed(text, where, overrides)
    except ConfigError as error:
        if overrides and _is_whole(text, where):  # then it is what the command line said
            raise UsageError(error.what, where=error.where, hint=error.hint) from None
        raise


def _is_whole(text: str, where: str) -> bool:
    try:
        _parsed(text, where, ())
    except ConfigError:
        return False
    return True


def _parsed(text: str, where: str, overrides: Sequence[str]) -> Pipeline:
    document = _read_yaml(text, where)
    if not isinstance(document, dict):
        raise ConfigError("a pipeline file holds `key: value` lines", where=where)
    for override in overrides:
        _apply(document, override)
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
    union = Annotated[ParserRun | SpadeRun | Plan, Field(discriminator="kind")]
    return TypeAdapter(union, config=ConfigDict(extra="forbid"))


def _apply(document: dict[str, Any], override: str) -> None:
    """Set one `key.sub=value` in the document, making the mappings on the way."""
    key, equals, value = override.partition("=")
    names = key.strip().split(".")
    if not equals or not all(names):
        raise UsageError(f"{override!r} is no setting", where="--set", hint="write it like generator.width=32")
    place = document
    for depth, name in enumerate(names[:-1], start=1):
        below = place.get(name)
        if below is None:
            below = place[name] = {}
        if not isinstance(below, dict):
            raise ConfigError(f"{'.'.join(names[:depth])} is {below!r} and has no keys", where=f"--set {override}")
        place = below
    place[names[-1]] = _read_yaml(value, f"--set {override}")


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


class _Loader(yaml.SafeLoader):
    """YAML's safe loader with `1e-3` as a number and without keys that come twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                what = "a key must be a plain word, not a list or a mapping"
                raise yaml.constructor.ConstructorError(None, None, what, key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key.value} comes twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?\d+[eE][-+]?\d+"), list("-+0123456789"))


def _read_yaml(text: str, where: str) -> Any:
    try:
        return _Loader(text).get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise ConfigError(f"{line}{error.problem or 'is not YAML'}", where=where) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"is not YAML ({error})", where=where) from None
    except (ValueError, LookupError, AttributeError) as error:  # PyYAML's own, of `2024-02-30` or `!!bool maybe`
        raise ConfigError(f"holds a value that is none of its kind ({error})", where=where) from None
