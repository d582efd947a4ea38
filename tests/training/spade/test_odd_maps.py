"""Odd label maps: the share that is asked for, of both sorts, by the generator alone; where the photo still counts."""

from __future__ import annotations

import torch
from torch import Tensor

from facesynth.core.labels import NUM_LABELS, Label
from facesynth.training.runs.spade import OddMaps
from facesynth.training.spade.odd_maps import agreement, loosely, oddly_drawn, proportioned
from tests.drawn_pairs import drawn_labels


def batch(count: int = 8, side: int = 48) -> Tensor:
    return torch.stack([torch.tensor(drawn_labels(seed, side).ids).long() for seed in range(count)])


def test_share_0_changes_nothing_and_share_1_every_map() -> None:
    labels = batch()
    same, redrawn = oddly_drawn(labels, OddMaps(share=0, redrawn=1), torch.Generator().manual_seed(0))
    assert torch.equal(same, labels) and not redrawn.any()
    odd, redrawn = oddly_drawn(labels, OddMaps(share=1, redrawn=1), torch.Generator().manual_seed(0))
    assert redrawn.all() and (odd != labels).flatten(1).any(1).all()
    assert odd.dtype == torch.int64 and odd.min() >= 0 and odd.max() < NUM_LABELS


def test_shares_are_those_that_are_asked_for() -> None:
    labels = batch(1, 16).expand(600, -1, -1)
    odd, redrawn = oddly_drawn(labels, OddMaps(share=0.5, redrawn=0.25), torch.Generator().manual_seed(1))
    changed = (odd != labels).flatten(1).any(1)
    assert 0.35 < changed.float().mean() <= 0.55  # some loose drawings of so small a map are the map itself
    assert 0.09 < redrawn.float().mean() < 0.16


def test_the_generator_decides() -> None:
    labels, config = batch(), OddMaps(share=0.7)
    one, same, other = (oddly_drawn(labels, config, torch.Generator().manual_seed(seed))[0] for seed in (3, 3, 4))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_a_loose_drawing_is_of_the_same_face_and_a_redrawn_one_of_another() -> None:
    [labels] = batch(1, 96)
    kept = {"loose": 0.0, "redrawn": 0.0}
    lost: set[int] = set()
    for seed in range(40):
        loose = loosely(labels, torch.Generator().manual_seed(seed))
        redrawn = proportioned(labels, torch.Generator().manual_seed(seed))
        kept["loose"] += (loose == labels).float().mean().item() / 40
        kept["redrawn"] += (redrawn == labels).float().mean().item() / 40
        lost |= set(labels.flatten().tolist()) - set(loose.flatten().tolist())
        assert (loose == labels).float().mean() > 0.6
        assert set(loose.flatten().tolist()) <= {*labels.flatten().tolist(), int(Label.SKIN), int(Label.L_EAR)}
    assert 0.8 < kept["loose"] < 0.99 and kept["redrawn"] < 0.99
    assert {Label.L_BROW, Label.R_BROW} <= lost


def test_drawings_that_are_not_vague_leave_nothing_out() -> None:
    [labels] = batch(1, 96)
    present = set(labels.flatten().tolist())
    for seed in range(20):
        drawn = loosely(labels, torch.Generator().manual_seed(seed), vague=False)
        assert {Label.SKIN, Label.NOSE, Label.HAIR, Label.NECK, Label.CLOTH} <= set(drawn.flatten().tolist()) <= present


def test_glasses_go_only_when_a_map_is_redrawn() -> None:
    [labels] = batch(1, 96)
    labels[38:46, 30:66] = Label.EYE_G
    for seed in range(30):
        assert (loosely(labels, torch.Generator().manual_seed(seed)) == Label.EYE_G).any()
    gone = [not (proportioned(labels, torch.Generator().manual_seed(seed)) == Label.EYE_G).any() for seed in range(30)]
    assert 4 < sum(gone) < 26


def test_the_photo_counts_where_the_maps_agree_but_for_a_margin() -> None:
    same = torch.ones(1, 1, 100, 100, dtype=torch.bool)
    assert (agreement(same) == 1).all()
    same[..., 50, 50] = False
    counted = agreement(same)
    assert (counted[..., 48:53, 48:53] == 0).all() and counted.sum() == 100 * 100 - 25
