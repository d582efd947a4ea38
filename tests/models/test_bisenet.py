"""BiSeNet: the checkpoint's names and shapes, and the numbers that an independent writing of it gives."""

from __future__ import annotations

import pytest
import torch

from facesynth.models.bisenet import Bisenet
from facesynth.models.specs import BisenetSpec
from tests.made_checkpoints import bisenet_logits, bisenet_state


def main_head_alone(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key: value for key, value in state.items() if not key.startswith(("conv_out16.", "conv_out32."))}


def test_the_published_network_has_these_names_shapes_and_sizes() -> None:
    published = main_head_alone(bisenet_state(width=64))
    with torch.device("meta"):
        state = Bisenet(BisenetSpec()).state_dict()
    assert {key: value.shape for key, value in state.items()} == {key: value.shape for key, value in published.items()}
    # Bytes that others count in parsing_bisenet.pth, the same file, for its main head's floating-point tensors.
    assert sum(value.nbytes for value in published.values() if value.is_floating_point()) == 52_650_752


@pytest.mark.parametrize("size", [(64, 64), (96, 160)])
def test_logits_are_those_of_another_writing(size: tuple[int, int]) -> None:
    state = bisenet_state(width=8)
    network = Bisenet(BisenetSpec(width=8)).eval()
    network.load_state_dict(main_head_alone(state))
    faces = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        logits, wanted = network(faces), bisenet_logits(state, faces)
    assert logits.shape == (2, 19, *size)
    assert wanted.std() > 0.1, "the comparison would say nothing"
    torch.testing.assert_close(logits, wanted, atol=1e-4, rtol=1e-4)


def test_sides_need_no_common_divisor() -> None:
    network = Bisenet(BisenetSpec(width=2)).eval()
    with torch.inference_mode():
        assert network(torch.randn(1, 3, 47, 65)).shape == (1, 19, 47, 65)


@pytest.mark.parametrize("fields", [{"size": 100}, {"size": 32}, {"width": 0}, {"width": 100_000}, {"labels": 0}])
def test_impossible_specs_are_refused(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"parser size|BiSeNet"):
        BisenetSpec(**fields)
