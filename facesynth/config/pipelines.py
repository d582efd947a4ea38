"""Pipeline files by path or by name, with settings laid over them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facesynth.config.arms import WITH_ARMS, leaves, of_arm, take_arms
from facesynth.config.checking import Pipeline, checked
from facesynth.config.overrides import apply_override
from facesynth.config.yaml_text import read_file, read_yaml
from facesynth.core.errors import ConfigError, UsageError
from facesynth.weights import data_folder


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
    return parse_pipeline(read_file(path), str(path), overrides, arm)


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
    document = read_yaml(read_file(path), str(path))
    arms = take_arms(document, str(path)) if isinstance(document, dict) else {}
    for override in overrides:
        key = override.partition("=")[0].strip()
        for name, settings in arms.items():
            if any(f"{own}.".startswith(f"{key}.") or f"{key}.".startswith(f"{own}.") for own in leaves(settings)):
                what = f"{key} is what the arm {name} is about, and would be the same for all"
                hint = f"--set arms.{name}.{override}, or write a pipeline file with other arms"
                raise UsageError(what, where=f"--set {override}", hint=hint)


def arms_of(path: Path) -> tuple[str, ...]:
    """The names of a pipeline file's arms: what differs from run to run of a comparison. Raises ConfigError."""
    document = read_yaml(read_file(path), str(path))
    if not isinstance(document, dict) or document.get("kind") != WITH_ARMS:
        return ()
    return tuple(take_arms(document, str(path)))


def _is_whole(text: str, where: str) -> bool:
    try:
        _parsed(text, where, (), None)
    except ConfigError:
        return False
    return True


def _parsed(text: str, where: str, overrides: Sequence[str], arm: str | None) -> Pipeline:
    document = read_yaml(text, where)
    if not isinstance(document, dict):
        raise ConfigError("a pipeline file holds `key: value` lines", where=where)
    for override in overrides:
        apply_override(document, override)
    arms = take_arms(document, where)
    if arm is not None and arm not in arms:
        hint = f"use one of: {', '.join(arms)}" if arms else "leave --arm out"
        raise UsageError(f"there is no arm {arm!r}", where=where, hint=hint)
    if arm is None:
        for name in arms:
            checked(of_arm(document, name, arms[name], overrides), f"{where}, arm {name}")
        return checked(document, where)
    return checked(of_arm(document, arm, arms[arm], overrides), f"{where}, arm {arm}")
