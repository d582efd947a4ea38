"""The Fréchet distance of two Gaussians fitted to features; over Inception's pool features it is the FID."""

from __future__ import annotations

import math

from facesynth.core.errors import FacesynthError, UsageError
from facesynth.metrics.libraries import needing
from facesynth.metrics.moments import Moments


def frechet_distance(real: Moments, generated: Moments) -> float:
    """|m_r - m_g|² + Tr(S_r + S_g - 2 (S_r S_g)^½) by torch-fidelity (Heusel et al. 2017, eq. 6); 0 or more.

    Takes time of D³: seconds for 2048. Raises UsageError where a side has fewer than 2 pictures, ValueError where the
    dimensions differ, FacesynthError where the result is no finite number, DependencyMissing.
    """
    if real.dim != generated.dim:
        raise ValueError(f"features of {real.dim} and of {generated.dim} dimensions cannot be compared")
    if min(real.count, generated.count) < 2:
        raise UsageError(
            f"a Fréchet distance needs at least 2 pictures a side, here are {real.count} and {generated.count}",
            hint="give more pictures; thousands make the number comparable",
        )
    with needing("torch-fidelity"):
        from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_statistics_to_metric
    first, second = ({"mu": side.mean, "sigma": side.covariance} for side in (real, generated))
    distance = float(fid_statistics_to_metric(first, second, verbose=False)[KEY_METRIC_FID])
    if not math.isfinite(distance):
        raise FacesynthError(
            "the Fréchet distance is not a finite number", hint="use weights whose features are of an ordinary size"
        )
    return max(0.0, distance)  # rounding takes that of equal sets below 0


def few_pictures_warning(real: Moments, generated: Moments) -> str | None:
    """Words that must stand beside a Fréchet distance whose covariances cannot be of full rank (N ≤ D), else None."""
    smaller = min(real.count, generated.count)
    if smaller > real.dim:
        return None
    return (
        f"{smaller} pictures give no covariance of full rank in {real.dim} dimensions: the distance is biased upwards, "
        f"compare it only with one over as many pictures ({real.count} against {generated.count})"
    )
