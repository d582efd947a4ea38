"""Masks, γ and β as they are while pictures are made."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facesynth.core.errors import UsageError
from facesynth.inference.mask_reading import masked_layers, read_fields, read_masks
from facesynth.inference.sampler import Condition, Sampler
from facesynth.models.normalisation.modulation import watched
from facesynth.models.resnet_gan.specs import ResnetGeneratorSpec
from tests.tiny_generators import tiny_generator, tiny_spec

SEEDS = (3, 0, 8)


def sampler(spec: ResnetGeneratorSpec) -> Sampler:
    return Sampler(tiny_generator(spec), spec, device="cpu")


@pytest.mark.parametrize("name", ["spn", "cspn"])
def test_layers_with_masks_are_found_in_the_order_in_which_they_work(name: str) -> None:
    spec = tiny_spec(name, 3 if name == "cspn" else 0, starred=1)
    [first, second] = masked_layers(sampler(spec))
    assert (first.name, second.name) == ("blocks.1.norm_0", "blocks.1.norm_1")
    assert (first.side, first.masks, first.channels) == (16, 6, 6) and second.masks == 4
    assert masked_layers(sampler(tiny_spec("batch"))) == ()


@pytest.mark.parametrize("spec", [tiny_spec(), tiny_spec("cspn", 3), tiny_spec(mask="one")], ids=["spn", "cspn", "one"])
def test_what_is_read_is_what_the_network_found(spec: ResnetGeneratorSpec) -> None:
    made = sampler(spec)
    name = "blocks.1.norm_0"
    channels = [5, 0]
    fields = read_fields(made, SEEDS, None, {name: channels})[name]
    for row, seed in enumerate(SEEDS):
        condition = made.condition(seed, None)
        with torch.inference_mode(), watched(made.network) as seen:
            told = None if condition is None else torch.tensor([condition])
            made.network(made.noise(seed)[None], told)
        found = seen[name]
        assert found.mask is not None
        shown = [0, 0] if spec.mask == "one" else channels
        np.testing.assert_allclose(fields.mask[row], found.mask[0, shown], atol=1e-6)
        np.testing.assert_allclose(fields.gamma[row], found.gamma[0, channels], atol=1e-6)
        np.testing.assert_allclose(fields.beta[row], found.shift[0, channels], atol=1e-6)
        masks = read_masks(made, SEEDS, None, {name: shown})[name]
        np.testing.assert_allclose(masks[row], fields.mask[row], atol=6e-4)
    assert fields.mask.min() >= 0 and fields.mask.max() <= 1


def test_classes_and_weights_over_them_are_read_beside_each_other_as_each_is_alone() -> None:
    made = sampler(tiny_spec("cspn", 3))
    name = "blocks.1.norm_0"
    mixed: list[Condition] = [1, (0.5, 0.0, 1.0), 2]
    fields = read_fields(made, SEEDS, mixed, {name: [5, 0]})[name]
    masks = read_masks(made, SEEDS, mixed, {name: [5, 0]})[name]
    for row, (seed, condition) in enumerate(zip(SEEDS, mixed, strict=True)):
        alone = read_fields(made, [seed], [condition], {name: [5, 0]})[name]
        np.testing.assert_allclose(fields.mask[row], alone.mask[0], atol=1e-6)
        np.testing.assert_allclose(fields.gamma[row], alone.gamma[0], atol=1e-6)
        np.testing.assert_allclose(fields.beta[row], alone.beta[0], atol=1e-6)
        np.testing.assert_allclose(masks[row], alone.mask[0], atol=6e-4)


def test_layers_of_a_generator_of_attributes_are_found_without_any() -> None:
    spec = tiny_spec("cspn", 3)
    made = Sampler(tiny_generator(spec), spec, multi=True, device="cpu")
    assert masked_layers(made) == masked_layers(sampler(spec))
    with pytest.raises(UsageError, match="give --attributes"):
        read_masks(made, SEEDS, None, {"blocks.1.norm_0": [0]})


def test_reading_leaves_nobody_watching() -> None:
    made = sampler(tiny_spec())
    before = made([1])[0].pixels
    read_masks(made, SEEDS, None, {"blocks.0.norm_0": [0]})
    assert np.array_equal(made([1])[0].pixels, before)
    assert all(getattr(module, "watcher", None) is None for module in made.network.modules())
