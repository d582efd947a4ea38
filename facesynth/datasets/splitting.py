"""Which faces train and which judge: split files, and dividing names by a hash of the seed and the name.

A name's place in the order of the hashes depends on the seed and on itself alone; the order is cut where the fractions
say. So the counts are exact, and where faces come or go, at most as many others change sides at each cut.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations, groupby, pairwise
from pathlib import Path
from typing import Any

from facesynth.core.errors import ConfigError, UsageError
from facesynth.datasets.manifest import SIDES

SPLIT_FORMAT = "facesynth-split-1"
MAX_BYTES = 1 << 28
"""Bytes that a split file may have: names of ten million faces."""


@dataclass(frozen=True, slots=True)
class Split:
    """Which names train, which are held out for judging, and which for the last judgement. No name is on two sides."""

    train: frozenset[str]
    validation: frozenset[str]
    test: frozenset[str] = frozenset()

    @classmethod
    def read(cls, path: Path) -> Split:
        """Read `{"train": [...], "validation": [...]}`, with or without `test` and what else `dataset split` writes.

        ConfigError when it is not that or a name is on two sides, and for a device, a pipe, or more than MAX_BYTES.
        """
        try:
            content = json.loads(_text(path))
            if content.get("format", SPLIT_FORMAT) != SPLIT_FORMAT:
                raise ValueError(f"its format is {content['format']!r}, not {SPLIT_FORMAT!r}")
            split = cls(_names(content["train"]), _names(content["validation"]), _names(content.get("test", [])))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ConfigError(f"not a split file ({error})", where=path) from error
        for one, other in combinations(SIDES, 2):
            if both := split.names(one) & split.names(other):
                raise ConfigError(f"{min(both)} is in {one} and in {other}", where=path)
        return split

    def names(self, side: str) -> frozenset[str]:
        """The names on a side: `train`, `validation` or `test`."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[side]


def check_fractions(fractions: Sequence[float]) -> None:
    """Raise UsageError unless these are one to three shares from 0 to 1 that sum to 1."""
    if not 1 <= len(fractions) <= len(SIDES) or not all(0 <= share <= 1 for share in fractions):
        raise UsageError(
            f"{_spelled(fractions)} are not one to three shares from 0 to 1",
            hint="give those of train, validation and test, such as 0.8,0.1,0.1",
        )
    if not math.isclose(sum(fractions), 1, abs_tol=1e-9):
        raise UsageError(f"the fractions {_spelled(fractions)} sum to {sum(fractions):g}, not to 1")


def divide(members: Iterable[tuple[str, str]], fractions: Sequence[float], seed: int) -> Split:
    """Put (name, unit) on sides of these shares: train, validation, test. What is of one unit stays together.

    Where each name is its own unit, the counts are the shares of all, rounded; else each cut falls on the boundary of
    units that is nearest. UsageError for wrong fractions, ConfigError for a name that comes twice.
    """
    check_fractions(fractions)
    order = sorted((_rank(seed, "side", unit), unit, name) for name, unit in members)
    cuts = [math.floor(len(order) * share + 0.5) for share in accumulate(fractions)]
    sides: tuple[list[str], ...] = ([], [], [])
    position = 0
    for _, unit in groupby(order, key=lambda row: row[:2]):
        names = [name for _, _, name in unit]
        # The side on which the unit's middle lies: so is the greater part of it.
        sides[min(bisect_right(cuts, position + (len(names) - 1) / 2), len(fractions) - 1)].extend(names)
        position += len(names)
    split = Split(*(frozenset(side) for side in sides))
    if len(split.train | split.validation | split.test) != len(order):
        names = sorted(name for _, _, name in order)
        twice = next(one for one, other in pairwise(names) if one == other)
        raise ConfigError(f"two faces are named {twice}")
    return split


def drawn(names: Iterable[str], count: int, seed: int) -> list[str]:
    """Draw `count` of the names by seed; a larger count only adds to them. All, where there are fewer."""
    return heapq.nsmallest(count, names, key=lambda name: _rank(seed, "sample", name))


def _rank(seed: int, purpose: str, text: str) -> bytes:
    return hashlib.sha256(f"{seed}/{purpose}/{text}".encode("utf-8", "surrogateescape")).digest()[:16]


def _text(path: Path) -> str:
    """The text of a file. ValueError for what never ends, or might wait for ever, and for one that is too large."""
    if path.exists() and not path.is_file():
        raise ValueError("it is no ordinary file")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES} bytes")
    return data.decode("utf-8")


def _names(listed: Any) -> frozenset[str]:
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise TypeError("a side is a list of names")
    return frozenset(listed)


def _spelled(fractions: Sequence[float]) -> str:
    return ",".join(f"{share:g}" for share in fractions)
