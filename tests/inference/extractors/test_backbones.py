"""Features of ImageNet backbones, for pictures that are no faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from facesynth.core.errors import UsageError, WeightsDamaged, WeightsError
from facesynth.core.images import Photo
from facesynth.core.refs import short
from facesynth.inference.extractors.choice import BACKBONE_SIZE, BACKBONES, choose_features, choose_perceptual
from facesynth.inference.extractors.loading import load_features
from facesynth.inference.extractors.trunk import TrunkFeatures, TrunkMaps
from facesynth.models.trunks import TRUNKS
from facesynth.stages.features import FeaturesStage
from facesynth.weights import entry_of
from tests.inference.extractors.seeded import publish

NAMES = list(BACKBONES)
PICTURES = [Photo(np.random.default_rng(seed).integers(0, 256, (32, 48, 3), dtype=np.uint8)) for seed in range(3)]


def seeded_backbone(path: Path, name: str, *, lacking: str = "") -> Path:
    """Write a trunk of random numbers under the names that it was published with, and more than it asks for."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        trunk = TRUNKS[BACKBONES[name][0]]()
    state = {trunk.published_name(key): value for key, value in trunk.state_dict().items()}
    torch.save({key: value for key, value in state.items() if key != lacking} | {"classifier": torch.ones(3)}, path)
    return path


@pytest.fixture(params=NAMES)
def published(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a backbone whose weights are here."""
    name: str = request.param
    publish(monkeypatch, name, seeded_backbone(tmp_path / "seeded.pth", name), tmp_path / "fetched")
    return name


def test_a_backbone_describes_pictures_by_its_maps_means(published: str) -> None:
    chosen = choose_features(published)
    chosen.check()
    found = load_features(chosen, device="cpu", sha256=chosen.sha256)
    assert isinstance(found, TrunkFeatures)
    first, *_ = found(PICTURES)
    assert first.features.shape == (sum(found.maps.trunk.channels),) and first.logits is None
    assert np.isfinite(first.features).all() and not np.array_equal(first.features, found(PICTURES[1:])[0].features)
    sizes = {tuple(each.shape[2:]) for each in found.maps(PICTURES[:1], 1)}
    assert max(sizes) == (BACKBONE_SIZE // 2,) * 2 and min(sizes) == (BACKBONE_SIZE // 32,) * 2


def test_a_picture_is_described_alike_whatever_else_is_in_its_batch(published: str) -> None:
    found = TrunkFeatures.load(published, device="cpu")
    for picture, described in zip(PICTURES, found(PICTURES, batch_size=2), strict=True):
        np.testing.assert_array_equal(found([picture], batch_size=2)[0].features, described.features)


def test_its_protocol_tells_the_input_and_no_score_over_it_bears_the_fields_name(published: str) -> None:
    chosen = choose_features(published)
    told = chosen.protocol
    assert published in told and short(chosen.sha256) in told and BACKBONES[published][0] in told
    assert f"{BACKBONE_SIZE}×{BACKBONE_SIZE} (Lanczos)" in told and BACKBONES[published][1] in told
    assert chosen.called("FID", "Fréchet distance") == f"Fréchet distance over {published}"
    assert not chosen.is_published and not chosen.is_inception
    stage = FeaturesStage(published)
    assert stage.config["network"] == "backbone" and stage.weights == {"backbone": chosen.sha256}


def test_pictures_are_not_compared_pair_by_pair_with_it() -> None:
    with pytest.raises(UsageError, match="cannot compare pictures"):
        choose_perceptual(NAMES[0])


def test_other_or_incomplete_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = NAMES[0]
    publish(monkeypatch, name, seeded_backbone(tmp_path / "a.pth", name), tmp_path / "fetched")
    with pytest.raises(WeightsError, match="run again"):
        TrunkMaps.of_backbone(name, device="cpu", sha256="0" * 64)
    incomplete = seeded_backbone(tmp_path / "b.pth", name, lacking="features.0.0.weight")
    publish(monkeypatch, name, incomplete, tmp_path / "fetched")
    with pytest.raises(WeightsDamaged, match="these are not the weights of MobileNetV2"):
        TrunkMaps.of_backbone(name, device="cpu")


def test_both_are_in_the_manifest_as_backbones() -> None:
    assert {entry_of(name).kind for name in BACKBONES} == {"backbone"} and BACKBONES.keys() == set(NAMES)
    assert {trunk for trunk, _ in BACKBONES.values()} == set(TRUNKS)
