"""Inception's features, with weights from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from facesynth.core.errors import FacesynthError, WeightsDamaged, WeightsError, WeightsMissing
from facesynth.core.images import Photo
from facesynth.inference.extractors.inception import InceptionFeatures
from tests.drawn_pairs import drawn_face, drawn_labels
from tests.inference.extractors.seeded import publish

PICTURES = [drawn_face(drawn_labels(seed, size), seed) for seed, size in ((0, 64), (1, 96), (2, 64))]


@pytest.fixture(scope="module")
def inception(inception_file: Path) -> InceptionFeatures:
    return InceptionFeatures.load(inception_file, device="cpu")


def test_it_answers_what_torch_fidelity_answers(inception: InceptionFeatures, inception_file: Path) -> None:
    theirs = FeatureExtractorInceptionV3(
        "theirs", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(inception_file)
    )
    for picture, found in zip(PICTURES, inception(PICTURES), strict=True):
        features, logits = theirs(torch.from_numpy(picture.pixels.copy()).permute(2, 0, 1)[None])
        assert found.logits is not None and (found.features.shape, found.logits.shape) == ((2048,), (1008,))
        assert found.features.dtype == found.logits.dtype == np.float32
        np.testing.assert_allclose(found.features, features[0].numpy(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.logits, logits[0].numpy(), rtol=1e-5, atol=1e-6)


def test_a_picture_is_described_alike_whatever_else_is_in_its_batch(inception: InceptionFeatures) -> None:
    together = inception(PICTURES, batch_size=4)
    for picture, found in zip(PICTURES, together, strict=True):
        (alone,) = inception([picture], batch_size=4)
        np.testing.assert_array_equal(alone.features, found.features)
    assert not np.allclose(together[0].features, together[2].features, rtol=1e-3)
    assert inception([]) == []


def test_what_is_no_number_is_an_error(inception_file: Path) -> None:
    broken = InceptionFeatures.load(inception_file, device="cpu")
    with torch.no_grad():
        broken.network.get_parameter("fc.weight")[0] = torch.nan
    with pytest.raises(FacesynthError, match="no numbers"):
        broken(PICTURES[:1])


def test_weights_by_name_are_verified_and_never_fetched(
    inception_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WeightsMissing, match="facesynth weights fetch inception-fid"):
        InceptionFeatures.load(device="cpu")
    publish(monkeypatch, "inception-fid", inception_file, tmp_path / "fetched")
    (found,) = InceptionFeatures.load(device="cpu")(PICTURES[:1])
    assert found.features.shape == (2048,)
    (file,) = (tmp_path / "fetched").iterdir()
    damaged = bytearray(file.read_bytes())
    damaged[1000] ^= 1
    file.write_bytes(damaged)
    with pytest.raises(WeightsDamaged, match="facesynth weights fetch inception-fid"):
        InceptionFeatures.load(device="cpu")


def test_a_file_is_never_run_nor_taken_for_another(alexnet_file: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "ran",)

    torch.save({"fc.weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(WeightsDamaged, match="would run code"):
        InceptionFeatures.load(tmp_path / "evil.pth", device="cpu")
    assert not (tmp_path / "ran").exists()
    with pytest.raises(WeightsDamaged, match="not the weights of torch-fidelity's InceptionV3"):
        InceptionFeatures.load(alexnet_file, device="cpu")
    with pytest.raises(WeightsError, match="run again"):
        InceptionFeatures.load(alexnet_file, device="cpu", sha256="0" * 64)


def test_two_sizes_of_one_picture_are_near(inception: InceptionFeatures) -> None:
    """Enlarged by whole pixels, a picture is sampled by TensorFlow's bilinear at other places, but looks the same."""
    small = PICTURES[0]
    large = Photo(small.pixels.repeat(2, 0).repeat(2, 1))
    one, other, stranger = (each.features for each in inception([small, large, Photo(255 - small.pixels)]))
    assert np.linalg.norm(one - other) < 0.5 * np.linalg.norm(one - stranger)
