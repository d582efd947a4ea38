"""The kernel distance (squared MMD of a cubic kernel) of two sets; over Inception's pool features it is the KID."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facesynth.core.errors import UsageError
from facesynth.metrics.features import SomeFeatures, checked_features, let_go
from facesynth.metrics.libraries import needing
from facesynth.metrics.spread import MeanSd

COMMON_SUBSET_SIZE = 1000
"""The subset size that published KIDs use."""

FEW = 100
"""Subsets of fewer pictures are warned of: over them the distance of like sets strays as far as many generators do."""


@dataclass(frozen=True, slots=True)
class KernelDistance:
    """A kernel distance over `spread.count` random subsets of `subset_size` pictures a side."""

    spread: MeanSd
    subset_size: int


def kernel_distance(
    real: SomeFeatures,
    generated: SomeFeatures,
    *,
    subsets: int = 100,
    subset_size: int | None = COMMON_SUBSET_SIZE,
    seed: int = 2020,
) -> KernelDistance:
    """Unbiased squared MMD with the kernel (x·y / D + 1)³ by torch-fidelity (Bińkowski et al. 2018).

    Unbiased: about 0 for sets of one distribution, so it may lie below 0. Of memory-mapped sets only one subset a side
    is held at a time. `subset_size` None takes 1000, or half of the smaller set where that holds no more than 1000 (a
    whole set would leave nothing to draw). Draws are torch-fidelity's own for the same seed. Raises UsageError for a
    subset larger than a set or below 2, FacesynthError for NaN, ValueError for other shapes, DependencyMissing.
    """
    checked_features(real, "the first set")
    checked_features(generated, "the second set", dim=real.shape[1])
    size = _fitting_size(subset_size, len(real), len(generated))
    if subsets < 1:
        raise UsageError(f"a kernel distance is taken over at least 1 subset, not {subsets}")
    with needing("torch-fidelity"):
        from torch_fidelity.metric_kid import kernel_mmd
    random = np.random.RandomState(seed)
    found = []
    for _ in range(subsets):  # torch-fidelity's own loop, which takes whole tensors alone
        first, second = (side[random.choice(len(side), size, replace=False)] for side in (real, generated))
        found.append(float(kernel_mmd(first, second)))
        let_go(real)
        let_go(generated)
    return KernelDistance(MeanSd.of(found), size)


def small_subsets_warning(subset_size: int) -> str | None:
    """Words that must stand beside a kernel distance over subsets of fewer than FEW pictures, else None."""
    if subset_size >= FEW:
        return None
    return (
        f"subsets of {subset_size} pictures are few for a kernel distance (published ones take {COMMON_SUBSET_SIZE}): "
        "it is not biased, but small differences are chance"
    )


def _fitting_size(asked: int | None, real: int, generated: int) -> int:
    smaller = min(real, generated)
    size = asked
    if size is None:
        size = COMMON_SUBSET_SIZE if smaller > COMMON_SUBSET_SIZE else smaller // 2
    counts = f"the sets hold {real} and {generated} pictures"
    if asked is None and size < 2:
        raise UsageError(f"a kernel distance needs at least 4 pictures a side: {counts}", hint="give more pictures")
    if size < 2:
        raise UsageError(f"subsets of a kernel distance hold at least 2 pictures, not {size}")
    if size > smaller:
        raise UsageError(
            f"subsets of {size} pictures cannot be drawn: {counts}",
            hint=f"give more pictures or a subset size of at most {smaller}",
        )
    return size
