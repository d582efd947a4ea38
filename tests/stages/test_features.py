"""The stage that describes pictures: what is kept, what its key holds, and its results with the bundled judge."""

from __future__ import annotations

import hashlib
import importlib.metadata
from pathlib import Path

import numpy as np
import pytest
import torch

from facesynth.core.errors import CacheError, UsageError, WeightsError, WeightsMissing
from facesynth.core.image_files import decode_photo, write_photo
from facesynth.core.images import Photo
from facesynth.core.refs import Done, FileRef, Origin, Ref
from facesynth.inference import networks
from facesynth.inference.extractors.features import PictureFeatures
from facesynth.inference.extractors.trunk import TrunkFeatures
from facesynth.models.specs import ParserSpec
from facesynth.pipeline import run
from facesynth.stages.features import FEATURES_FILE, FeaturesStage
from facesynth.store import ArtifactStore
from facesynth.weights import default_name
from tests.drawn_pairs import drawn_face, drawn_labels
from tests.inference.extractors.seeded import seeded_inception

PICTURE = drawn_face(drawn_labels(0, 128), 0)
CHANGED = "the result changed: raise the stage's version, then record it anew"


def write_trunk(path: Path, seed: int) -> Path:
    torch.manual_seed(seed)
    spec = ParserSpec(size=64, pyramid_channels=8, detail_channels=8)
    networks.save(path, {"parser": (spec, networks.build(spec))})
    return path


def items(folder: Path, pictures: list[Photo]) -> list[FileRef[Photo]]:
    paths = [folder / f"{index}.png" for index in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        write_photo(picture, path)
    return [FileRef(path, Origin(path.name), decode_photo) for path in paths]


def test_features_version_2() -> None:
    (found,) = FeaturesStage("judge", device="cpu")([PICTURE])
    assert isinstance(found, PictureFeatures) and found.logits is None
    assert (FeaturesStage.version, default_name("judge")) == (2, "judge-efl0-256-v1")
    expected = [0.5120, -3.9307, -3.9260, -1.9697, 0.8862, 0.5202, -1.5816, -1.4056]
    assert found.features.shape == (192,)
    assert found.features[::24] == pytest.approx(expected, abs=0.02), CHANGED


def test_results_are_kept_as_they_were_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trunk, store = str(write_trunk(tmp_path / "trunk.safetensors", 0)), ArtifactStore(tmp_path / "cache")
    pictures = [drawn_face(drawn_labels(seed), seed) for seed in range(3)]
    made = list(run(FeaturesStage(trunk, device="cpu"), items(tmp_path, pictures), store))
    monkeypatch.setattr(FeaturesStage, "__call__", None)
    found = list(run(FeaturesStage(trunk, device="cpu", batch_size=3), items(tmp_path, pictures), store))
    live = TrunkFeatures.load(trunk, device="cpu")(pictures)
    for once, again, one in zip(made, found, live, strict=True):
        assert isinstance(once, Done) and isinstance(again, Done) and (once.cached, again.cached) == (False, True)
        assert once.ref.digest == again.ref.digest
        np.testing.assert_array_equal(again.ref.load().features, one.features)


def test_inceptions_logits_are_kept_too(tmp_path: Path) -> None:
    file = seeded_inception(tmp_path / "inception.pth")
    stage = FeaturesStage(f"inception:{file}", device="cpu")
    assert stage.weights == {"inception": hashlib.sha256(file.read_bytes()).hexdigest()}
    (made,) = stage([PICTURE])
    assert isinstance(made, PictureFeatures)
    files = stage.codec.write(made)
    assert files == stage.codec.write(made) and list(files) == [FEATURES_FILE]
    (tmp_path / FEATURES_FILE).write_bytes(files[FEATURES_FILE])
    read = stage.codec.read(tmp_path)
    assert read.logits is not None and made.logits is not None
    np.testing.assert_array_equal(read.features, made.features)
    np.testing.assert_array_equal(read.logits, made.logits)
    assert read.features.dtype == read.logits.dtype == np.float32


@pytest.mark.parametrize("damage", [b"", b"no archive", "cut", "flipped"])
def test_what_was_damaged_is_named(tmp_path: Path, damage: bytes | str) -> None:
    codec = FeaturesStage("judge").codec
    data = codec.write(PictureFeatures(np.arange(500, dtype=np.float32)))[FEATURES_FILE]
    if isinstance(damage, str):
        flipped = bytearray(data)
        flipped[1000] ^= 1
        damage = data[:-40] if damage == "cut" else bytes(flipped)
    (tmp_path / FEATURES_FILE).write_bytes(damage)
    with pytest.raises(CacheError, match=rf"{FEATURES_FILE}: holds no features"):
        codec.read(tmp_path)


def key(stage: FeaturesStage) -> tuple[object, object]:
    return dict(stage.config), dict(stage.weights)


def test_the_key_holds_the_weights_and_the_size_and_no_path(tmp_path: Path) -> None:
    one, other = write_trunk(tmp_path / "one.safetensors", 0), write_trunk(tmp_path / "other.safetensors", 1)
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(one.read_bytes())
    assert key(FeaturesStage(str(one))) == key(FeaturesStage(str(copy), device="cpu", batch_size=4))
    assert key(FeaturesStage(str(one))) != key(FeaturesStage(str(other)))
    assert key(FeaturesStage(str(one))) != key(FeaturesStage(str(one), size=(64, 64)))


def test_another_version_of_torch_fidelity_has_other_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    inception, judge = FeaturesStage("inception"), FeaturesStage("judge")
    before, of_judge, installed = inception.config, judge.config, importlib.metadata.version
    monkeypatch.setattr("importlib.metadata.version", lambda package: f"{installed(package)}.post1")
    assert inception.config != before and judge.config == of_judge, "a trunk is computed here"


def test_pictures_are_brought_to_the_size_that_was_asked_for() -> None:
    (resized,) = FeaturesStage("judge", size=(64, 64), device="cpu")([PICTURE])
    (by_hand,) = FeaturesStage("judge", device="cpu")([PICTURE.resized(64, 64)])
    (plain,) = FeaturesStage("judge", device="cpu")([PICTURE])
    assert isinstance(resized, PictureFeatures) and isinstance(by_hand, PictureFeatures)
    assert isinstance(plain, PictureFeatures)
    np.testing.assert_array_equal(resized.features, by_hand.features)
    assert not np.allclose(resized.features, plain.features, atol=1e-3)


def test_weights_that_are_missing_or_replaced_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESYNTH_WEIGHTS", str(tmp_path / "none"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "none"))
    ref = Ref("0" * 64, Origin("picture"), lambda: PICTURE)
    with pytest.raises(WeightsMissing, match=r"FID needs .*facesynth weights fetch inception-fid"):
        list(run(FeaturesStage(device="cpu"), [ref], None))
    trunk = write_trunk(tmp_path / "trunk.safetensors", 0)
    stage = FeaturesStage(str(trunk), device="cpu")
    assert stage.weights
    write_trunk(trunk, 1)
    with pytest.raises(WeightsError, match="the file changed while it was being read"):
        list(run(stage, [ref], None))
    with pytest.raises(UsageError, match="use inception, judge"):
        FeaturesStage("unheard-of")
