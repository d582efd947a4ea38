"""What a dry run says: what is there, what has to be computed, and about how much disk and memory that takes."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from facesynth import store
from facesynth.stages.base import Stage

TYPICAL_BYTES = MappingProxyType(
    {"align": 450_000, "segment": 9_000, "probabilities": 10_000_000, "encode": 1_500, "synthesize": 35_000}
)
"""Bytes of an artifact by stage, at default sizes: what is assumed until the cache holds some to go by."""

_SAMPLE = 50
_LOOKING_UP, _FINDING_FACES, _WITH_TORCH, _ITEM = 100_000_000, 400_000_000, 850_000_000, 40_000_000
"""Bytes of resident memory, rounded up from runs on a CPU at 512 pixels: without computing, with dlib alone, with torch
and the bundled networks; and for each item of a batch, with those that are decoded and published meanwhile."""


@dataclass(slots=True)
class Estimate:
    """Counts what a run would have to compute, by stage."""

    cache: Path
    missing: Counter[str] = field(default_factory=Counter)
    _sizes: dict[str, float] = field(default_factory=dict)

    def add(self, stage: Stage[Any, Any]) -> None:
        """One more item that the stage would have to compute."""
        self.missing[stage.name] += 1

    def follow(self, first: Stage[Any, Any], then: Stage[Any, Any], times: int = 1) -> None:
        """What `first` has yet to make will keep `then` busy too; each photo is taken to show one face."""
        self.missing[then.name] += times * self.missing[first.name]

    def disk(self) -> int:
        """Bytes that the results take in the cache and, copied, in the output folder."""
        return round(sum(2 * count * self._artifact(stage) for stage, count in self.missing.items()))

    def memory(self, batch_size: int) -> int:
        """Bytes of main memory that the run takes, whatever the number of items."""
        busy = {stage for stage, count in self.missing.items() if count}
        if not busy:
            return _LOOKING_UP
        return (_WITH_TORCH if busy - {"align"} else _FINDING_FACES) + batch_size * _ITEM

    def free(self, folder: Path) -> int:
        """Bytes that are free where `folder` is, or would be made."""
        place = folder.absolute()
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free

    def _artifact(self, stage: str) -> float:
        """The mean size of the stage's artifacts: of some in the cache, else the typical one."""
        if stage not in self._sizes:
            sizes = []
            for entry in store.list_entries(self.cache, stage):
                if isinstance(entry, store.Entry) and entry.rejected is None:
                    sizes.append(entry.size)
                if len(sizes) >= _SAMPLE:
                    break
            self._sizes[stage] = sum(sizes) / len(sizes) if sizes else TYPICAL_BYTES.get(stage, 100_000)
        return self._sizes[stage]
