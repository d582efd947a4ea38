"""Labels at a face's size are those of bilinearly scaled logits."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from facesynth.inference.label_scaling import labels_at

SIZES = [(40, 40, 128, 128), (40, 40, 256, 100), (13, 27, 64, 64), (1, 1, 9, 9), (1, 6, 30, 20), (6, 1, 30, 20)]
SIZES += [(64, 64, 40, 40), (33, 64, 7, 128), (2, 2, 3, 3)]


def logits(height: int, width: int, *, rough: float) -> Tensor:
    """Areas of many labels, with noise so that some borders are ragged."""
    draw = torch.Generator().manual_seed(height * 100 + width)
    areas = F.interpolate(torch.randn(1, 19, 5, 5, generator=draw), (height, width), mode="bilinear")[0]
    return areas + rough * torch.randn(19, height, width, generator=draw)


@pytest.mark.parametrize(("h", "w", "height", "width"), SIZES)
@pytest.mark.parametrize("rough", [0.0, 0.2, 2.0])
@pytest.mark.parametrize("channels_last", [True, False])
def test_they_are_the_argmax_of_scaled_logits(
    h: int, w: int, height: int, width: int, rough: float, channels_last: bool
) -> None:
    few = logits(h, w, rough=rough)
    scaled = F.interpolate(few[None], (height, width), mode="bilinear", align_corners=False)[0]
    if channels_last:
        few = few[None].contiguous(memory_format=torch.channels_last)[0]
    found = labels_at(few, height, width)
    assert found.dtype == torch.uint8 and found.shape == (height, width)
    best = scaled.max(0).values
    told = scaled.gather(0, found.long()[None])[0]
    assert float((best - told).abs().max()) < 1e-5  # where two labels tie, either is right
    assert float((found == scaled.argmax(0)).float().mean()) >= 0.999


def test_at_their_own_size_they_are_the_argmax() -> None:
    few = logits(31, 17, rough=1.0)
    assert torch.equal(labels_at(few, 31, 17), few.argmax(0).to(torch.uint8))


def test_a_large_ragged_map_takes_little_memory() -> None:
    """Scaled whole, 19 labels of 1024×1024 pixels would take 76 MiB, and gathering four neighbours each some 400."""
    few = logits(256, 256, rough=3.0)
    with torch.profiler.profile(profile_memory=True, activities=[torch.profiler.ProfilerActivity.CPU]) as told:
        labels_at(few, 1024, 1024)
    allocated = [event.self_cpu_memory_usage for event in told.key_averages() if event.key == "aten::lerp"]
    assert max(event.cpu_memory_usage for event in told.events()) < 60 * 2**20, allocated
