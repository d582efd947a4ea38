"""How fast a network learns at each moment of its run."""

from __future__ import annotations

from typing import Protocol


class Paced(Protocol):
    """What a pace is made of, in images."""

    @property
    def images(self) -> int: ...
    @property
    def warmup_images(self) -> int: ...
    @property
    def decay_images(self) -> int: ...


def pace_at(run: Paced, nimg: int, step: int, time_gone: float = 0.0) -> float:
    """The share of the learning rates in the step of so many images that starts at image `nimg`, 0 to 1.

    A linear warm-up, a constant stretch, and a linear decay to zero over the last `decay_images`, over the whole run
    where that is shorter. With a limited time, of which the share `time_gone` has passed, it decays by that where it is
    further than the images are.
    """
    pace = min(1.0, (nimg + step) / run.warmup_images) if run.warmup_images else 1.0
    if run.decay_images:
        left = min(run.images - nimg, (1 - time_gone) * run.images)
        pace *= min(1.0, max(0.0, left / min(run.decay_images, run.images)))
    return pace
