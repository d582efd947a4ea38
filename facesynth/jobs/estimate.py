"""What a dry run says: what is there, what has to be computed, and about how much disk and memory that takes."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from facesynth import store
from facesynth.stages.base import Stage

TYPICAL_BYTES = MappingProxyType(
    {
        "align": 450_000,
        "segment": 9_500,
        "probabilities": 200_000,
        "encode": 1_500,
        "encode-regions": 9_000,
        "synthesize": 35_000,
        "sample": 8_400,
    }
)
"""Bytes of an artifact by stage, at default sizes: what is assumed until the cache holds some to go by."""

DEFAULT_SIDES = MappingProxyType({"align": 512, "synthesize": 128, "sample": 64})
"""The side in pixels, where none is asked for, of what a stage with a `size` makes."""

_GROWTH = 1.55
"""The power of its side that a picture's bytes grow with: less than its area, for the larger it is, the more alike are
neighbouring pixels. Measured on aligned faces of 128 to 2048 and painted ones of 64 to 1024 pixels: 1.5 to 1.7."""

_SAMPLE = 50
_LOOKING_UP, _FINDING_FACES, _WITH_TORCH, _ITEM = 100_000_000, 400_000_000, 850_000_000, 40_000_000
"""Bytes of resident memory, rounded up from runs on a CPU at 512 pixels: without computing, with dlib alone, with torch
and the bundled networks; and for each item of a batch, with those that are decoded and published meanwhile."""
_USUAL_PIXELS, _PIXEL = 512 * 512, 10
"""Pixels of a picture that `_ITEM` includes, and bytes for each further one, measured up to 2048 × 2048."""


@dataclass(slots=True)
class Estimate:
    """Counts what a run would have to compute, by stage."""

    cache: Path
    missing: Counter[str] = field(default_factory=Counter)
    shown_again: int = 0  # so many painted pictures come into strips and animations too
    _apart: Counter[str] = field(default_factory=Counter)
    _sides: dict[str, int] = field(default_factory=dict)
    _sizes: dict[str, float] = field(default_factory=dict)

    def add(self, stage: Stage[Any, Any], *, apart: bool = False) -> None:
        """One more item that the stage would have to compute; nothing follows one that is `apart`, as a style's is."""
        self.missing[stage.name] += 1
        self._apart[stage.name] += apart
        self._sides[stage.name] = _side(stage.name, stage.config)

    def follow(self, first: Stage[Any, Any], then: Stage[Any, Any], times: int = 1) -> None:
        """What `first` has yet to make will keep `then` busy too; each photo is taken to show one face."""
        self.missing[then.name] += times * (self.missing[first.name] - self._apart[first.name])
        self._sides[then.name] = _side(then.name, then.config)

    def disk(self) -> int:
        """Bytes that the results take in the cache and, copied, in the output folder."""
        twice = sum(2 * count * self._artifact(stage) for stage, count in self.missing.items())
        return round(twice + (self.shown_again * self._artifact("synthesize") if self.shown_again else 0))

    def memory(self, batch_size: int) -> int:
        """Bytes of main memory that the run takes, whatever the number of items."""
        busy = {stage for stage, count in self.missing.items() if count}
        if not busy:
            return _LOOKING_UP
        pixels = max(self._sides[stage] ** 2 for stage in busy)
        item = _ITEM + max(0, pixels - _USUAL_PIXELS) * _PIXEL
        return (_WITH_TORCH if busy - {"align"} else _FINDING_FACES) + batch_size * item

    def free(self, folder: Path) -> int:
        """Bytes that are free where `folder` is, or would be made."""
        place = folder.absolute()
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free

    def _artifact(self, stage: str) -> float:
        """The mean size of the stage's artifacts: of some in the cache, brought to the side asked for, or typical."""
        if stage not in self._sizes:
            usual, wanted = DEFAULT_SIDES.get(stage, 1), self._sides.get(stage, 1)
            sizes = []
            for entry in store.list_entries(self.cache, stage):
                if isinstance(entry, store.Entry) and entry.rejected is None:
                    own = _side(stage, entry.manifest()["recipe"]["config"])
                    sizes.append(entry.size * (wanted / own) ** _GROWTH)
                if len(sizes) >= _SAMPLE:
                    break
            typical = TYPICAL_BYTES.get(stage, 100_000) * (wanted / usual) ** _GROWTH
            self._sizes[stage] = sum(sizes) / len(sizes) if sizes else typical
        return self._sizes[stage]


def _side(stage: str, config: Mapping[str, object]) -> int:
    """The side of what a stage of this config makes; 1 where its size is not its own matter."""
    size = config.get("size")
    return size if isinstance(size, int) else DEFAULT_SIDES.get(stage, 1)
