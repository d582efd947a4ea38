"""The stages that compare two pictures: what is kept, what their keys hold, and what the bundled weights tell."""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from facesynth import weights
from facesynth.core.errors import CacheError, DependencyMissing, InputError, UsageError, WeightsMissing
from facesynth.core.image_files import decode_photo, read_photo, write_photo
from facesynth.core.images import Photo
from facesynth.core.refs import Done, Failed, FileRef, Origin, PairRef
from facesynth.evaluation.pictures.pair_measures import likeness_measure
from facesynth.pipeline import run
from facesynth.stages.pair_scores import MEASURES, LikenessStage, PerceptualStage
from facesynth.store import ArtifactStore
from tests.drawn_pairs import drawn_face, drawn_labels
from tests.inference.extractors.seeded import seeded_layers

JUDGE = weights.default_name("judge")
CHANGED = "the result changed: raise the stage's version, then record it anew"
ONE, OTHER = (drawn_face(drawn_labels(seed), seed) for seed in range(2))
SSIM, PSNR = LikenessStage("ssim"), LikenessStage("psnr")

Measuring = LikenessStage | PerceptualStage


def pair(folder: Path, name: str, picture: Photo, reference: Photo) -> PairRef[Photo, Photo]:
    paths = [folder / f"{name}-{which}.png" for which in ("painted", "real")]
    for path, photo in zip(paths, (picture, reference), strict=True):
        write_photo(photo, path)
    first, second = (FileRef(path, Origin(path.name), decode_photo) for path in paths)
    return PairRef(first, second)


def score(stage: Measuring, picture: Photo, reference: Photo) -> float:
    (found,) = stage([(picture, reference)])
    assert isinstance(found, float)
    return found


def test_pair_scores_version_1() -> None:
    folder = weights.data_folder("photos")
    one, other = (read_photo(folder / f"portrait-{number}.jpg").resized(128, 128) for number in (1, 2))
    assert (LikenessStage.version, PerceptualStage.version, JUDGE) == (1, 1, "judge-efl0-256-v1")
    assert score(SSIM, one, other) == pytest.approx(0.2903, abs=0.002), CHANGED
    assert score(PSNR, one, other) == pytest.approx(10.514, abs=0.02), CHANGED
    assert score(PerceptualStage("judge", device="cpu"), one, other) == pytest.approx(1.311, abs=0.01), CHANGED


def test_equal_pictures() -> None:
    blank = Photo(np.full((12, 96, 3), 90, dtype=np.uint8))
    assert score(SSIM, blank, blank) == pytest.approx(1) and score(PSNR, blank, blank) == math.inf
    assert score(PerceptualStage("judge", device="cpu"), blank, blank) == 0


def test_another_networks_weights_have_their_own_name(tmp_path: Path) -> None:
    file = seeded_layers(tmp_path / "layers.pth", "alexnet")
    stage = PerceptualStage(f"lpips-alex:{file}", device="cpu")
    assert stage.extractor.name == "lpips-alex with layers.pth" and score(stage, ONE, OTHER) > 0


@pytest.mark.parametrize("value", [1 / 3, -0.1, 0.0, math.inf])
def test_what_is_kept_is_plain_json_and_the_same_when_it_is_read(value: float, tmp_path: Path) -> None:
    codec = SSIM.codec
    files = codec.write(value)
    assert b"Infinity" not in files["score.json"] and files == codec.write(value)
    (tmp_path / "score.json").write_bytes(files["score.json"])
    assert codec.read(tmp_path) == value
    for damaged in (b'"in', b"{}", b'"a"', b"null", b"\xff"):
        (tmp_path / "score.json").write_bytes(damaged)
        with pytest.raises(CacheError, match=r"score\.json: holds no score of a pair"):
            codec.read(tmp_path)


def test_a_pair_is_known_by_both_of_its_pictures_and_by_its_measure(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "cache")
    pairs = [pair(tmp_path, "a", ONE, OTHER), pair(tmp_path, "b", OTHER, ONE), pair(tmp_path, "c", ONE, ONE)]
    first = list(run(PSNR, pairs, store))
    assert [each.cached for each in first if isinstance(each, Done)] == [False, False, False]
    again = list(run(LikenessStage("psnr"), [*pairs, pair(tmp_path, "d", ONE, OTHER)], store))
    assert [each.cached for each in again if isinstance(each, Done)] == [True] * 4
    loaded = [each.ref.load() for each in again if isinstance(each, Done)]
    assert loaded[0] == loaded[3] == loaded[1] and loaded[2] == math.inf
    other = list(run(SSIM, pairs, store))
    assert [each.cached for each in other if isinstance(each, Done)] == [False] * 3


def test_two_sizes_are_one_pairs_failure(tmp_path: Path) -> None:
    pairs = [pair(tmp_path, "a", ONE, OTHER.resized(96, 96)), pair(tmp_path, "b", ONE, OTHER)]
    stages: Sequence[Measuring] = (SSIM, PSNR, PerceptualStage("judge", device="cpu"))
    for stage in stages:
        failed, fine = run(stage, pairs, None)
        assert isinstance(failed, Failed) and isinstance(failed.error, InputError) and isinstance(fine, Done)
        assert "64×64 and 96×96" in str(failed.error)


def test_the_key_holds_what_is_measured_and_by_what() -> None:
    assert SSIM.weights == PSNR.weights == {} and SSIM.config != PSNR.config
    lpips, judge = PerceptualStage("lpips-alex"), PerceptualStage("judge", device="cpu", batch_size=4)
    assert set(lpips.weights) == {"lpips-alex", "lpips-alex-linear"} and set(judge.weights) == {"trunk"}
    assert lpips.config != PerceptualStage("lpips-vgg").config and judge.config == PerceptualStage(JUDGE).config


def test_another_version_of_the_library_that_computes_has_other_keys_and_another_protocol(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stages: dict[str, Measuring] = {"ssim": SSIM, "psnr": PSNR, "lpips": PerceptualStage("lpips-alex")}
    judge = PerceptualStage("judge")
    before, of_judge = {name: stage.config for name, stage in stages.items()}, judge.config
    told = [likeness_measure(name).protocol for name in MEASURES]
    installed = importlib.metadata.version
    assert installed("scipy") in told[0] and f"torchmetrics {installed('torchmetrics')}" in told[1]
    monkeypatch.setattr("importlib.metadata.version", lambda package: f"{installed(package)}.post1")
    assert [name for name, stage in stages.items() if stage.config == before[name]] == []
    assert judge.config == of_judge, "it is computed here"
    assert not {likeness_measure(name).protocol for name in MEASURES} & set(told)

    def gone(package: str) -> str:
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr("importlib.metadata.version", gone)
    with pytest.raises(DependencyMissing, match=r"torchmetrics is not installed.*facesynth\[metrics\]"):
        _ = PSNR.config


def test_what_makes_no_sense_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="use ssim or psnr"):
        LikenessStage("mse")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="use lpips-alex"):
        PerceptualStage("x")
    monkeypatch.setenv("FACESYNTH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(WeightsMissing, match=r"LPIPS needs .*facesynth weights fetch alexnet-imagenet"):
        list(run(PerceptualStage("lpips-alex", device="cpu"), [pair(tmp_path, "a", ONE, OTHER)], None))


def test_a_batch_gives_what_its_pairs_give_alone() -> None:
    noisy = Photo(np.clip(ONE.pixels.astype(int) + 9, 0, 255).astype(np.uint8))
    pairs = [(ONE, OTHER), (noisy, ONE), (ONE.resized(80, 80), OTHER.resized(80, 80))]
    stages: list[Measuring] = [*map(LikenessStage, MEASURES), PerceptualStage("judge", device="cpu", batch_size=2)]
    for stage in stages:
        assert stage(pairs) == [stage([each])[0] for each in pairs]
