"""How many seeds one evaluation may paint."""

from __future__ import annotations

from collections.abc import Sequence

from facesynth.core.errors import UsageError

MOST_SEEDS = 32
"""All pairs of them are compared, 496 a label map, and as many pictures are open at once."""


def check_seeds(seeds: Sequence[int]) -> None:
    """Raise UsageError where there are more than MOST_SEEDS."""
    if len(seeds) > MOST_SEEDS:
        raise UsageError(
            f"{len(seeds):,} seeds to evaluate, whose pictures are compared each with each: at most {MOST_SEEDS}",
            hint=f"give fewer, such as --seeds 0-{MOST_SEEDS - 1}; `facesynth synthesize` paints any number",
        )
