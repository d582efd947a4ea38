"""The prior of regions' styles against what torch knows of normal distributions."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, kl_divergence

from facesynth.core.region_prior import RegionPrior
from facesynth.training.losses import kl_divergence as of_whole_faces
from facesynth.training.spade.region_prior import region_kl_divergence, related

HALF = 0.5, 0.0
CORRELATIONS = pytest.mark.parametrize(("region", "face"), [(0.0, 0.0), (0.3, 0.0), (0.9, 0.0), (0.15, 0.6)])


def written_out(region: float, face: float, labels: int) -> Tensor:
    """The covariance, entry by entry: label 3 is glasses and label 0 the background."""
    covariance = torch.full((labels, labels), region)
    bare = [label for label in range(labels) if label not in (0, 3)]
    for one in bare:
        for other in bare:
            covariance[one, other] = region + face
    return covariance.fill_diagonal_(1)


@CORRELATIONS
def test_the_divergence_is_that_of_the_distributions(region: float, face: float) -> None:
    draw = torch.Generator().manual_seed(0)
    mean, log_variance = torch.randn(2, 3, 6, 4, generator=draw).unbind()
    present = torch.tensor([[1, 1, 1, 1, 1, 1], [0, 1, 0, 1, 1, 0], [0, 0, 0, 0, 1, 0]]) > 0
    expected = 0.0
    for sample in range(3):
        there = present[sample]
        prior = written_out(region, face, 6)[there][:, there]
        for channel in range(4):
            deviation = torch.diag((0.5 * log_variance[sample, there, channel]).exp())
            posterior = MultivariateNormal(mean[sample, there, channel], deviation @ prior @ deviation)
            expected += float(kl_divergence(posterior, MultivariateNormal(torch.zeros(len(prior)), prior)))
    found = region_kl_divergence(mean, log_variance, present, RegionPrior(6, region, face))
    assert float(found) == pytest.approx(expected / 3, rel=1e-3)


def test_a_posterior_that_tells_nothing_costs_nothing_and_so_does_no_region() -> None:
    zero, present = torch.zeros(2, 6, 4), torch.tensor([[True] * 6, [False] * 6])
    prior = RegionPrior(6, 0.2, 0.5)
    assert region_kl_divergence(zero, zero, present, prior).abs() < 1e-5
    assert region_kl_divergence(zero + 3, zero - 2, ~present & False, prior) == 0


def test_one_region_is_one_whole_face() -> None:
    mean, log_variance = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0)).unbind()
    one = torch.ones(5, 1) > 0
    found = region_kl_divergence(mean[:, None], log_variance[:, None], one, RegionPrior(1, *HALF))
    torch.testing.assert_close(found, of_whole_faces(mean, log_variance))


def test_regions_that_agree_cost_less_than_regions_that_do_not() -> None:
    zero, present = torch.zeros(1, 2, 1), torch.ones(1, 2) > 0
    alike, unlike = torch.tensor([[[1.0], [1.0]]]), torch.tensor([[[1.0], [-1.0]]])
    related_ones, apart = RegionPrior(2, *HALF), RegionPrior(2, 0.0, 0.0)
    assert region_kl_divergence(alike, zero, present, related_ones) < region_kl_divergence(
        unlike, zero, present, related_ones
    )
    assert region_kl_divergence(alike, zero, present, apart) == region_kl_divergence(unlike, zero, present, apart)


@CORRELATIONS
def test_draws_have_the_correlation_they_should(region: float, face: float) -> None:
    normal = torch.randn(50_000, 6 + 2, 1, generator=torch.Generator().manual_seed(0))
    prior = RegionPrior(6, region, face)
    draws = related(normal, prior)[:, :, 0]
    torch.testing.assert_close(torch.cov(draws.T), written_out(region, face, 6), atol=0.03, rtol=0)
    torch.testing.assert_close(torch.from_numpy(prior.covariance), written_out(region, face, 6))
