"""Improved precision and recall: how many pictures lie where the other set lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facesynth.core.errors import UsageError
from facesynth.metrics.features import Features, PickedRows, SomeFeatures, as_tensor, checked_features, let_go
from facesynth.metrics.libraries import needing

_ROWS_AT_ONCE = 1000

FEW = 1000
"""Samples of fewer pictures are warned of: balls to their neighbours are so large that they hold much else."""


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """Precision and recall (0..1) by `neighbours`, over so many pictures a side as were used."""

    precision: float
    recall: float
    neighbours: int
    real_used: int
    generated_used: int


def precision_recall(
    real: SomeFeatures, generated: SomeFeatures, *, neighbours: int = 3, limit: int = 10_000, seed: int = 2020
) -> PrecisionRecall:
    """Share of generated (precision) and real (recall) pictures inside the other set's manifold, by torch-fidelity.

    The manifold is the union of balls that reach from each picture to its `neighbours`-th nearest of the same set
    (Kynkäänniemi et al. 2019). A set of more than `limit` pictures is sampled without replacement by `seed`, and
    only the sample is held with 1000 × limit distances (0.4 GiB for 10,000 pictures in 2048 dimensions): say the counts
    beside the result. Raises UsageError where a sample holds no more than `neighbours` pictures, FacesynthError for
    NaN, ValueError for other shapes, DependencyMissing.
    """
    checked_features(real, "the first set")
    checked_features(generated, "the second set", dim=real.shape[1])
    used = [min(len(side), limit) for side in (real, generated)]
    if neighbours < 1 or min(used) <= neighbours:
        raise UsageError(
            f"{used[0]} and {used[1]} pictures are too few for a neighbour of rank {neighbours} in each set",
            hint="give more pictures than the rank of the neighbour, which is 1 or more",
        )
    with needing("torch-fidelity"):
        from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric
    found = prc_features_to_metric(
        as_tensor(_sample(generated, limit, seed)),
        as_tensor(_sample(real, limit, seed)),
        prc_neighborhood=neighbours,
        prc_batch_size=_ROWS_AT_ONCE,
        save_cpu_ram=True,
        verbose=False,
    )
    return PrecisionRecall(found[KEY_METRIC_PRECISION], found[KEY_METRIC_RECALL], neighbours, used[0], used[1])


def small_sample_warning(real_used: int, generated_used: int) -> str | None:
    """Words that must stand beside precision and recall over fewer than FEW pictures a side, else None."""
    smaller = min(real_used, generated_used)
    if smaller >= FEW:
        return None
    return (
        f"precision and recall over {smaller} pictures say little ({FEW:,} and more are usual): they depend on how "
        "many there are, compare them only with those over as many"
    )


def _sample(features: SomeFeatures, limit: int, seed: int) -> Features:
    if len(features) <= limit:
        return features[:] if isinstance(features, PickedRows) else features
    rows = np.random.default_rng(seed).choice(len(features), limit, replace=False)
    sample = features[np.sort(rows)]
    let_go(features)
    return sample
