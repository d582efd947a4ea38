"""Settings that the command line lays over a pipeline file."""

from __future__ import annotations

from typing import Any

from facesynth.config.yaml_text import read_yaml
from facesynth.core.errors import ConfigError, UsageError


def apply_override(document: dict[str, Any], override: str) -> None:
    """Set one `key.sub=value` in the document, making the mappings on the way. Raises UsageError, ConfigError."""
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
    place[names[-1]] = read_yaml(value, f"--set {override}")
