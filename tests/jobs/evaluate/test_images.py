"""Two folders of pictures: sets and pairs scored, and everything that makes a score meaningless named instead."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facesynth.core.errors import InputError, UsageError
from facesynth.core.image_files import encode_png, read_photo, write_photo
from facesynth.core.images import Photo
from facesynth.evaluation.pictures.feature_sets import FeatureSet, moments_of
from facesynth.evaluation.pictures.kept_faces import FACES
from facesynth.evaluation.pictures.results import PictureEvaluation
from facesynth.evaluation.pictures.set_scores import compare_by
from facesynth.jobs.evaluate.files import EvaluationFiles
from facesynth.jobs.evaluate.image_stages import image_stages
from facesynth.jobs.evaluate.images import evaluate_images
from facesynth.jobs.evaluate.picture_folders import PictureFolder, known_photo
from facesynth.jobs.execution import Execution
from facesynth.metrics.moments import Moments
from facesynth.outputs import SHEET_TEXT
from facesynth.store import ArtifactStore
from tests.drawn_pairs import drawn_face, drawn_labels
from tests.inference.extractors.seeded import seeded_inception
from tests.jobs.conftest import Listener

COUNT = 8


def write_faces(folder: Path, seeds: Sequence[int], size: int = 64) -> Path:
    for place, seed in enumerate(seeds):
        write_photo(drawn_face(drawn_labels(seed, size), seed), folder / f"{place:03}.png")
    return folder


@pytest.fixture
def real(tmp_path: Path) -> Path:
    return write_faces(tmp_path / "real", range(COUNT))


def evaluated(
    tmp_path: Path,
    generated: Path,
    real: Path,
    weights: Path,
    *,
    metrics: Sequence[str] | None = None,
    paired: bool = False,
    features: str | None = None,
    listener: Listener | None = None,
) -> PictureEvaluation:
    stages = image_stages(
        metrics,
        paired=paired,
        features=features or str(weights),
        perceptual=str(weights),
        device="cpu",
        batch_size=None,
    )
    execution = Execution(store=ArtifactStore(tmp_path / "cache"), progress=listener or Listener(), batch_size=4)
    folders = PictureFolder.open(generated), PictureFolder.open(real)
    return evaluate_images(*folders, stages, execution, settings={"real": str(real)})


def values(found: PictureEvaluation) -> dict[str, float]:
    return {score.key: score.value for score in found.scores}


def test_the_same_pictures_are_no_distance_apart_and_others_are(tmp_path: Path, real: Path, tiny_weights: Path) -> None:
    same = evaluated(tmp_path, real, real, tiny_weights)
    assert values(same)["frechet/tiny"] == pytest.approx(0, abs=1e-6)
    assert values(same)["precision/tiny"] == values(same)["recall/tiny"] == 1
    assert values(same)["kernel/tiny"] < 0.01 and {score.setting for score in same.scores} == {"pictures"}
    dark = tmp_path / "dark"
    for path in real.iterdir():
        write_photo(Photo(read_photo(path).pixels // 4), dark / path.name)
    other = evaluated(tmp_path, dark, real, tiny_weights)
    assert values(other)["frechet/tiny"] > 10 * values(same)["frechet/tiny"] and values(other)["kernel/tiny"] > 0
    assert other.exit_code == 0 and not other.rows and len(other.sheet) == 6
    assert "two sets, not paired" in other.protocol
    case = other.case(other.sheet[0])
    assert case is not None and case.real_file is None and case.look is not None and case.look().own is not None


def test_pairs_are_compared_one_by_one(tmp_path: Path, real: Path, tiny_weights: Path) -> None:
    noisy = tmp_path / "noisy"
    random = np.random.default_rng(0)
    for place, path in enumerate(sorted(real.iterdir())):
        pixels = read_photo(path).pixels + random.normal(0, 5 * place, (64, 64, 3))
        write_photo(Photo(np.clip(pixels, 0, 255).astype(np.uint8)), noisy / path.name)
    found = evaluated(tmp_path, noisy, real, tiny_weights, paired=True, metrics=("ssim", "psnr", "lpips"))
    assert [score.key for score in found.scores] == ["perceptual/tiny", "ssim", "psnr"]
    rows = [row.scores for row in found.rows]
    ssims = [row["ssim"] for row in rows if row["ssim"] is not None]
    assert ssims == sorted(ssims, reverse=True) and len(ssims) == COUNT
    ssim = next(score for score in found.scores if score.key == "ssim")
    assert ssim.value == pytest.approx(np.mean(ssims)) and ssim.sd == pytest.approx(np.std(ssims, ddof=1))
    psnr = next(score for score in found.scores if score.key == "psnr")
    assert rows[0]["psnr"] is None and psnr.count == COUNT - 1
    assert any("1 pictures equal their photo: infinite, not in the mean" in note for note in psnr.notes)
    extremes = next(one for one in found.extremes if one.key == "ssim")
    assert extremes.best == ("000", "001", "002", "003") and extremes.worst == ("007", "006", "005", "004")


def test_pairs_that_do_not_match_are_named(tmp_path: Path, real: Path, tiny_weights: Path) -> None:
    generated = write_faces(tmp_path / "generated", range(COUNT - 1))
    shutil.copy(generated / "000.png", generated / "extra.png")
    with pytest.raises(
        UsageError, match=r"partner: 1 of .*generated \(the first is 'extra'\) and 1 of .*real \(the first is '007'\)"
    ):
        evaluated(tmp_path, generated, real, tiny_weights, paired=True)
    assert evaluated(tmp_path, generated, real, tiny_weights).subject.count == COUNT, "unpaired they need none"
    with pytest.raises(UsageError, match="ssim compares each picture with its own real one; add --paired"):
        evaluated(tmp_path, generated, real, tiny_weights, metrics=("fid", "ssim"))


def test_pictures_of_several_sizes_are_named_and_one_other_size_is_brought_to_it(
    tmp_path: Path, real: Path, tiny_weights: Path
) -> None:
    generated = write_faces(tmp_path / "generated", range(COUNT), size=32)
    found = evaluated(tmp_path, generated, real, tiny_weights, paired=True)
    assert found.subject.size == (32, 32) and found.real.sizes == ((64, 64),)
    assert found.protocol[0] == ("pictures of 32×32, real ones of 64×64 brought to that size (Lanczos, antialiased)")
    write_faces(tmp_path / "other", [3], size=48)
    shutil.copy(tmp_path / "other/000.png", generated / "003.png")
    with pytest.raises(UsageError, match=r"generated: pictures of 2 sizes, such as 32×32 \(000.png\) and 48×48 \(003"):
        evaluated(tmp_path, generated, real, tiny_weights)
    wide = tmp_path / "wide"
    for path in real.iterdir():
        write_photo(Photo(read_photo(path).pixels[:32]), wide / path.name)
    with pytest.raises(UsageError, match=r"pictures of different shapes: .*wide 64×32 and .*real 64×64"):
        evaluated(tmp_path, wide, real, tiny_weights)


def test_too_few_pictures_and_empty_folders_are_no_score(tmp_path: Path, real: Path, tiny_weights: Path) -> None:
    one = write_faces(tmp_path / "one", [0])
    with pytest.raises(UsageError, match=r"fid needs at least 2 pictures a side, .*one holds 1; give more pictures"):
        evaluated(tmp_path, one, real, tiny_weights, metrics=("fid",))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="empty: no pictures in it"):
        evaluated(tmp_path, tmp_path / "empty", real, tiny_weights)
    with pytest.raises(UsageError, match="nowhere: no such folder"):
        evaluated(tmp_path, tmp_path / "nowhere", real, tiny_weights)
    (tmp_path / "pairs/labels").mkdir(parents=True)
    write_faces(tmp_path / "pairs/images", [0])
    with pytest.raises(UsageError, match=r"holds label maps beside its pictures; give .*pairs/images"):
        PictureFolder.open(tmp_path / "pairs")


def test_pictures_that_cannot_be_read_are_left_out_with_their_partners(
    tmp_path: Path, real: Path, tiny_weights: Path
) -> None:
    generated = write_faces(tmp_path / "generated", range(COUNT))
    (generated / "002.png").write_bytes((generated / "002.png").read_bytes()[:300])
    (real / "005.png").write_bytes(b"no image")
    (generated / "sheet.png").write_bytes(encode_png(read_photo(real / "000.png"), SHEET_TEXT))
    listener = Listener()
    found = evaluated(tmp_path, generated, real, tiny_weights, paired=True, listener=listener)
    assert found.exit_code == 3 and len(listener.notes) == 2
    assert [one.file for one in found.left_out] == [str(generated / "002.png"), str(real / "005.png")]
    assert {row.name for row in found.rows} == {f"{n:03}" for n in range(COUNT)} - {"002", "005"}
    assert found.subject.count == found.real.count == COUNT - 2
    apart = evaluated(tmp_path, generated, real, tiny_weights)
    assert apart.subject.count == apart.real.count == COUNT - 1 and apart.exit_code == 3
    for path in real.iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(InputError, match=r"real: none of 8 pictures can be used, the first: .*000.png: not an image"):
        evaluated(tmp_path, generated, real, tiny_weights)


def test_features_that_are_no_numbers_make_no_score(
    tmp_path: Path, real: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from facesynth.core.errors import FacesynthError
    from facesynth.inference.extractors.features import PictureFeatures
    from facesynth.stages.features import FeaturesStage

    def broken(self: Any, batch: Sequence[Photo]) -> list[PictureFeatures]:
        features = np.zeros((len(batch), 4), dtype=np.float32)
        features[-1, 2] = np.nan
        return [PictureFeatures(row) for row in features]

    monkeypatch.setattr(FeaturesStage, "__call__", broken)
    with pytest.raises(FacesynthError, match=r"real/003\.png: its features are not all finite numbers"):
        evaluated(tmp_path, real, real, tiny_weights, metrics=("fid",))


def test_an_inception_score_and_inceptions_own_names_for_its_own_weights_alone(tmp_path: Path) -> None:
    inception = seeded_inception(tmp_path / "inception.pth")
    real = write_faces(tmp_path / "real", [*range(10)] * 5, size=32)
    found = evaluated(tmp_path, real, real, inception, features=f"inception:{inception}", metrics=("fid", "is"))
    frechet, score = found.scores
    assert frechet.key.startswith("frechet/inception with") and not frechet.label.startswith("FID")
    assert score.value >= 1 and score.sd_over == "10 splits" and score.ceiling == pytest.approx(score.value)
    assert score.warning is not None and "5 pictures in each of 10 parts cannot fill 1008 classes" in score.warning
    few = write_faces(tmp_path / "few", [0] * 49, size=32)
    with pytest.raises(UsageError, match="is needs at least 50 pictures a side"):
        evaluated(tmp_path, few, real, inception, features=f"inception:{inception}", metrics=("is",))


def test_runs_that_leave_out_others_partners_are_over_other_pictures(
    tmp_path: Path, real: Path, tiny_weights: Path
) -> None:
    digests = []
    for broken in ("002", "003"):
        generated = write_faces(tmp_path / f"without-{broken}", range(COUNT))
        (generated / f"{broken}.png").write_bytes(b"no image")
        found = evaluated(tmp_path, generated, real, tiny_weights, paired=True, metrics=("psnr",))
        assert found.real.count == COUNT - 1
        digests.append(found.real.digest)
    assert digests[0] != digests[1], "they were scored against other real pictures"
    fewer = tmp_path / "fewer"
    shutil.copytree(real, fewer)
    (fewer / "003.png").unlink()
    whole = evaluated(tmp_path, fewer, fewer, tiny_weights, paired=True, metrics=("psnr", "ssim"))
    assert whole.real.digest == digests[1], "the same pictures, whatever was left out"


def test_what_was_scored_once_is_found_again_and_each_file_read_once(
    tmp_path: Path, real: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from facesynth.core import refs
    from facesynth.jobs.evaluate import picture_folders, set_stages

    dark = tmp_path / "dark"
    for path in real.iterdir():
        write_photo(Photo(read_photo(path).pixels // 4), dark / path.name)
    first = evaluated(tmp_path, dark, real, tiny_weights, metrics=("fid", "kid", "pr"))
    reads: list[Path] = []
    moments: list[int] = []

    def read(path: Path) -> bytes:
        reads.append(path)
        return path.read_bytes()

    def nothing(*given: Any) -> Any:
        raise AssertionError("was computed before")

    monkeypatch.setattr(refs, "read_file", read)
    monkeypatch.setattr(picture_folders, "read_file", read)
    monkeypatch.setattr(set_stages, "compare_by", nothing)
    second = evaluated(tmp_path, dark, real, tiny_weights, metrics=("fid", "kid", "pr"))
    assert second.scores == first.scores and second.subject.device is None
    assert sorted(reads) == sorted([*dark.iterdir(), *real.iterdir()])

    def noted(one: FeatureSet) -> Moments:
        moments.append(len(one))
        return moments_of(one)

    monkeypatch.setattr(set_stages, "compare_by", compare_by)
    monkeypatch.setattr(set_stages, "moments_of", noted)
    evaluated(tmp_path, real, real, tiny_weights, metrics=("fid",))
    assert not moments, "the real set's moments, whole and by halves, are those of before"
    assert not [*(tmp_path / "cache/.tmp").iterdir()], "no features stay behind"


def test_a_picture_that_changes_while_it_is_scored_is_named(tmp_path: Path, real: Path) -> None:
    item = known_photo(real / "000.png", "ab" * 32)
    with pytest.raises(InputError, match=r"000.png: the file changed while it was being scored; run again"):
        item.load()


def test_pictures_too_small_for_a_measure_are_told_before_anything_is_computed(
    tmp_path: Path, real: Path, tiny_weights: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    for index in range(COUNT):
        Image.new("RGB", (9, 9), (index * 20, 0, 0)).save(small / f"{index:03}.png")
    with pytest.raises(UsageError, match="ssim needs pictures of at least 11×11 pixels, these are 9×9") as raised:
        evaluated(tmp_path, small, small, tiny_weights, paired=True)
    assert "leave ssim out with --metrics" in str(raised.value)


def test_what_is_kept_of_the_faces_never_lies_among_inputs(tmp_path: Path, real: Path) -> None:
    inputs = write_faces(tmp_path / FACES, range(2))
    with pytest.raises(UsageError, match="inside the input folder"):
        EvaluationFiles.into(tmp_path, [inputs, real], [], faces=True)
    with pytest.raises(UsageError, match="inside the input folder") as told:
        EvaluationFiles.into(real / "out", [inputs, real], [], faces=True)
    assert told.value.where == str(real / "out"), "the folder that was given"
    EvaluationFiles.into(tmp_path, [inputs, real], [])  # label maps keep no faces
