"""What extractors are called, and what a user is told where their weights are not here."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from facesynth import weights
from facesynth.core.errors import DependencyMissing, UsageError, WeightsDamaged, WeightsMissing
from facesynth.core.refs import short
from facesynth.inference.extractors.choice import Extractor, choose_features, choose_perceptual
from tests.inference.extractors.seeded import publish

JUDGE = weights.default_name("judge")


def test_the_fields_own_networks_are_taken_from_the_manifest() -> None:
    assert choose_features("inception") == Extractor("inception", "inception-fid")
    assert choose_perceptual("lpips-alex").weights == "alexnet-imagenet"
    assert choose_perceptual("lpips-vgg").weights == "vgg16-imagenet"
    assert choose_features("inception").is_inception and choose_perceptual("lpips-vgg").is_lpips


def test_the_published_digests_are_those_that_the_files_are_named_by() -> None:
    for name in ("inception-fid", "alexnet-imagenet", "vgg16-imagenet"):
        entry = weights.entry_of(name)
        assert Path(entry.file).stem.endswith(f"-{entry.sha256[:8]}")
        assert entry.optional and entry.url is not None and entry.url.endswith(f"/{entry.file}")


@pytest.mark.parametrize(
    ("choose", "name", "score"), [(choose_features, "inception", "FID"), (choose_perceptual, "lpips-alex", "LPIPS")]
)
def test_published_weights_that_are_not_here_are_told_with_the_command_and_the_other_way(
    choose: object, name: str, score: str
) -> None:
    chosen = choose_features(name) if choose is choose_features else choose_perceptual(name)
    with pytest.raises(WeightsMissing) as told:
        chosen.check()
    assert f"{score} needs the weights {chosen.weights}" in str(told.value)
    assert f"facesynth weights fetch {chosen.weights}" in str(told.value)
    assert f"which is not {score}: --{'perceptual' if score == 'LPIPS' else 'features'} judge" in str(told.value)


def test_only_published_weights_bear_the_published_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine.pth"
    mine.write_bytes(b"of my own")
    published, own = choose_features("inception"), choose_features(f"inception:{mine}")
    judge = choose_features("judge")
    assert published.called("FID", "Fréchet distance") == "FID"
    assert own.is_inception and own.called("FID", "Fréchet distance") == "Fréchet distance over inception with mine.pth"
    assert judge.called("FID", "Fréchet distance") == f"Fréchet distance over {JUDGE}"
    assert not judge.is_inception and not judge.is_published
    assert short(own.sha256) in own.protocol and "mine.pth" in own.protocol
    publish(monkeypatch, "inception-fid", mine, tmp_path / "fetched")
    assert choose_features(f"inception:{mine}").called("FID", "Fréchet distance") == "FID"  # a copy under any name
    choose_features("inception").check()


def test_protocols_name_the_libraries_and_the_resizing() -> None:
    told = choose_features("inception").protocol
    assert "InceptionV3 2015-12-05 by torch-fidelity 0." in told and "299×299 TF1 bilinear, uint8 in" in told
    assert "LPIPS 0.1, AlexNet by torchmetrics 1." in choose_perceptual("lpips-alex").protocol
    for chosen in (choose_features("judge"), choose_perceptual("judge")):
        assert JUDGE in chosen.protocol and short(chosen.sha256) in chosen.protocol
        assert "LPIPS" not in chosen.protocol and "FID" not in chosen.protocol


@pytest.mark.parametrize("name", ["incepton", "lpips-alex", "vgg19-imagenet", "inception:", "lpips-squeeze", "", "FID"])
def test_features_of_other_names_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"use inception"):
        choose_features(name)


@pytest.mark.parametrize(
    "name", ["inception", "lpips", "generator-spade-256-v2", "lpips-vgg:", "mobilenet-v2-imagenet"]
)
def test_perceptual_distances_of_other_names_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"use lpips-"):
        choose_perceptual(name)


def test_without_the_extra_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(package: str) -> str:
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr("importlib.metadata.version", absent)
    with pytest.raises(DependencyMissing, match=r"facesynth\[metrics\]"):
        choose_perceptual("lpips-alex").check()


def test_the_layers_that_torchmetrics_carries_are_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "alexnet.pth"
    mine.write_bytes(b"one")
    choose_perceptual(f"lpips-alex:{mine}").check()
    package = tmp_path / "torchmetrics"
    layers = package / weights.entry_of("lpips-alex-linear").path  # type: ignore[operator]
    layers.parent.mkdir(parents=True)
    layers.write_bytes(bytes(6009))
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torchmetrics", raising=False)
    with pytest.raises(WeightsDamaged, match="lpips-alex-linear"):
        choose_perceptual(f"lpips-alex:{mine}").check()


def test_an_lpips_is_known_by_both_of_its_files(tmp_path: Path) -> None:
    mine = tmp_path / "alexnet.pth"
    mine.write_bytes(b"one")
    before = choose_perceptual(f"lpips-alex:{mine}").digests
    mine.write_bytes(b"another")
    after = choose_perceptual(f"lpips-alex:{mine}").digests
    assert set(before) == {"lpips-alex", "lpips-alex-linear"}
    assert before["lpips-alex"] != after["lpips-alex"] and before["lpips-alex-linear"] == after["lpips-alex-linear"]


def test_choosing_loads_no_torch() -> None:
    code = (
        "import sys; from facesynth.inference.extractors.choice import choose_features as c, choose_perceptual as p;"
        "from facesynth.stages.features import FeaturesStage as F; from facesynth.stages.pair_scores import *;"
        "from facesynth.stages.face_descriptor import FaceDescriptorStage as D; D().weights;"
        "c('inception').protocol, c('judge').name, p('lpips-vgg').digests;"
        "F('inception').weights, [PerceptualStage(one).weights for one in ('judge', 'lpips-alex')];"
        "print([name for name in ('torch', 'dlib', 'torchmetrics', 'torch_fidelity') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
