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
from facesynth.training.runs.spn import SpnRun
from facesynth.weights import data_folder

Pipeline: TypeAlias = ParserRun | SpadeRun | SpnRun | Plan

_KINDS: Mapping[str, type[Pipeline]] = types.MappingProxyType(
    {"parser": ParserRun, "spade": SpadeRun, "spn": SpnRun, "plan": Plan}
)
_WITH_ARMS, _OF_THE_FILE = "spn", ("kind", "name", "seed", "arms")


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


def load_pipeline(path: Path, overrides: Sequence[str] = (), arm: str | None = None) -> Pipeline:
    """Read a pipeline file; `overrides` are `key.sub=value`, the value in YAML. Raises as `parse_pipeline` does."""
    return parse_pipeline(_read_file(path), str(path), overrides, arm)


def parse_pipeline(text: str, where: str, overrides: Sequence[str] = (), arm: str | None = None) -> Pipeline:
    """Make a pipeline of YAML text: of the settings of one of its arms over the file's, and overrides over both.

    Without an arm the arms are checked, too, and the file's settings alone are returned. Raises ConfigError, `where`
    names the file in it; UsageError for an override, and for an arm that is not there.
    """
    try:
        return _parsed(text, where, overrides, arm)
    except ConfigError as error:
        if overrides and _is_whole(text, where):  # then it is what the command line said
            raise UsageError(error.what, where=error.where, hint=error.hint) from None
        raise


def require_free(path: Path, overrides: Sequence[str]) -> None:
    """Raise UsageError for an override of what an arm of the file is about: it would not be what it is called.

    One that names its arm, `arms.NAME.key=value`, is none.
    """
    document = _read_yaml(_read_file(path), str(path))
    arms = _arms(document, str(path)) if isinstance(document, dict) else {}
    for override in overrides:
        key = override.partition("=")[0].strip()
        for name, settings in arms.items():
            if any(f"{own}.".startswith(f"{key}.") or f"{key}.".startswith(f"{own}.") for own in _leaves(settings)):
                what = f"{key} is what the arm {name} is about, and would be the same for all"
                hint = f"--set arms.{name}.{override}, or write a pipeline file with other arms"
                raise UsageError(what, where=f"--set {override}", hint=hint)


def arms_of(path: Path) -> tuple[str, ...]:
    """The names of a pipeline file's arms: what differs from run to run of a comparison. Raises ConfigError."""
    document = _read_yaml(_read_file(path), str(path))
    if not isinstance(document, dict) or document.get("kind") != _WITH_ARMS:
        return ()
    return tuple(_arms(document, str(path)))


def _read_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read ({error})", where=path) from error


def _is_whole(text: str, where: str) -> bool:
    try:
        _parsed(text, where, (), None)
    except ConfigError:
        return False
    return True


def _parsed(text: str, where: str, overrides: Sequence[str], arm: str | None) -> Pipeline:
    document = _read_yaml(text, where)
    if not isinstance(document, dict):
        raise ConfigError("a pipeline file holds `key: value` lines", where=where)
    for override in overrides:
        _apply(document, override)
    arms = _arms(document, where)
    if arm is not None and arm not in arms:
        hint = f"use one of: {', '.join(arms)}" if arms else "leave --arm out"
        raise UsageError(f"there is no arm {arm!r}", where=where, hint=hint)
    if arm is None:
        for name in arms:
            _checked(_of_arm(document, name, arms[name], overrides), f"{where}, arm {name}")
        return _checked(document, where)
    return _checked(_of_arm(document, arm, arms[arm], overrides), f"{where}, arm {arm}")


def _arms(document: dict[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """Take the arms out of a document: name → settings. ConfigError for what are none."""
    if document.get("kind") != _WITH_ARMS or "arms" not in document:
        return {}
    arms = document.pop("arms") or {}
    if not isinstance(arms, dict):
        raise ConfigError("arms: is a mapping of names to settings", where=where)
    for name, settings in arms.items():
        if not isinstance(settings, dict | None):
            raise ConfigError(f"arms.{name}: holds no `key: value` lines", where=where)
        if wrong := [key for key in settings or {} if key in _OF_THE_FILE]:
            what = f"arms.{name}.{wrong[0]}: is the same for all arms"
            raise ConfigError(what, where=where, hint="set it beside arms")
    return {str(name): settings or {} for name, settings in arms.items()}


def _of_arm(document: dict[str, Any], arm: str, settings: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """A document with an arm's settings over its own; overrides go over both, and the name says which arm it is."""
    laid = _laid_over(document, settings)
    for override in overrides:
        if not override.startswith("arms."):
            _apply(laid, override)
    return {**laid, "name": f"{laid['name']}-{arm}"} if "name" in laid else laid


def _leaves(settings: Mapping[str, Any], within: str = "") -> Iterator[str]:
    """The keys of what is set, as `key.sub`."""
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{within}{name}.")
        else:
            yield f"{within}{name}"


def _laid_over(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{key: _laid_over(below.get(key), value) for key, value in above.items()}}


def _checked(document: dict[str, Any], where: str) -> Pipeline:
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
