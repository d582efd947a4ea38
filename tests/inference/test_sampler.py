"""A picture is a matter of its seed, its condition and the weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from facesynth.core.errors import FacesynthError, UsageError, WeightsDamaged, WeightsError
from facesynth.core.images import Photo
from facesynth.inference import networks
from facesynth.inference.residual_weights import read_residual_weights
from facesynth.inference.sampler import Condition, Sampler
from facesynth.models.resnet_gan.specs import ResnetDiscriminatorSpec, ResnetGeneratorSpec
from facesynth.models.specs import GeneratorSpec
from tests.tiny_generators import PETS, tiny_generator, tiny_spec, write_generator

PLAIN, OF_PETS = tiny_spec(), tiny_spec("cspn", 3)


def sampler(spec: ResnetGeneratorSpec = PLAIN, seed: int = 0) -> Sampler:
    return Sampler(tiny_generator(spec, seed), spec, device="cpu")


def alike(one: list[Photo], other: list[Photo]) -> bool:
    return [each.pixels.tobytes() for each in one] == [each.pixels.tobytes() for each in other]


@pytest.mark.parametrize("spec", [PLAIN, OF_PETS, tiny_spec("batch")], ids=lambda spec: spec.normalisation)
def test_a_picture_depends_on_its_seed_and_never_on_its_batch(spec: ResnetGeneratorSpec) -> None:
    made = sampler(spec)
    together = made(range(7), batch_size=4)
    assert alike(together[:3], made(range(3), batch_size=4))
    assert alike(together[::-1], made(range(6, -1, -1), batch_size=4))
    assert len({picture.pixels.tobytes() for picture in together}) == 7
    assert all(picture.size == (16, 16) for picture in together)
    one_by_one = made(range(7), batch_size=1)
    assert all(np.abs(a.pixels - b.pixels.astype(int)).max() <= 1 for a, b in zip(together, one_by_one, strict=True))


def test_the_noise_of_a_seed_is_what_torch_draws_by_it() -> None:
    drawn = torch.randn(8, generator=torch.Generator().manual_seed(11))
    assert torch.equal(sampler().noise(11), drawn)
    assert not torch.equal(sampler().noise(12), drawn)
    for seed in (-1, 2**63):
        with pytest.raises(UsageError, match="a seed is 0 to"):
            sampler()([seed])


def test_a_class_changes_the_picture_and_mixed_batches_do_not() -> None:
    made = sampler(OF_PETS)
    mixed: list[Condition] = [0, (0.0, 1.0, 0.0), 2, None, (0.5, 0.5, 0.0), 1]
    together = made([5] * 6, mixed, batch_size=4)
    for condition, picture in zip(mixed, together, strict=True):
        assert alike([picture], made([5], [condition], batch_size=4))
    assert len({picture.pixels.tobytes() for picture in (together[0], together[2], together[5])}) == 3
    as_weights, as_id = together[1].pixels.astype(int), together[5].pixels
    assert np.abs(as_weights - as_id).max() <= 1
    assert not alike([together[4]], [together[0]]) and not alike([together[4]], [together[5]])


def test_a_seed_draws_its_class_where_none_is_told() -> None:
    made = sampler(OF_PETS)
    drawn = [made.condition(seed, None) for seed in range(12)]
    assert set(drawn) == {0, 1, 2}
    assert alike(made(range(12)), made(range(12), drawn))


def test_what_cannot_be_is_told() -> None:
    with pytest.raises(UsageError, match="no classes"):
        sampler()([0], [1])
    with pytest.raises(UsageError, match="0 to 2"):
        sampler(OF_PETS)([0, 1], [0, 3])
    with pytest.raises(ValueError, match="2 seeds and 1 conditions"):
        sampler()([0, 1], [None])
    training = sampler()
    training.network.train()
    with pytest.raises(ValueError, match="training mode"):
        training([0])
    assert sampler()([]) == []


def test_a_network_that_answers_with_no_numbers_makes_nothing() -> None:
    broken = sampler()
    broken.network.get_parameter("picture.weight")[0, 0, 0, 0] = float("nan")
    with pytest.raises(FacesynthError, match="no numbers"):
        broken([0])


def test_weights_are_loaded_with_the_names_of_their_classes(tmp_path: Path) -> None:
    path = write_generator(tmp_path / "pets.safetensors", OF_PETS, PETS)
    loaded = Sampler.load(path, device="cpu")
    assert loaded.classes == PETS and loaded.spec == OF_PETS and len(loaded.sha256) == 64
    assert alike(loaded(range(3)), sampler(OF_PETS)(range(3)))
    with pytest.raises(WeightsError, match="changed"):
        Sampler.load(path, device="cpu", sha256="0" * 64)


def test_weights_of_other_kinds_are_told_apart(tmp_path: Path) -> None:
    painter = GeneratorSpec(size=64, start=2, style_channels=8, width=4, max_width=8, spade_hidden=4)
    judge = ResnetDiscriminatorSpec(width=4, max_width=4)
    for name, spec in (("painter", painter), ("judge", judge)):
        part = "generator" if name == "painter" else "discriminator"
        networks.save(tmp_path / name, {part: (spec, networks.build(spec))})
    with pytest.raises(UsageError, match=r"paints label maps.*facesynth synthesize"):
        Sampler.load(tmp_path / "painter", device="cpu")
    with pytest.raises(WeightsError, match="holds discriminator, but no generator"):
        Sampler.load(tmp_path / "judge", device="cpu")


@pytest.mark.parametrize("told", ["no JSON", '{"cat": 0}', "[1, 2, 3]", json.dumps(["cat", "dog"])])
def test_names_of_classes_that_are_none_are_told(told: str, tmp_path: Path) -> None:
    path = tmp_path / "pets.safetensors"
    networks.save(path, {"generator": (OF_PETS, tiny_generator(OF_PETS))}, about={"classes": told})
    with pytest.raises(WeightsDamaged, match="classes"):
        read_residual_weights(path)


def test_the_header_tells_whether_a_generator_has_masks(tmp_path: Path) -> None:
    for index, (spec, masks) in enumerate(
        [(PLAIN, True), (OF_PETS, True), (tiny_spec("batch"), False), (tiny_spec(starred=0), False)]
    ):
        path = write_generator(tmp_path / f"{index}.safetensors", spec)
        assert read_residual_weights(path).has_masks() is masks
