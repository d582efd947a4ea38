"""The arms of a pipeline file: what differs from run to run of a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from facesynth.config.overrides import apply_override
from facesynth.core.errors import ConfigError

WITH_ARMS = "spn"  # The kind of file that may have arms
_OF_THE_FILE = ("kind", "name", "seed", "arms")


def take_arms(document: dict[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """Take the arms out of a document: name → settings. ConfigError for what are none."""
    if document.get("kind") != WITH_ARMS or "arms" not in document:
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


def of_arm(document: dict[str, Any], arm: str, settings: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """A document with an arm's settings over its own; overrides go over both, and the name says which arm it is."""
    laid = _laid_over(document, settings)
    for override in overrides:
        if not override.startswith("arms."):
            apply_override(laid, override)
    return {**laid, "name": f"{laid['name']}-{arm}"} if "name" in laid else laid


def leaves(settings: Mapping[str, Any], within: str = "") -> Iterator[str]:
    """The keys of what is set, as `key.sub`."""
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{within}{name}.")
        else:
            yield f"{within}{name}"


def _laid_over(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{key: _laid_over(below.get(key), value) for key, value in above.items()}}
