"""What an artifact is made of, and the cache key that follows from it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from facesynth.core.errors import CacheError
from facesynth.core.refs import Digest, sha256_bytes

FORMAT = 1
"""The layout of an entry; raised when older entries cannot be read any more."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a result depends on. Two equal recipes have one result, wherever and however fast it is computed.

    `config` holds JSON values with string keys, `weights` the sha256 of each file by role, `inputs` the items' digests.
    """

    stage: str
    version: int
    config: Mapping[str, object]
    weights: Mapping[str, Digest]
    inputs: tuple[Digest, ...] = ()
    format: int = field(default=FORMAT, init=False)

    def as_json(self) -> dict[str, object]:
        """The recipe as JSON values."""
        return {
            "stage": self.stage,
            "version": self.version,
            "config": dict(self.config),
            "weights": dict(self.weights),
            "inputs": list(self.inputs),
            "format": self.format,
        }

    def key(self) -> Digest:
        """The sha256 of the recipe's canonical JSON. Raises CacheError for a config that has none."""
        return sha256_bytes(canonical_json(self.as_json()))


def canonical_json(value: object) -> bytes:
    """One spelling for equal values: sorted keys, no spaces, ASCII, shortest floats.

    Raises CacheError for what JSON would bend (keys that are not strings) or cannot say (NaN, objects).
    """
    _check(value, "recipe")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def _check(value: object, where: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise CacheError(f"the key {key!r} is not a string", where=where)
            _check(item, f"{where}.{key}")
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check(item, where)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise CacheError(f"{value} cannot be part of a cache key", where=where)
    elif value is not None and type(value) not in (str, int, bool):
        raise CacheError(f"a {type(value).__name__} cannot be part of a cache key", where=where)
