"""OASIS's losses against sums done by hand, and label mixing along the regions of the label map."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from facesynth.core.labels import NUM_LABELS
from facesynth.training.spade.segmentation_losses import (
    balanced_cross_entropy,
    label_mixture,
    mixing_consistency,
    painted_cross_entropy,
)
from tests.drawn_pairs import drawn_labels


def one_hot(labels: Tensor, count: int = NUM_LABELS) -> Tensor:
    return F.one_hot(labels.long(), count).permute(0, 3, 1, 2).float()


def faces(count: int = 3) -> Tensor:
    return one_hot(torch.stack([torch.tensor(drawn_labels(seed, 32).ids) for seed in range(count)]))


def test_class_balance_is_the_inverse_frequency_by_hand() -> None:
    # 2 labels and `painted`; of four pixels three are label 0 and one is label 1. α = 4/(2·3) and 4/(2·1).
    label_map = one_hot(torch.tensor([[[0, 0], [0, 1]]]), 2)
    logits = torch.randn(1, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    surprise = -logits.log_softmax(1)
    by_hand = (
        2 / 3 * (surprise[0, 0, 0, 0] + surprise[0, 0, 0, 1] + surprise[0, 0, 1, 0]) + 2 * surprise[0, 1, 1, 1]
    ) / 4
    torch.testing.assert_close(balanced_cross_entropy(logits, label_map), by_hand)


def test_a_rare_label_weighs_as_much_as_a_common_one() -> None:
    label_map = torch.zeros(1, NUM_LABELS, 8, 8)
    label_map[:, 0] = 1
    label_map[:, :, 3, 3] = 0
    label_map[:, 5, 3, 3] = 1
    wrong_everywhere, wrong_at_one = (torch.zeros(1, NUM_LABELS + 1, 8, 8) for _ in range(2))
    wrong_everywhere[:, 0] = -3
    wrong_everywhere[:, :, 3, 3] = 0
    wrong_at_one[:, 5, 3, 3] = -3
    torch.testing.assert_close(
        balanced_cross_entropy(wrong_everywhere, label_map), balanced_cross_entropy(wrong_at_one, label_map)
    )


def test_who_knows_nothing_pays_the_same_for_real_and_painted() -> None:
    label_map = faces()
    nothing = torch.zeros(3, NUM_LABELS + 1, 32, 32)
    for loss in (balanced_cross_entropy(nothing, label_map), painted_cross_entropy(nothing, torch.ones(3, 1, 32, 32))):
        assert loss.item() == pytest.approx(math.log(NUM_LABELS + 1))


def test_pixels_without_a_label_do_not_count() -> None:
    label_map, logits = faces(), torch.randn(3, NUM_LABELS + 1, 32, 32)
    label_map[..., :16, :] = 0
    other = logits.clone()
    other[..., :16, :] += torch.randn(3, NUM_LABELS + 1, 16, 32)
    torch.testing.assert_close(balanced_cross_entropy(logits, label_map), balanced_cross_entropy(other, label_map))
    visible = label_map.sum(1, keepdim=True)
    torch.testing.assert_close(painted_cross_entropy(logits, visible), painted_cross_entropy(other, visible))
    assert balanced_cross_entropy(logits, torch.zeros_like(label_map)) == 0


def test_losses_are_low_for_the_right_answer_and_lead_there() -> None:
    label_map = faces()
    right = torch.cat([label_map, torch.zeros(3, 1, 32, 32)], 1) * 20
    assert balanced_cross_entropy(right, label_map) < 1e-3
    assert painted_cross_entropy(right, torch.ones(3, 1, 32, 32)) > 10
    logits = torch.zeros_like(right, requires_grad=True)
    balanced_cross_entropy(logits, label_map).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert (logits.grad[:, :NUM_LABELS][label_map > 0] < 0).all() and (logits.grad[:, NUM_LABELS] > 0).all()


def test_the_mixing_mask_is_whole_regions_of_each_sample() -> None:
    label_map = faces(16)
    mask = label_mixture(label_map, torch.Generator().manual_seed(3))
    assert set(mask.flatten().tolist()) == {0.0, 1.0}
    for sample, chosen in zip(label_map, mask, strict=True):
        for region in sample:
            assert len(set(chosen[0][region > 0].flatten().tolist())) <= 1  # one coin a label
    skin = torch.stack([chosen[0][sample[1] > 0][0] for sample, chosen in zip(label_map, mask, strict=True)])
    assert 0 < skin.mean() < 1  # and another for each sample
    assert torch.equal(mask, label_mixture(label_map, torch.Generator().manual_seed(3)))


def test_mixing_is_consistent_where_the_answer_is_local_and_not_where_it_is_shifted() -> None:
    label_map = faces()
    mask = label_mixture(label_map, torch.Generator().manual_seed(0))
    photos, painted, everywhere = torch.rand(3, 3, 32, 32), torch.rand(3, 3, 32, 32), torch.ones(3, 1, 32, 32)
    mixed = mask * photos + (1 - mask) * painted

    def local(x: Tensor) -> Tensor:
        return 3 * x**2 - x

    assert mixing_consistency(local(photos), local(painted), local(mixed), mask, everywhere) < 1e-10
    real, fake, both = (local(x).roll(2, -1) for x in (photos, painted, mixed))
    assert mixing_consistency(real, fake, both, mask, everywhere) > 1e-3
    assert mixing_consistency(real, fake, both, mask, torch.zeros_like(everywhere)) == 0


def test_mixing_consistency_is_the_mean_square_by_hand() -> None:
    real, fake, mixed = (torch.full((1, 2, 1, 2), value) for value in (1.0, 5.0, 2.0))
    mask = torch.tensor([[[[1.0, 0.0]]]])
    # The first pixel should be 1 and is 2, the second should be 5 and is 2.
    assert mixing_consistency(real, fake, mixed, mask, torch.ones(1, 1, 1, 2)).item() == pytest.approx((1 + 9) / 2)
    assert mixing_consistency(real, fake, mixed, mask, mask).item() == pytest.approx(1)
