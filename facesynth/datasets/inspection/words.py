"""Numbers of an inspection as people read them, the same in the table and on the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from facesynth.core.labels import LABEL_NAMES, READABLE
from facesynth.datasets.inspection.census import Size
from facesynth.datasets.inspection.examination import Fault
from facesynth.datasets.inspection.inspect import DuplicateFaces, Inspection
from facesynth.datasets.manifest import SIDES

_EXACT = 8
_STEPS = (64, 128, 256, 512, 1024, 2048)


MEANINGS: Mapping[str, str] = MappingProxyType(
    {name: READABLE[LABEL_NAMES.index(name)] for name in ("eye_g", "u_lip", "l_lip", "ear_r", "neck_l")}
)
"""What the names of classes stand for that are easily misread."""


def percent(share: float) -> str:
    """A share from 0 to 1 with three figures or fewer: `28.6 %`, `0.42 %`, `0.013 %`."""
    if share <= 0:
        return "0 %"
    if share >= 0.9995:
        return "100 %" if share >= 1 else "99.9 %"
    digits = 1 if share >= 0.1 else 2 if share >= 0.001 else 3
    return f"{max(100 * share, 0.001):.{digits}f} %"


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 group`, `1,204 groups`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size_rows(sizes: Sequence[tuple[Size, int]]) -> list[tuple[str, int]]:
    """Sizes with their counts: each size where there are few, the most frequent first; else ranges of the shorter side.

    Ranges are from small to large, those that are empty at the ends left out.
    """
    if len(sizes) <= _EXACT:
        return [(f"{width}×{height}", count) for (width, height), count in sizes]
    binned: Counter[int] = Counter()
    for size, count in sizes:
        binned[sum(min(size) >= step for step in _STEPS)] += count
    return [(_range(place), binned[place]) for place in range(min(binned), max(binned) + 1)]


def _range(place: int) -> str:
    low, high = (0, *_STEPS)[place], (*_STEPS, 0)[place]
    told = f"under {high}" if not low else f"from {low}" if not high else f"{low}–{high - 1}"
    return f"shorter side {told}"


def copies_told(inspection: Inspection) -> str:
    """How many groups of duplicates there are, and of what kind: `8 groups: 3 same file, 5 look-alike`."""
    groups = inspection.duplicates or ()
    kinds = Counter(group.relation for group in groups)
    told = ", ".join(f"{kinds[kind]:,} {kind}" for kind in ("same file", "look-alike", "mirrored") if kinds[kind])
    return counted(len(groups), "group") + (f": {told}" if told else "")


def shared_words(faults: Sequence[Fault]) -> str | None:
    """What is told of every one of several faults, so that it need be told but once; None where they differ."""
    said = {fault.what for fault in faults}
    return said.pop() if len(faults) > 1 and len(said) == 1 else None


def unknown_side(side: str) -> str:
    """What is wrong with a side of another name."""
    return f"{side!r} is no side: {', '.join(SIDES[:-1])} and {SIDES[-1]} are"


def sides_crossed(group: DuplicateFaces, division: str) -> str:
    """The sides of a division that a group lies on: `train ↔ test`."""
    sides = dict.fromkeys(copy.sides[division] for copy in group.copies if division in copy.sides)
    return " ↔ ".join(sides)
