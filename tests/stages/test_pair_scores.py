"""The stage that compares two pictures: what is kept, what its key holds, and its results with the bundled weights."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from facesynth import weights
from facesynth.core.errors import CacheError, UsageError, WeightsMissing
from facesynth.core.image_files import decode_photo, read_photo, write_photo
from facesynth.core.images import Photo
from facesynth.core.refs import Done, Failed, FileRef, Origin, PairRef
from facesynth.pipeline import run
from facesynth.stages.pair_scores import PairScores, PairScoresStage
from facesynth.store import ArtifactStore
from tests.drawn_pairs import drawn_face, drawn_labels
from tests.inference.extractors.seeded import seeded_layers

JUDGE = weights.default_name("judge")
CHANGED = "the result changed: raise the stage's version, then record it anew"
ONE, OTHER = (drawn_face(drawn_labels(seed), seed) for seed in range(2))


def pair(folder: Path, name: str, picture: Photo, reference: Photo) -> PairRef[Photo, Photo]:
    paths = [folder / f"{name}-{which}.png" for which in ("painted", "real")]
    for path, photo in zip(paths, (picture, reference), strict=True):
        write_photo(photo, path)
    first, second = (FileRef(path, Origin(path.name), decode_photo) for path in paths)
    return PairRef(first, second)


def scores(stage: PairScoresStage, picture: Photo, reference: Photo) -> PairScores:
    (found,) = stage([(picture, reference)])
    assert isinstance(found, PairScores)
    return found


def test_pair_scores_version_1() -> None:
    folder = weights.data_folder("photos")
    one, other = (read_photo(folder / f"portrait-{number}.jpg").resized(128, 128) for number in (1, 2))
    found = scores(PairScoresStage(perceptual=("judge",), identity=True, device="cpu"), one, other)
    assert (PairScoresStage.version, JUDGE) == (1, "judge-efl0-256-v1")
    assert found.ssim == pytest.approx(0.2903, abs=0.002), CHANGED
    assert found.psnr == pytest.approx(10.514, abs=0.02), CHANGED
    assert found.perceptual == pytest.approx({JUDGE: 1.311}, abs=0.01), CHANGED
    assert found.identity == pytest.approx(0.748, abs=0.02) and found.no_identity is None, CHANGED


def test_equal_pictures_and_those_without_a_face() -> None:
    blank = Photo(np.full((12, 96, 3), 90, dtype=np.uint8))
    found = scores(PairScoresStage(perceptual=("judge",), identity=True, device="cpu"), blank, blank)
    assert found.ssim == pytest.approx(1) and found.psnr == math.inf and found.perceptual == {JUDGE: 0}
    assert found.identity is None and found.no_identity == "no face found in the picture or the reference"


def test_only_what_was_asked_for_is_computed(tmp_path: Path) -> None:
    assert scores(PairScoresStage(), ONE, OTHER).perceptual == {}
    found = scores(PairScoresStage(measures=("psnr",)), ONE, OTHER)
    assert found.ssim is None and found.psnr is not None and found.identity is None and found.no_identity is None
    file = seeded_layers(tmp_path / "layers.pth", "alexnet")
    found = scores(PairScoresStage(measures=(), perceptual=("judge", f"lpips-alex:{file}"), device="cpu"), ONE, OTHER)
    assert set(found.perceptual) == {JUDGE, "lpips-alex with layers.pth"} and min(found.perceptual.values()) > 0


@pytest.mark.parametrize(
    "value",
    [
        PairScores(),
        PairScores(0.25, math.inf, {"b": 0.5, "a": 1 / 3}, None, "no face found in the picture"),
        PairScores(-0.1, 20.5, {}, 0.6),
    ],
)
def test_what_is_kept_is_plain_json_and_the_same_when_it_is_read(value: PairScores, tmp_path: Path) -> None:
    codec = PairScoresStage().codec
    files = codec.write(value)
    assert b"Infinity" not in files["scores.json"] and files == codec.write(value)
    (tmp_path / "scores.json").write_bytes(files["scores.json"])
    assert codec.read(tmp_path) == value
    (tmp_path / "scores.json").write_bytes(files["scores.json"][:-20])
    with pytest.raises(CacheError, match=r"scores\.json: holds no scores of a pair"):
        codec.read(tmp_path)


def test_a_pair_is_known_by_both_of_its_pictures(tmp_path: Path) -> None:
    store, stage = ArtifactStore(tmp_path / "cache"), PairScoresStage()
    pairs = [pair(tmp_path, "a", ONE, OTHER), pair(tmp_path, "b", OTHER, ONE), pair(tmp_path, "c", ONE, ONE)]
    first = list(run(stage, pairs, store))
    assert [each.cached for each in first if isinstance(each, Done)] == [False, False, False]
    again = list(run(PairScoresStage(), [*pairs, pair(tmp_path, "d", ONE, OTHER)], store))
    assert [each.cached for each in again if isinstance(each, Done)] == [True] * 4
    loaded = [each.ref.load() for each in again if isinstance(each, Done)]
    assert loaded[0] == loaded[3] and loaded[0].psnr == loaded[1].psnr and loaded[2].psnr == math.inf


def test_two_sizes_are_one_pairs_failure_unless_they_may_be_resized(tmp_path: Path) -> None:
    large = OTHER.resized(96, 96)
    pairs = [pair(tmp_path, "a", ONE, large), pair(tmp_path, "b", ONE, OTHER)]
    failed, fine = run(PairScoresStage(), pairs, None)
    assert isinstance(failed, Failed) and "64×64 and 96×96" in str(failed.error) and isinstance(fine, Done)
    resized = scores(PairScoresStage(resize=True), ONE, large)
    assert resized == scores(PairScoresStage(), ONE, large.resized(64, 64))


def test_the_key_holds_what_is_measured_and_by_what() -> None:
    plain = PairScoresStage()
    assert plain.weights == {} and plain.config == PairScoresStage(measures=("psnr", "ssim"), device="cpu").config
    assert plain.config != PairScoresStage(measures=("ssim",)).config != PairScoresStage(resize=True).config
    rich = PairScoresStage(perceptual=("lpips-alex", "judge"), identity=True)
    assert set(rich.weights) == {
        "lpips-alex lpips-alex",
        "lpips-alex lpips-alex-linear",
        f"{JUDGE} trunk",
        "dlib-face-descriptor",
        "dlib-landmarks-68",
        "dlib-mmod",
    }


def test_what_makes_no_sense_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for options in ({"measures": ("mse",)}, {"measures": ()}, {"perceptual": ("judge", JUDGE)}, {"perceptual": ("x",)}):
        with pytest.raises(UsageError):
            PairScoresStage(**options)
    monkeypatch.setenv("FACESYNTH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(WeightsMissing, match=r"LPIPS needs .*facesynth weights fetch alexnet-imagenet"):
        list(run(PairScoresStage(perceptual=("lpips-alex",), device="cpu"), [pair(tmp_path, "a", ONE, OTHER)], None))


def test_a_batch_gives_what_its_pairs_give_alone() -> None:
    stage = PairScoresStage(perceptual=("judge",), device="cpu", batch_size=2)
    noisy = Photo(np.clip(ONE.pixels.astype(int) + 9, 0, 255).astype(np.uint8))
    pairs = [(ONE, OTHER), (noisy, ONE), (ONE.resized(80, 80), OTHER.resized(80, 80))]
    assert stage(pairs) == [stage([each])[0] for each in pairs]
