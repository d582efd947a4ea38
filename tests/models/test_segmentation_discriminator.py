"""The U-Net discriminator: a class a pixel from the picture alone, the paper's channels, gradients throughout."""

from __future__ import annotations

import pytest
import torch

from facesynth.models.segmentation_discriminator import SegmentationDiscriminator
from facesynth.models.specs import SegmentationDiscriminatorSpec

TINY = SegmentationDiscriminatorSpec(depth=3, width=4, max_width=16)


def test_every_pixel_gets_a_logit_for_each_label_and_for_painted() -> None:
    network = SegmentationDiscriminator(TINY).eval()
    for side in (32, 64):  # any multiple of 2^depth
        assert network(torch.randn(2, 3, side, side)).shape == (2, 20, side, side)


def test_default_channels_are_the_papers() -> None:
    with torch.device("meta"):
        network = SegmentationDiscriminator(SegmentationDiscriminatorSpec())
    assert [block.get_submodule("conv_0").out_channels for block in network.down] == [128, 128, 256, 256, 512, 512]
    assert [block.get_submodule("conv_0").in_channels for block in network.up] == [512, 1024, 512, 512, 256, 256]
    assert [block.get_submodule("conv_0").out_channels for block in network.up] == [512, 256, 256, 128, 128, 64]


def test_gradients_reach_every_parameter_and_the_picture() -> None:
    torch.manual_seed(0)
    network = SegmentationDiscriminator(TINY)
    picture = torch.randn(1, 3, 32, 32, requires_grad=True)
    network(picture).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in network.parameters())
    assert picture.grad is not None and (picture.grad.abs().sum(1) > 0).all()


def test_fine_detail_goes_across_without_passing_the_bottom() -> None:
    """A pixel's answer depends on its own neighbourhood even where the deepest map is wiped out."""
    torch.manual_seed(0)
    network = SegmentationDiscriminator(TINY).eval()
    network.up[0].register_forward_hook(lambda module, inputs, output: torch.zeros_like(output))
    picture = torch.randn(1, 3, 32, 32)
    changed = picture.clone()
    changed[..., 5, 5] += 3
    difference = (network(changed) - network(picture)).abs().sum(1)[0]
    assert difference[5, 5] > 0
    assert difference[24:, 24:].max() == 0


def test_sizes_that_fill_the_memory_or_have_no_meaning_are_refused() -> None:
    for changes in ({"depth": 0}, {"width": 100_000}, {"max_width": 0}, {"labels": 0}):
        with pytest.raises(ValueError, match="segmentation discriminator"):
            SegmentationDiscriminatorSpec(**changes)  # type: ignore[arg-type]
