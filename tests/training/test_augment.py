"""Augmentation keeps faces and label maps together, and left and right apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from facesynth.core.labels import LabelMap
from facesynth.training.augment import augment, flip_pairs, recoloured
from facesynth.training.runs.settings import Augment
from tests.drawn_pairs import drawn_labels

STILL = Augment(rotation=0, scale=1, shift=0, flip=False, colour=0, grey=0, blur=0)


def batch(count: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures whose red tells the label: red = label / 20."""
    labels = torch.from_numpy(np.stack([drawn_labels(seed).ids for seed in range(count)]).copy())
    return (labels.float() / 20)[:, None].repeat(1, 3, 1, 1), labels


def test_flip_is_the_label_maps_own_flip() -> None:
    images, labels = batch()
    mirrored = torch.tensor([True, False] * 3)
    flipped, flipped_labels = flip_pairs(images, labels, mirrored)
    for index, mirror in enumerate(mirrored.tolist()):
        before = LabelMap(labels[index].numpy())
        wanted = before.flip() if mirror else before
        assert np.array_equal(flipped_labels[index].numpy(), wanted.ids)
        assert torch.equal(flipped[index], images[index].flip(-1) if mirror else images[index])


def test_without_anything_to_do_nothing_changes() -> None:
    images, labels = batch()
    same, same_labels = augment(images, labels, STILL, torch.Generator(), size=64, label_size=64)
    torch.testing.assert_close(same, images, atol=1e-5, rtol=0)
    assert torch.equal(same_labels, labels.long())


def test_geometry_moves_image_and_labels_alike() -> None:
    images, labels = batch()
    moved = Augment(rotation=20, scale=1.3, shift=0.1, flip=False, colour=0, grey=0, blur=0)
    image, label = augment(images, labels, moved, torch.Generator().manual_seed(1), size=64, label_size=64)
    assert not torch.equal(label, labels.long())
    agreeing = ((image[:, 0] * 20).round() == label).float().mean()
    assert agreeing > 0.85  # bilinear and nearest part ways only along the borders between labels


def test_labels_may_be_coarser_than_the_image() -> None:
    images, labels = batch()
    moved = Augment(rotation=10, colour=0, grey=0, blur=0)
    fine, fine_labels = augment(images, labels, moved, torch.Generator().manual_seed(1), size=64, label_size=64)
    same, coarse = augment(images, labels, moved, torch.Generator().manual_seed(1), size=64, label_size=32)
    assert torch.equal(fine, same)
    assert coarse.shape == (6, 32, 32)
    assert torch.equal(coarse, fine_labels[:, 1::2, 1::2])  # picked, never mixed


def test_colours_change_and_stay_in_range() -> None:
    images, labels = batch()
    image, label = augment(
        images,
        labels,
        Augment(rotation=0, scale=1, shift=0, flip=False),
        torch.Generator().manual_seed(0),
        size=64,
        label_size=64,
    )
    assert torch.equal(label, labels.long())
    assert (image - images).abs().max() > 0.05
    assert image.min() >= 0
    assert image.isfinite().all()


def test_labels_are_never_interpolated() -> None:
    _, labels = batch()
    few = torch.where(labels > 9, 18, 0)  # anything between the two would be an invented label
    moved = Augment(rotation=40, scale=1.5, shift=0.3, colour=0, grey=0, blur=0)
    _, turned = augment(
        few[:, None].float().repeat(1, 3, 1, 1) / 20,
        few,
        moved,
        torch.Generator().manual_seed(2),
        size=64,
        label_size=48,
    )
    assert set(turned.flatten().tolist()) == {0, 18}


def test_what_comes_in_from_beyond_the_border_is_the_mirrored_picture() -> None:
    images = torch.full((600, 3, 16, 16), 0.5)
    labels = torch.full((600, 16, 16), 17)
    far = Augment(rotation=45, scale=2, shift=0.4, colour=0, grey=0, blur=0)
    image, label = augment(images, labels, far, torch.Generator().manual_seed(3), size=16, label_size=16)
    torch.testing.assert_close(image, images, atol=1e-5, rtol=0)
    assert (label == 17).all()


def test_coarse_faces_keep_their_look_and_lose_what_is_fine() -> None:
    images = torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 0.5 + 0.25
    config = replace(STILL, coarse=1.0)
    found = recoloured(images, config, torch.Generator().manual_seed(1))
    assert found.shape == images.shape and found.min() >= 0 and found.max() <= 1
    torch.testing.assert_close(found.mean((2, 3)), images.mean((2, 3)), atol=0.02, rtol=0)
    assert (found.var((1, 2, 3)) < images.var((1, 2, 3)) / 2).all()
    assert torch.equal(found, recoloured(images, config, torch.Generator().manual_seed(1)))
    some = recoloured(images.repeat(20, 1, 1, 1), replace(STILL, coarse=0.5), torch.Generator().manual_seed(2))
    kept = (some == images.repeat(20, 1, 1, 1)).flatten(1).all(1).float().mean()
    assert 0.3 < kept < 0.7


def test_blurred_faces_stay_where_they_are_and_as_bright() -> None:
    config = replace(STILL, blur=1.0)
    for side in (64, 63):
        even = torch.full((1, 3, side, side), 0.8)
        torch.testing.assert_close(recoloured(even, config, torch.Generator().manual_seed(0)), even, atol=1e-3, rtol=0)
        ramp = torch.linspace(0.1, 0.9, side).expand(1, 3, side, side)
        found = recoloured(ramp, config, torch.Generator().manual_seed(0))
        torch.testing.assert_close(found[..., 2:-2], ramp[..., 2:-2], atol=1e-3, rtol=0)
        fine = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(1))
        assert recoloured(fine, config, torch.Generator().manual_seed(0)).var() < fine.var() / 2
