"""Trunks that are built here beside the ones that their weights were made for."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torchvision.models import mobilenet_v2
from torchvision.models.resnet import BasicBlock as TheirBlock

from facesynth.models.bisenet import BasicBlock
from facesynth.models.trunks import MobileNetV2


@pytest.mark.parametrize("whole", [True, False])
def test_mobilenet_v2_is_torchvisions_with_its_names(whole: bool) -> None:
    ours = MobileNetV2(whole=whole).eval()
    theirs = mobilenet_v2(weights=None).features[: len(ours.features)].eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    ours.features.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 64, 96)
    assert torch.equal(ours(x)[-1], theirs(x))
    assert [(each.shape[1], 64 // each.shape[2]) for each in ours(x)] == list(
        zip(ours.channels, (2, 4, 8, 16, 32), strict=False)
    )


@pytest.mark.parametrize("stride", [1, 2])
def test_the_residual_block_is_torchvisions_with_its_names(stride: int) -> None:
    projections = [torch.nn.Conv2d(4, 4, 1, stride=stride) if stride > 1 else None for _ in range(2)]
    ours, theirs = BasicBlock(4, 4, stride, projections[0]).eval(), TheirBlock(4, 4, stride, projections[1]).eval()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 4, 8, 8)
    assert torch.equal(ours(x), theirs(x))


def test_parsing_and_painting_do_not_wait_for_torchvision() -> None:
    code = (
        "import sys, facesynth.inference.parser, facesynth.inference.synthesizer; print('torchvision' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
