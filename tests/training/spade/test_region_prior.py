"""The prior of regions' styles against what torch knows of normal distributions."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from facesynth.training.losses import kl_divergence as of_whole_faces
from facesynth.training.spade.region_prior import region_kl_divergence, related


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.9])
def test_the_divergence_is_that_of_the_distributions(correlation: float) -> None:
    draw = torch.Generator().manual_seed(0)
    mean, log_variance = torch.randn(2, 3, 6, 4, generator=draw).unbind()
    present = torch.tensor([[1, 1, 1, 1, 1, 1], [0, 1, 0, 1, 1, 0], [0, 0, 0, 0, 1, 0]]) > 0
    expected = 0.0
    for sample in range(3):
        there = present[sample]
        count = int(there.sum())
        prior = (1 - correlation) * torch.eye(count) + correlation
        for channel in range(4):
            deviation = torch.diag((0.5 * log_variance[sample, there, channel]).exp())
            posterior = MultivariateNormal(mean[sample, there, channel], deviation @ prior @ deviation)
            expected += float(kl_divergence(posterior, MultivariateNormal(torch.zeros(count), prior)))
    found = region_kl_divergence(mean, log_variance, present, correlation)
    assert float(found) == pytest.approx(expected / 3, rel=1e-3)


def test_a_posterior_that_tells_nothing_costs_nothing_and_so_does_no_region() -> None:
    zero, present = torch.zeros(2, 6, 4), torch.tensor([[True] * 6, [False] * 6])
    assert region_kl_divergence(zero, zero, present, 0.5).abs() < 1e-5
    assert region_kl_divergence(zero + 3, zero - 2, ~present & False, 0.5) == 0


def test_one_region_is_one_whole_face() -> None:
    mean, log_variance = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0)).unbind()
    found = region_kl_divergence(mean[:, None], log_variance[:, None], torch.ones(5, 1) > 0, 0.5)
    torch.testing.assert_close(found, of_whole_faces(mean, log_variance))


def test_regions_that_agree_cost_less_than_regions_that_do_not() -> None:
    zero, present = torch.zeros(1, 2, 1), torch.ones(1, 2) > 0
    alike, unlike = torch.tensor([[[1.0], [1.0]]]), torch.tensor([[[1.0], [-1.0]]])
    assert region_kl_divergence(alike, zero, present, 0.5) < region_kl_divergence(unlike, zero, present, 0.5)
    assert region_kl_divergence(alike, zero, present, 0.0) == region_kl_divergence(unlike, zero, present, 0.0)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_draws_have_the_correlation_they_should(correlation: float) -> None:
    normal = torch.randn(50_000, 1 + 3, 1, generator=torch.Generator().manual_seed(0))
    draws = related(normal, correlation)[:, :, 0]
    expected = (1 - correlation) * torch.eye(3) + correlation
    torch.testing.assert_close(torch.cov(draws.T), expected, atol=0.03, rtol=0)
