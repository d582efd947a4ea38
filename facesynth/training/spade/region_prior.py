"""The prior of regions' styles: normal each, and related, since the regions of one face have much in common.

The codes z of a face's regions are N(0, 1) each, with one correlation ρ between any two of them, channel by channel. A
seed so gives a face whose nose goes with its cheeks. Noise of the posterior is related in the same way: a posterior
that tells nothing is the prior itself, and then costs 0 nats, as with one style a face.
"""

from __future__ import annotations

import math

from torch import Tensor


def related(normal: Tensor, correlation: float) -> Tensor:
    """N(0, 1) for a face and each of its labels, N×(1 + labels)×C → N×labels×C, N(0, 1) and correlated over labels."""
    return math.sqrt(correlation) * normal[:, :1] + math.sqrt(1 - correlation) * normal[:, 1:]


def region_kl_divergence(mean: Tensor, log_variance: Tensor, present: Tensor, correlation: float) -> Tensor:
    """KL(posterior ‖ prior) in nats: summed over regions and channels, mean over the images.

    mean, log_variance: N×labels×C; present: N×labels bool, the others do not count. For k regions the prior's
    covariance is Σ = (1 - ρ)·I + ρ·11ᵀ, the posterior's D·Σ·D with the deviations D.
    """
    there = present[:, :, None].float()
    mean, log_variance = mean.float() * there, log_variance.float() * there
    count = there.sum(1)
    # Σ⁻¹ = a·(I - b·11ᵀ), from Sherman and Morrison; det(D·Σ·D) / det Σ = det D².
    a = 1 / (1 - correlation)
    b = correlation / (1 - correlation + count * correlation)
    deviation = (0.5 * log_variance).exp() * there
    own, summed = deviation.square().sum(1), deviation.sum(1)
    trace = a * ((1 - b) * own - b * correlation * (summed.square() - own))
    distance = a * (mean.square().sum(1) - b * mean.sum(1).square())
    return 0.5 * (trace + distance - count - log_variance.sum(1)).sum(1).mean()
