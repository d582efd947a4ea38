"""Each way of drawing a label map does what its name says, to the parts that it names, and makes up no labels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from facesynth.core.labels import Label
from facesynth.training.spade.drawing import (
    FACE,
    among,
    bald,
    blocky,
    grown,
    moved,
    rounded,
    shaken,
    shorn,
    softened,
    stretched,
    without,
)
from tests.drawn_pairs import drawn_labels


@pytest.fixture
def labels() -> Tensor:
    return torch.tensor(drawn_labels(0, 96).ids).long()


def area(labels: Tensor, *parts: Label) -> int:
    return int(among(labels, parts).sum())


def centre(labels: Tensor, part: Label) -> tuple[float, float]:
    rows, columns = torch.nonzero(labels == part, as_tuple=True)
    return rows.float().mean().item(), columns.float().mean().item()


def test_what_is_left_out_is_covered_by_its_surroundings(labels: Tensor) -> None:
    browless = without(labels, among(labels, (Label.L_BROW, Label.R_BROW)))
    changed = browless != labels
    assert torch.equal(changed, among(labels, (Label.L_BROW, Label.R_BROW)))
    assert set(browless[changed].tolist()) == {Label.SKIN}
    hairless = without(labels, labels == Label.HAIR)
    assert set(hairless.flatten().tolist()) == set(labels.flatten().tolist()) - {Label.HAIR}
    nothing_else = torch.full((8, 8), int(Label.HAIR))
    assert torch.equal(without(nothing_else, nothing_else == Label.HAIR), nothing_else)
    assert torch.equal(without(labels, labels == Label.HAT), labels)


def test_a_thick_brush_keeps_areas_and_rounds_borders(labels: Tensor) -> None:
    jagged = shaken(labels, 40, 2.0, torch.Generator().manual_seed(0))
    soft = softened(jagged, 2.5)

    def border(plane: Tensor) -> int:
        return int((plane[1:] != plane[:-1]).sum() + (plane[:, 1:] != plane[:, :-1]).sum())

    assert border(soft) < 0.9 * border(jagged)
    for part in (Label.SKIN, Label.HAIR, Label.NOSE, Label.L_EYE, Label.R_BROW):
        assert area(soft, part) == pytest.approx(area(jagged, part), rel=0.25)
    assert area(softened(labels, 2.5, thicker=1.6), Label.L_EYE) == pytest.approx(
        1.6 * area(labels, Label.L_EYE), rel=0.1
    )
    assert set(soft.flatten().tolist()) <= set(labels.flatten().tolist())


def test_the_thinnest_brush_never_floods_the_map(labels: Tensor) -> None:
    for width in (0.1, 0.5, 1.0):
        assert area(softened(labels, width, thicker=1.8), Label.NOSE) < 2 * area(labels, Label.NOSE)


def test_flat_shapes_are_ellipses_with_the_parts_centres(labels: Tensor) -> None:
    square = torch.where(among(labels, FACE), int(Label.SKIN), labels)
    square[50:60, 30:50] = Label.NOSE
    flat = rounded(square, 2.0, oval=False)
    assert centre(flat, Label.NOSE) == pytest.approx(centre(square, Label.NOSE), abs=0.6)
    assert area(flat, Label.NOSE) == pytest.approx(area(square, Label.NOSE), rel=0.15)
    assert flat[50, 30] != Label.NOSE and flat[55, 29] == Label.NOSE  # no corner, but a longer axis
    twice = rounded(square, 2.0, oval=False, thicker=2.0)
    assert area(twice, Label.NOSE) == pytest.approx(2 * area(flat, Label.NOSE), rel=0.1)
    oval = rounded(labels, 2.0, oval=True)
    assert area(oval, *FACE) == pytest.approx(area(labels, *FACE), rel=0.15)


def test_shaking_moves_borders_only_a_little(labels: Tensor) -> None:
    for cells, reach in ((6, 2.0), (30, 1.5)):
        hand = shaken(labels, cells, reach, torch.Generator().manual_seed(1))
        assert 0.005 < (hand != labels).float().mean() < 0.2
        assert torch.equal(hand, shaken(labels, cells, reach, torch.Generator().manual_seed(1)))
    assert torch.equal(shaken(labels, 6, 0.0, torch.Generator()), labels)


def test_blocks_are_of_one_label(labels: Tensor) -> None:
    drawn = blocky(labels, 24)
    assert all(
        len(set(block.flatten().tolist())) == 1 for row in torch.split(drawn, 4) for block in torch.split(row, 4, 1)
    )
    assert not torch.equal(drawn, labels)


def test_parts_move_grow_and_turn_about_their_own_centre(labels: Tensor) -> None:
    before = centre(labels, Label.NOSE)
    shifted = moved(labels, (Label.NOSE,), shift=(4, -3), scale=(1, 1), turn=0)
    assert centre(shifted, Label.NOSE) == pytest.approx((before[0] + 4, before[1] - 3), abs=0.3)
    assert area(shifted, Label.NOSE) == pytest.approx(area(labels, Label.NOSE), rel=0.05)
    larger = moved(labels, (Label.L_EYE,), shift=(0, 0), scale=(1.5, 1.5), turn=0)
    assert area(larger, Label.L_EYE) == pytest.approx(2.25 * area(labels, Label.L_EYE), rel=0.2)
    assert centre(larger, Label.L_EYE) == pytest.approx(centre(labels, Label.L_EYE), abs=0.5)
    turned = moved(labels, (Label.L_BROW,), shift=(0, 0), scale=(1, 1), turn=90)
    rows, columns = torch.nonzero(turned == Label.L_BROW, as_tuple=True)
    assert rows.max() - rows.min() > columns.max() - columns.min()
    still = moved(labels, (Label.NOSE, Label.L_EYE), shift=(0, 0), scale=(1, 1), turn=0)
    assert torch.equal(still, labels)
    away = moved(labels, (Label.NOSE,), shift=(-90, 0), scale=(1, 1), turn=0)
    assert not area(away, Label.NOSE) and torch.equal(away == Label.BACKGROUND, labels == Label.BACKGROUND)


def test_stretching_makes_faces_longer_and_broader(labels: Tensor) -> None:
    assert torch.equal(stretched(labels, 1, 1), labels)
    longer = stretched(labels, 1.2, 1.0)
    rows = [torch.nonzero(among(each, FACE))[:, 0] for each in (labels, longer)]
    assert rows[1].max() - rows[1].min() == pytest.approx(1.2 * float(rows[0].max() - rows[0].min()), abs=2)
    assert area(stretched(labels, 1.0, 0.8), *FACE) == pytest.approx(0.8 * area(labels, *FACE), rel=0.05)


def test_hair_is_emptied_cut_and_grown_and_the_face_stays(labels: Tensor) -> None:
    face = among(labels, FACE)
    empty, shaved = bald(labels, skull=False), bald(labels, skull=True)
    assert not area(empty, Label.HAIR) and not area(shaved, Label.HAIR)
    assert area(empty, Label.SKIN) == area(labels, Label.SKIN) < area(shaved, Label.SKIN)
    short, long = shorn(labels, 4.0), grown(labels, 4.0, 20)
    assert 0 < area(short, Label.HAIR) < area(labels, Label.HAIR) < area(long, Label.HAIR)
    assert torch.nonzero(long == Label.HAIR)[:, 0].max() >= torch.nonzero(labels == Label.HAIR)[:, 0].max() + 10
    for other in (empty, shaved, short, long):
        assert torch.equal(other[face], labels[face])
