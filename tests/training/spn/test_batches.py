"""What a step is made of: images with their own classes, noise, and classes or attributes that are drawn."""

from __future__ import annotations

from typing import Any

import torch

from facesynth.training.runs.spn import ImageData
from tests.training.spn.drawn_batches import ATTRIBUTES, COUNT, IDS, batches, numbers


def test_every_image_comes_with_its_own_class_and_once_an_epoch() -> None:
    feed = batches()
    seen: list[int] = []
    for nimg in range(0, 2 * COUNT, 4):
        found = feed.images(nimg)
        assert found.condition is not None and found.condition.dtype == torch.int64
        assert found.condition.tolist() == [int(IDS[number]) for number in numbers(found.pictures)]
        seen += numbers(found.pictures)
    assert sorted(seen[:COUNT]) == sorted(seen[COUNT:]) == list(range(COUNT)) and seen[:COUNT] != seen[COUNT:]


def test_a_batch_larger_than_the_data_goes_round() -> None:
    seen = numbers(batches(batch_size=25, n_dis=1).images(0).pictures)
    assert sorted(seen[:COUNT]) == list(range(COUNT)) and len(seen) == 25


def test_some_are_mirrored_if_asked_for() -> None:
    def brighter_left(flip: bool) -> list[bool]:
        feed = batches(batch_size=25, n_dis=1, data=ImageData(flip=flip))
        return [bool(row[:, :, 0].mean() > row[:, :, -1].mean()) for row in feed.images(0).pictures]

    assert all(brighter_left(False)) and 5 < sum(brighter_left(True)) < 20


def test_classes_are_drawn_evenly_and_noise_does_not_depend_on_them() -> None:
    large: dict[str, Any] = {"generator_batch_size": 3000, "batch_size": 3000, "images": 60_000}
    with_classes, without = batches(**large).generating(0), batches(member="spn", **large).generating(0)
    assert with_classes.condition is not None and without.condition is None
    assert torch.equal(with_classes.noise, without.noise)
    assert torch.bincount(with_classes.condition).min() > 900
    assert abs(float(without.noise.mean())) < 0.05 and abs(float(without.noise.std()) - 1) < 0.05
    assert not torch.equal(batches(**large).against(0).noise, with_classes.noise)


def test_attributes_are_those_of_training_images() -> None:
    feed = batches(ATTRIBUTES, generator_batch_size=500, data=ImageData(limit=6))
    drawn = feed.generating(0).condition
    assert drawn is not None and drawn.dtype == torch.float32
    allowed = {tuple(row) for row in ATTRIBUTES[feed._items].tolist()}
    assert {tuple(int(value) for value in row) for row in drawn.tolist()} == allowed
    real = feed.images(0)
    assert real.condition is not None
    assert real.condition.tolist() == ATTRIBUTES[numbers(real.pictures)].tolist()
