"""The prior of regions' styles as training uses it: draws from it, and what a posterior costs beside it.

A seed gives a face whose nose goes with its cheeks, as `RegionPrior` has it. Noise of the posterior is related in the
same way: a posterior that tells nothing is the prior itself, and then costs 0 nats, as with one style a face.
"""

from __future__ import annotations

import torch
from torch import Tensor

from facesynth.core.region_prior import RegionPrior


def related(normal: Tensor, prior: RegionPrior) -> Tensor:
    """N(0, 1) for a face, each of its labels and what is bare, N×(labels + 2)×C → N×labels×C: codes of the prior."""
    own, bare = (torch.from_numpy(share).to(normal.device)[:, None] for share in (prior.own, prior.bare))
    return prior.shared * normal[:, :1] + own * normal[:, 1:-1] + bare * normal[:, -1:]


def region_kl_divergence(mean: Tensor, log_variance: Tensor, present: Tensor, prior: RegionPrior) -> Tensor:
    """KL(posterior ‖ prior) in nats: summed over regions and channels, mean over the images.

    mean, log_variance: N×labels×C; present: N×labels bool, the others do not count. With the covariance Σ of the
    prior over the regions that are there, the posterior's is D·Σ·D with the deviations D, so that
    KL = (tr(Σ⁻¹·D·Σ·D) + μᵀ·Σ⁻¹·μ - k - ln det D²) / 2 for k regions.
    """
    there = present.to(torch.float32)
    mean, log_variance = mean.float() * there[:, :, None], log_variance.float() * there[:, :, None]
    deviation = (0.5 * log_variance).exp() * there[:, :, None]
    # A region that is not there is one that is alone, which leaves the others' inverse as it would be without it.
    both = there[:, :, None] * there[:, None, :]
    covariance = torch.from_numpy(prior.covariance).to(mean.device) * both + torch.diag_embed(1 - there)
    precision = torch.linalg.inv(covariance)[..., None]
    # Products by hand: in mixed precision a matrix product would round what nearly cancels.
    spread = precision * covariance[..., None] * deviation[:, :, None] * deviation[:, None, :]
    distance = precision * mean[:, :, None] * mean[:, None, :]
    nats: Tensor = 0.5 * ((spread + distance).sum((1, 2)) - there.sum(1)[:, None] - log_variance.sum(1))
    return nats.sum(1).mean()
