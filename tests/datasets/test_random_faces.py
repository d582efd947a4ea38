from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from facesynth import weights
from facesynth.cli.dataset import dataset
from facesynth.core.errors import DependencyMissing, OutputError, UsageError, WeightsMissing
from facesynth.core.image_files import read_photo
from facesynth.datasets import random_faces
from facesynth.datasets.random_faces import CODE_SIZE, FULL_SIZE, RandomFaces, RandomFacesPlan, write_random_faces


def mapping(inputs: Sequence[np.ndarray[Any, np.dtype[np.float32]]]) -> list[Any]:
    """A bent style, so that the mean style is not zero."""
    assert inputs[0].shape == (1, CODE_SIZE)
    assert inputs[0].dtype == np.float32
    return [np.abs(inputs[0])]


def synthesis(inputs: Sequence[np.ndarray[Any, np.dtype[np.float32]]]) -> list[Any]:
    """An image of 32×32 flat tiles whose colours come from the style, wide enough to be clipped."""
    style = inputs[0]
    assert style.dtype == np.float32
    tiles = np.resize(style[0], (1, 3, 32, 32)) - 0.8
    return [np.repeat(np.repeat(tiles, FULL_SIZE // 32, axis=2), FULL_SIZE // 32, axis=3)]


@pytest.fixture(scope="module")
def faces() -> RandomFaces:
    return RandomFaces(mapping, synthesis)


def test_a_face_depends_on_its_seed_alone(faces: RandomFaces) -> None:
    first = faces(3).pixels
    assert first.shape == (FULL_SIZE, FULL_SIZE, 3)
    assert not np.array_equal(faces(4).pixels, first)
    assert np.array_equal(faces(3).pixels, first)
    assert np.array_equal(RandomFaces(mapping, synthesis)(3).pixels, first)


def test_truncation_pulls_to_the_one_mean_face(faces: RandomFaces) -> None:
    mean = faces(1, 0.0).pixels
    assert np.array_equal(faces(2, 0.0).pixels, mean)
    near, far = (np.abs(faces(1, t).pixels.astype(int) - mean).mean() for t in (0.3, 0.9))
    assert 0 < near < far


def test_starts_where_it_stopped_and_makes_the_same_bytes(faces: RandomFaces, tmp_path: Path) -> None:
    few, many = (RandomFacesPlan(count=count, seed=5, size=32) for count in (2, 3))
    heard: list[tuple[str, bool]] = []
    assert write_random_faces(tmp_path / "a", few, load=lambda: faces) == 2
    before = (tmp_path / "a" / "00000005.png").stat()  # its time of access may change: it is read to see if it is whole
    made = write_random_faces(
        tmp_path / "a", many, load=lambda: faces, on_face=lambda p, new: heard.append((p.name, new))
    )
    assert made == 1
    assert heard == [("00000005.png", False), ("00000006.png", False), ("00000007.png", True)]
    after = (tmp_path / "a" / "00000005.png").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    write_random_faces(tmp_path / "b", many, load=lambda: faces)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_a_finished_folder_loads_no_network(faces: RandomFaces, tmp_path: Path) -> None:
    plan = RandomFacesPlan(count=1, size=16)
    write_random_faces(tmp_path, plan, load=lambda: faces)

    def load() -> RandomFaces:
        raise AssertionError("loaded")

    assert write_random_faces(tmp_path, plan, load=load) == 0


def test_a_cut_file_is_made_again_and_another_image_is_not_touched(faces: RandomFaces, tmp_path: Path) -> None:
    plan = RandomFacesPlan(count=1, size=64)
    path = plan.path(tmp_path, 0)
    write_random_faces(tmp_path, plan, load=lambda: faces)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert write_random_faces(tmp_path, plan, load=lambda: faces) == 1
    assert path.read_bytes() == whole
    for other in (RandomFacesPlan(count=1, size=64, truncation=0.5), RandomFacesPlan(count=1, size=32)):
        with pytest.raises(OutputError, match="another image is there"):
            write_random_faces(tmp_path, other, load=lambda: faces)
    Image.new("RGB", (64, 64)).save(path)
    with pytest.raises(OutputError):
        write_random_faces(tmp_path, plan, load=lambda: faces)


@pytest.mark.parametrize("image_format", ["png", "jpeg"])
def test_the_file_says_that_nobody_is_shown(image_format: Any, faces: RandomFaces, tmp_path: Path) -> None:
    plan = RandomFacesPlan(count=1, seed=9, size=64, format=image_format)
    write_random_faces(tmp_path, plan, load=lambda: faces)
    path = plan.path(tmp_path, 9)
    with Image.open(path) as image:
        assert image.format == image_format.upper()
        assert image.size == (64, 64)
        told = str(image.info)
    assert "not a photograph of a person" in told
    assert "seed 9" in told
    full = faces(9).pixels.astype(float)
    by_area = full.reshape(64, 16, 64, 16, 3).mean(axis=(1, 3))
    tolerance = 0.51 if image_format == "png" else 24  # JPEG halves the colours' resolution
    assert np.abs(read_photo(path).pixels - by_area).max() <= tolerance
    assert write_random_faces(tmp_path, plan, load=lambda: faces) == 0


@pytest.mark.parametrize(
    "wrong", [{"count": 0}, {"count": 1, "seed": -1}, {"count": 1, "size": 2048}, {"count": 1, "truncation": 1.5}]
)
def test_a_senseless_plan_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        RandomFacesPlan(**wrong)


def test_what_is_missing_is_named_with_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Path:
        raise WeightsMissing("not here", where=name)

    monkeypatch.setattr(weights, "locate", missing)
    with pytest.raises(DependencyMissing, match="random-face is not installed") as caught:
        RandomFaces.load()
    assert "pip install --no-deps random-face==2021.7.21.1" in str(caught.value)
    assert "facesynth[synthetic]" in str(caught.value)
    monkeypatch.setattr(weights, "locate", Path)
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setitem(sys.modules, "openvino_telemetry", None)
    with pytest.raises(DependencyMissing, match="openvino is not installed"):
        RandomFaces.load()


def test_an_unwritable_folder_is_named(faces: RandomFaces, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        write_random_faces(tmp_path / "file" / "faces", RandomFacesPlan(count=1, size=16), load=lambda: faces)


def test_the_command_writes_what_it_says(faces: RandomFaces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_faces.RandomFaces, "load", lambda: faces)
    options = ["random-faces", "--count", "2", "--seed", "3", "--size", "16", "-o", str(tmp_path)]
    result = CliRunner().invoke(dataset, options, catch_exceptions=False)
    assert result.stdout == f"2 made, 0 already there: {tmp_path}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000003.png", "00000004.png"]
    assert CliRunner().invoke(dataset, options, catch_exceptions=False).stdout.startswith("0 made, 2 already there")
