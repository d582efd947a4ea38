"""What the discriminators are shown of odd and disturbed batches: nothing that tells the painted picture by its map."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from facesynth.datasets.packed import packed
from facesynth.datasets.pairs import open_pairs
from facesynth.store import ArtifactStore
from facesynth.training.runs.spade import DiffAugment, OddMaps, SpadeRun
from facesynth.training.spade.batches import Batch, Batches, seen
from tests.drawn_pairs import write_pairs
from tests.training.test_runs import spade_run

CPU = torch.device("cpu")


def batch_of(tmp_path: Path, **changes: object) -> Batch:
    folder = write_pairs(tmp_path / "pairs", 8)
    config: SpadeRun = spade_run(folder, batch_size=8, **changes)
    with packed(open_pairs(folder), 72, ArtifactStore(tmp_path / "cache")) as pairs:
        return Batches(pairs, config, CPU)(0)


def test_without_odd_maps_there_is_one_label_map(tmp_path: Path) -> None:
    batch = batch_of(tmp_path)
    assert batch.own is batch.drawn is batch.told is batch.wanted and batch.agreement is None
    view = seen(batch, batch.faces, DiffAugment(), torch.Generator())
    assert view.faces is batch.faces and view.painted is batch.faces and view.told is batch.own
    assert view.visible.all() and view.shared.all()


def test_redrawn_samples_hide_their_map_and_loose_ones_show_the_drawing(tmp_path: Path) -> None:
    redrawn = batch_of(tmp_path / "a", odd_maps=OddMaps(share=1, redrawn=1))
    assert not redrawn.told.any()
    assert torch.equal(redrawn.wanted, redrawn.drawn)  # all of the drawing is asked for
    loose = batch_of(tmp_path / "b", odd_maps=OddMaps(share=1, redrawn=0))
    assert torch.equal(loose.told, loose.drawn)
    asked = loose.wanted.sum(1) > 0
    assert torch.equal(asked, (loose.drawn * loose.own).sum(1) > 0) and not asked.all()
    for batch in (redrawn, loose):
        assert (batch.drawn.sum(1) == 1).all() and (batch.own.sum(1) == 1).all()
        assert not torch.equal(batch.drawn, batch.own)
        assert batch.agreement is not None
        assert ((batch.drawn * batch.own).sum(1, keepdim=True)[batch.agreement > 0] == 1).all()


def test_samples_that_are_not_odd_are_as_ever(tmp_path: Path) -> None:
    plain, some = batch_of(tmp_path / "a"), batch_of(tmp_path / "b", odd_maps=OddMaps(share=0.4))
    same = (some.drawn == some.own).flatten(1).all(1)
    assert 0 < same.sum() < 8
    assert torch.equal(some.faces, plain.faces) and torch.equal(some.own, plain.own)
    assert some.agreement is not None and (some.agreement[same] == 1).all()
    assert torch.equal(some.told[same], plain.own[same]) and torch.equal(some.wanted[same], plain.own[same])
    view = seen(some, some.faces, DiffAugment(), torch.Generator())
    assert torch.equal(view.shared.flatten(1).all(1), same)


@pytest.mark.parametrize("odd", [OddMaps(), OddMaps(share=0.5)], ids=["plain", "odd"])
def test_a_view_moves_everything_alike(tmp_path: Path, odd: OddMaps) -> None:
    batch = batch_of(tmp_path, odd_maps=odd)
    config = DiffAugment(colour=1, translation=0.125, cutout=0.5)
    view = seen(batch, batch.faces.clone(), config, torch.Generator().manual_seed(0))
    assert torch.equal(view.painted, view.faces)  # the same picture given as painted stays the same picture
    assert torch.equal(view.own.sum(1, keepdim=True), view.visible)
    hidden = view.visible == 0
    assert hidden.any() and (view.faces.abs().sum(1, keepdim=True)[hidden] == 0).all()
    assert (view.told.sum(1, keepdim=True)[hidden] == 0).all() and (view.shared <= view.visible).all()
