"""The perceptual distance over features, and its scale where a batch is shared out."""

from __future__ import annotations

import torch

from facesynth.models.perceptual import MobileNetFeatures, PerceptualDistance


def test_the_scale_is_that_of_all_processes() -> None:
    torch.manual_seed(0)
    distance = PerceptualDistance(MobileNetFeatures())
    pictures, references = torch.rand(2, 3, 32, 32) * 2 - 1, torch.rand(2, 3, 32, 32) * 2 - 1
    alone = distance(pictures, references)
    assert alone > 0 and distance(references, references) == 0
    distance.joined = lambda mean: 2 * mean  # the others' pictures have features three times as large
    torch.testing.assert_close(distance(pictures, references), alone / 2, rtol=1e-2, atol=0)
