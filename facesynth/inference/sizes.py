"""How large pictures can be made; what plans and stages ask before any network is loaded. No torch."""

from __future__ import annotations

from facesynth.core.errors import UsageError

SMALLEST, LARGEST = 16, 4096


def check_size(size: int) -> None:
    """Raise UsageError unless a painted picture can be so many pixels wide (16 to 4096)."""
    if not SMALLEST <= size <= LARGEST:
        raise UsageError(f"a picture can be made {SMALLEST} to {LARGEST} pixels wide, not {size}")
