"""The stage that makes pictures of seeds, and what its artifacts say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from facesynth.core.errors import WeightsError
from facesynth.inference.sampler import Sampler
from facesynth.stages.sample import Sample, SampleStage, told_condition
from tests.tiny_generators import PETS, tiny_spec, write_generator


def stage_of(path: Path) -> SampleStage:
    return SampleStage(str(path), 16, device="cpu")


def made(stage: SampleStage, *wanted: tuple[int, int | tuple[float, ...] | None]) -> list[Sample]:
    found = stage(list(wanted))
    assert all(isinstance(each, Sample) for each in found)
    return [each for each in found if isinstance(each, Sample)]


def test_a_picture_tells_all_that_makes_it_again(tmp_path: Path) -> None:
    path = write_generator(tmp_path / "pets.safetensors", tiny_spec("cspn", 3), PETS)
    stage = stage_of(path)
    [sample] = made(stage, (7, 1))
    [(name, data)] = stage.codec.write(sample).items()
    (tmp_path / name).write_bytes(data)
    again = stage.codec.read(tmp_path)
    assert np.array_equal(again.picture.pixels, sample.picture.pixels) and again.made_of == sample.made_of
    told = again.made_of
    assert told["Seed"] == "7" and told["Class"] == "1 (dog)" and told["Precision"] == "float32"
    assert told["Weights"] == stage.weights["generator"]
    assert b"Synthetic" in data and stage.codec.write(sample)[name] == data
    remade = Sampler.load(path, device="cpu")([int(told["Seed"])], [int(told["Class"].split()[0])])
    assert np.array_equal(remade[0].pixels, sample.picture.pixels)


def test_a_generator_without_classes_tells_of_none(tmp_path: Path) -> None:
    [sample] = made(stage_of(write_generator(tmp_path / "plain.safetensors", tiny_spec())), (0, None))
    assert "Class" not in sample.made_of


def test_conditions_are_told_in_words() -> None:
    assert told_condition(2, PETS) == "2 (Great Dane)" and told_condition(2, ()) == "2"
    assert json.loads(told_condition((0.0, 1.0, -0.5), PETS)) == {"dog": 1.0, "Great Dane": -0.5}
    assert json.loads(told_condition((0.0, 1.0), ())) == {"1": 1.0}


def test_weights_that_are_replaced_before_they_are_loaded_make_nothing(tmp_path: Path) -> None:
    path = write_generator(tmp_path / "mine.safetensors", tiny_spec())
    stage = stage_of(path)
    assert stage.weights["generator"]
    write_generator(path, tiny_spec(), seed=1)
    with pytest.raises(WeightsError, match="changed"):
        stage([(0, None)])


GOLDEN = [186, 143, 205, 193, 207, 178, 213, 212, 202, 218, 236, 181, 216, 126, 151, 236, 208, 88, 249, 203, 120, 247,
          241, 112, 219, 178, 127, 249, 220, 141, 243, 209, 69, 250, 245, 116, 200, 164, 168, 243, 167, 108, 242, 113,
          87, 249, 191, 67]  # fmt: skip


def test_pictures_change_only_with_the_version(tmp_path: Path) -> None:
    """Where these numbers move by more than rounding, `version` has to move too."""
    stage = stage_of(write_generator(tmp_path / "plain.safetensors", tiny_spec()))
    [sample] = made(stage, (3, None))
    assert stage.version == 1
    np.testing.assert_allclose(sample.picture.pixels[::5, ::5].ravel(), GOLDEN, atol=2)
