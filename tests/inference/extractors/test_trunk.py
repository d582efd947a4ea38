"""Features of the bundled judge's trunk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from facesynth.core.errors import FacesynthError, UsageError, WeightsError
from facesynth.inference import networks
from facesynth.inference.extractors.trunk import TrunkFeatures, TrunkMaps
from facesynth.models.specs import BisenetSpec, ParserSpec
from tests.drawn_pairs import drawn_face, drawn_labels

PICTURES = [drawn_face(drawn_labels(seed, 64), seed) for seed in range(3)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    torch.manual_seed(0)
    spec = ParserSpec(size=64, pyramid_channels=8, detail_channels=8)
    networks.save(path, {"parser": (spec, networks.build(spec))})
    return path


def test_the_bundled_judge_describes_pictures_by_its_maps_means() -> None:
    judge = TrunkFeatures.load(device="cpu")
    found = judge(PICTURES)
    assert {each.features.shape for each in found} == {(sum(judge.maps.trunk.channels),)}
    assert all(each.logits is None and each.features.dtype == np.float32 for each in found)
    maps = judge.maps(PICTURES[:1], 1)
    np.testing.assert_allclose(found[0].features[-maps[-1].shape[1] :], maps[-1].mean((0, 2, 3)), rtol=1e-4, atol=1e-5)


def test_a_picture_is_described_alike_whatever_else_is_in_its_batch(tiny: Path) -> None:
    trunk = TrunkFeatures.load(tiny, device="cpu")
    together = trunk(PICTURES, batch_size=2)
    for picture, found in zip(PICTURES, together, strict=True):
        (alone,) = trunk([picture], batch_size=2)
        np.testing.assert_array_equal(alone.features, found.features)
    assert trunk([]) == []


def test_what_has_no_trunk_or_other_bytes_is_refused(tiny: Path, tmp_path: Path) -> None:
    spec = BisenetSpec(size=64, width=4)
    networks.save(tmp_path / "b.safetensors", {"parser": (spec, networks.build(spec))})
    with pytest.raises(UsageError, match=r"b\.safetensors: a Bisenet has no trunk .*name judge-"):
        TrunkFeatures.load(tmp_path / "b.safetensors", device="cpu")
    with pytest.raises(WeightsError, match="run again"):
        TrunkFeatures.load(tiny, device="cpu", sha256="0" * 64)


def test_what_is_no_number_is_an_error(tiny: Path) -> None:
    maps = TrunkMaps.load(tiny, device="cpu")
    with torch.no_grad():
        next(maps.trunk.parameters()).fill_(torch.nan)
    with pytest.raises(FacesynthError, match="the trunk answers with what are no numbers"):
        TrunkFeatures(maps)(PICTURES[:1])
