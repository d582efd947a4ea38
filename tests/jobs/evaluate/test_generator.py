"""A generator scored: what each score comes to where the pictures are known, what is left out, what is kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesynth.core.errors import InputError, UsageError
from facesynth.core.faces import Face
from facesynth.core.image_files import write_photo
from facesynth.core.label_files import write_label_map
from facesynth.core.labels import Label, LabelMap
from facesynth.core.refs import sha256_file
from facesynth.datasets.manifest import Description, Sample, write_manifest
from facesynth.evaluation.held_out import open_held_out
from facesynth.evaluation.pictures.document import read_evaluation
from facesynth.evaluation.pictures.results import PictureEvaluation, Score
from facesynth.evaluation.pictures.set_scores import SET_METRICS
from facesynth.evaluation.pictures.subjects import Setting
from facesynth.jobs.evaluate.files import OF_PICTURES, EvaluationFiles, picture_contents
from facesynth.jobs.evaluate.generator import evaluate_generator
from facesynth.jobs.evaluate.generator_passes import GeneratorStages
from facesynth.jobs.execution import Execution
from facesynth.store import ArtifactStore
from tests.coded_parser import CodedStage, coded_face, write_coded_pairs
from tests.drawn_pairs import drawn_labels
from tests.jobs.conftest import Listener
from tests.jobs.evaluate.coded_generator import CodedEncoder, CodedPainter, coded_stages

FACES = 8


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write_coded_pairs(tmp_path / "pairs", FACES)


def evaluated(
    tmp_path: Path,
    data: Path,
    stages: GeneratorStages,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    metrics: Sequence[str] = ("fid",),
    listener: Listener | None = None,
    force: bool = False,
    **which: Any,
) -> PictureEvaluation:
    execution = Execution(
        store=ArtifactStore(tmp_path / "cache"), progress=listener or Listener(), batch_size=3, force=force
    )
    return evaluate_generator(
        open_held_out(data, **which),
        stages,
        execution,
        name="coded",
        judge="coded-judge",
        seeds=seeds,
        metrics=metrics,
        settings={"data": str(data)},
    )


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> PictureEvaluation:
    """Eight faces, three seeds, all metrics that a tiny parser's features give; its files stay where they are."""
    place = tmp_path_factory.mktemp("usual")
    pairs = write_coded_pairs(place / "pairs", FACES)
    return evaluated(place, pairs, coded_stages(tiny_weights), metrics=("fid", "kid", "pr"))


def scored(found: PictureEvaluation, key: str, setting: Setting) -> Score:
    one = found.score(key, setting)
    assert one is not None, f"{key} in {[(each.key, each.setting) for each in found.scores]}"
    return one


def test_own_style_that_is_the_photo_itself_is_faultless_and_by_seed_it_is_told_apart(usual: PictureEvaluation) -> None:
    found = usual
    own = {score.key: score for score in found.scores if score.setting == "own style"}
    assert own["frechet/tiny"].value == pytest.approx(0, abs=1e-6)
    assert own["precision/tiny"].value == own["recall/tiny"].value == 1
    assert own["miou"].value == own["accuracy"].value == own["miou"].ceiling == 1
    assert own["ssim"].value == pytest.approx(1) and own["perceptual/tiny"].value == pytest.approx(0, abs=1e-6)
    assert own["style_colour"].value == own["style_contrast"].value == 0
    assert "psnr" not in own and any("no PSNR (own style): 8 pictures equal their photo" in w for w in found.warnings)

    seeds = {score.key: score for score in found.scores if score.setting == "by seed"}
    assert seeds["frechet/tiny"].value > own["frechet/tiny"].value and seeds["miou"].value < 1
    hair = next(row for row in found.classes if row.label == Label.HAIR)
    assert hair.pictures["by seed"].iou == 0 and hair.pictures["own style"].iou == hair.ceiling.iou == 1
    skin = next(row for row in found.classes if row.label == Label.SKIN)
    assert skin.pictures["by seed"].iou == 1, "only the hair is painted wrong"
    assert 0 < seeds["ssim"].value < 1 and seeds["psnr"].value > 0
    regions = {row.label: row for row in found.regions}
    assert regions[Label.HAIR].pictures["own style"].colour == 0 < regions[Label.HAIR].pictures["by seed"].colour
    assert regions[Label.HAIR].unrelated is not None and regions[Label.HAIR].pictures["by seed"].count == 3 * FACES
    assert found.exit_code == 0 and not found.left_out


def test_by_seed_is_the_mean_over_seeds_with_their_sample_deviation(
    tmp_path: Path, pairs: Path, tiny_weights: Path, usual: PictureEvaluation
) -> None:
    found = usual
    for key in ("frechet/tiny", "miou", "ssim", "psnr", "perceptual/tiny", "style_colour"):
        one = scored(found, key, "by seed")
        values = list(one.by_seed.values())
        assert sorted(one.by_seed) == [0, 1, 2] and one.value == pytest.approx(np.mean(values))
        assert one.sd == pytest.approx(np.std(values, ddof=1), abs=1e-12) and one.sd_over == "3 seeds"
    assert scored(found, "miou", "by seed").sd == 0, "each seed is parsed alike"
    single = evaluated(tmp_path, pairs, coded_stages(tiny_weights), seeds=(1,))
    alone = scored(single, "psnr", "by seed")
    assert alone.sd is None and alone.value == pytest.approx(scored(found, "psnr", "by seed").by_seed[1])
    assert not single.of_group("diversity"), "one seed has nobody to differ from"
    none = evaluated(tmp_path, pairs, coded_stages(tiny_weights), seeds=())
    assert {score.setting for score in none.scores} == {"own style"}


def test_seeds_that_differ_more_are_more_diverse(tmp_path: Path, pairs: Path, tiny_weights: Path) -> None:
    near = evaluated(tmp_path, pairs, coded_stages(tiny_weights), seeds=(0, 1))
    far = evaluated(tmp_path, pairs, coded_stages(tiny_weights), seeds=(0, 9))
    (one,), (other,) = near.of_group("diversity"), far.of_group("diversity")
    assert 0 < one.value < other.value and one.setting == "by seed"
    assert one.counted == "label maps" and one.count == FACES and one.unrelated is not None


def test_real_against_real_and_different_faces_stand_beside_the_distances(usual: PictureEvaluation) -> None:
    found = usual
    distance = scored(found, "frechet/tiny", "own style")
    assert distance.halves is not None and distance.halves.count == 4 and distance.halves.real > distance.value
    assert distance.halves.generated == distance.halves.real, "own style is the photo itself, the other half's"
    apart = scored(found, "frechet/tiny", "by seed").halves
    assert apart is not None and apart.generated == pytest.approx(np.mean(list(apart.by_seed.values())))
    assert sorted(apart.by_seed) == [0, 1, 2] and apart.real == distance.halves.real
    assert any("two halves of 4" in note for note in distance.notes)
    assert distance.warning is not None and "no covariance of full rank" in distance.warning
    assert "not" not in distance.label and "FID" not in distance.label and "comparable over" in distance.protocol
    assert scored(found, "precision/tiny", "own style").ceiling is None, "half against half is no ceiling"
    likeness = scored(found, "perceptual/tiny", "own style")
    assert likeness.unrelated is not None and likeness.unrelated > likeness.value
    assert "not LPIPS" in likeness.protocol and likeness.label == "perceptual distance over tiny"
    ssim = scored(found, "ssim", "own style")
    assert ssim.unrelated is not None and ssim.unrelated < ssim.value


def test_what_was_computed_is_found_again_and_an_interrupted_evaluation_goes_on(
    tmp_path: Path, pairs: Path, tiny_weights: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluated(tmp_path, pairs, coded_stages(tiny_weights, synthesize=CodedPainter(interrupt_after=6)))
    rest, judge = CodedPainter(), CodedStage()
    first = evaluated(tmp_path, pairs, coded_stages(tiny_weights, synthesize=rest, judge=judge))
    assert sum(rest.calls) == 4 * FACES - 6 and first.subject.device == "cpu"
    assert sum(judge.calls) == 5 * FACES, "each picture and each photo once"
    painter, encoder, again = CodedPainter(), CodedEncoder(), CodedStage()
    second = evaluated(tmp_path, pairs, coded_stages(tiny_weights, synthesize=painter, encode=encoder, judge=again))
    assert not painter.calls and not encoder.calls and not again.calls and second.subject.device is None
    assert second.scores == first.scores and list(second.rows) == list(first.rows)
    forced = CodedPainter()
    evaluated(tmp_path, pairs, coded_stages(tiny_weights, synthesize=forced), force=True)
    assert sum(forced.calls) == 4 * FACES, "each picture once, however many scores ask for it"


def test_faces_that_cannot_be_used_are_left_out_of_every_set_and_counted(
    tmp_path: Path, pairs: Path, tiny_weights: Path
) -> None:
    (pairs / "images/001.png").write_bytes(b"no image")
    (pairs / "labels/002.png").write_bytes(b"no label map")
    listener = Listener()
    found = evaluated(tmp_path, pairs, coded_stages(tiny_weights), listener=listener)
    assert found.exit_code == 3 and [one.name for one in found.left_out] == ["001", "002"]
    assert found.left_out[1].file == str(pairs / "labels/002.png")
    assert sum("left out" in note for note in listener.notes) == 2
    assert found.real.count == found.subject.count == FACES - 2 and "2 could not be used" in found.headline()
    names = {row.name for row in found.rows}
    assert names == {f"{number:03}" for number in range(FACES)} - {"001", "002"}
    assert all(score.count == FACES - 2 for score in found.scores if score.setting == "own style")
    for path in (pairs / "images").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(InputError, match=r"none of 8 pictures could be used, the first: .*000.png"):
        evaluated(tmp_path, pairs, coded_stages(tiny_weights))


def test_too_few_faces_are_told_before_anything_is_painted(tmp_path: Path, tiny_weights: Path) -> None:
    few, painter = write_coded_pairs(tmp_path / "few", 3), CodedPainter()
    with pytest.raises(UsageError, match=r"kid needs at least 4 pictures a side, .*few holds 3"):
        evaluated(tmp_path, few, coded_stages(tiny_weights, synthesize=painter), metrics=("fid", "kid", "pr"))
    with pytest.raises(UsageError, match="needs Inception's classes"):
        evaluated(tmp_path, few, coded_stages(tiny_weights, synthesize=painter), metrics=SET_METRICS)
    assert not painter.calls
    (few / "images/001.png").write_bytes(b"no image")
    (few / "images/002.png").write_bytes(b"no image")
    with pytest.raises(UsageError, match="fid needs at least 2 pictures a side, what could be used holds 1"):
        evaluated(tmp_path, few, coded_stages(tiny_weights, synthesize=painter))


def test_a_judge_that_made_the_label_maps_or_is_no_judge_is_doubted(
    tmp_path: Path, pairs: Path, tiny_weights: Path, usual: PictureEvaluation
) -> None:
    (doubt,) = [warning for warning in usual.warnings if "judge" in warning]
    assert "coded-judge is a weights file that the manifest does not know, not a judge" in doubt
    (pairs / "report.json").write_text(json.dumps({"weights": {"segment/parser": "ab" * 32}}))
    found = evaluated(tmp_path, pairs, coded_stages(tiny_weights))
    assert "coded-judge made these label maps itself" in found.warnings[0]
    warning = scored(found, "miou", "own style").warning
    assert warning is not None and found.warnings[0] in warning
    assert scored(found, "ssim", "own style").warning is None


def test_the_shown_faces_are_read_again_with_all_their_pictures(
    tmp_path: Path, pairs: Path, tiny_weights: Path
) -> None:
    found = evaluated(tmp_path, pairs, coded_stages(tiny_weights), seeds=(0, 3))
    case = found.case(found.sheet[0])
    assert len(found.sheet) == 6 and case is not None and case.look is not None
    shown = case.look()
    assert shown.labels is not None and shown.real is not None and shown.own is not None and shown.reparsed is not None
    assert np.array_equal(shown.own.pixels, shown.real.pixels) and sorted(shown.seeds) == [0, 3]
    assert np.array_equal(shown.reparsed.ids, shown.labels.ids) and case.labels_file is not None
    worst = next(one for one in found.extremes if (one.key, one.setting) == ("psnr", "by seed"))
    values = {row.name: row.scores["psnr"] for row in found.rows if row.seed == 0}
    assert len(worst.worst) == 4 and set(worst.worst) <= set(values) and found.case(worst.worst[0]) is not None


def test_sides_of_a_split_and_manifests_are_scored_as_what_they_are(
    tmp_path: Path, pairs: Path, tiny_weights: Path
) -> None:
    split = tmp_path / "split.json"
    split.write_text('{"train": ["000"], "validation": ["001", "002", "003", "gone"]}')
    found = evaluated(tmp_path, pairs, coded_stages(tiny_weights), split=str(split))
    assert found.real.count == 3 and found.real.missing == ("gone",) and found.exit_code == 3
    assert f"against 3 real of {pairs}, side validation of split {split}" in found.headline()

    def sample(number: int) -> Sample:
        image, labels = (pairs / kind / f"{number:03}.png" for kind in ("images", "labels"))
        return Sample(
            name=f"{number:03}",
            image=image,
            sha256=sha256_file(image),
            labels=labels,
            labels_sha256=sha256_file(labels),
        )

    manifest = tmp_path / "dataset.jsonl"
    write_manifest(manifest, Description(name="drawn"), [sample(number) for number in range(FACES)])
    whole = evaluated(tmp_path, pairs, coded_stages(tiny_weights))
    assert evaluated(tmp_path, manifest, coded_stages(tiny_weights)).real.digest == whole.real.digest
    write_label_map(drawn_labels(77), pairs / "labels/004.png")
    changed = evaluated(tmp_path, manifest, coded_stages(tiny_weights))
    assert [one.file for one in changed.left_out] == [str(pairs / "labels/004.png")]
    assert "has changed since its dataset was imported" in changed.left_out[0].reason


def test_the_files_are_whole_and_read_back_as_what_they_were_written_of(
    tmp_path: Path, pairs: Path, usual: PictureEvaluation
) -> None:
    found, out = usual, tmp_path / "out"
    EvaluationFiles.into(out, [pairs], []).write(picture_contents(found))
    assert sorted(path.name for path in out.iterdir()) == sorted(OF_PICTURES)
    saved = read_evaluation(out / "evaluation.json").evaluation
    assert saved.scores == found.scores and saved.classes == found.classes and list(saved.rows) == list(found.rows)
    assert saved.regions == found.regions and saved.extremes == found.extremes and saved.headline() == found.headline()
    with pytest.raises(UsageError, match="inside the input folder"):
        EvaluationFiles.into(pairs / "out", [pairs], [])


def test_photos_of_another_size_are_brought_to_the_pictures(tmp_path: Path, tiny_weights: Path) -> None:
    for seed in range(4):
        labels = drawn_labels(seed, 64)
        write_photo(coded_face(labels.resized(128, 128)), tmp_path / "pairs/images" / f"{seed}.png")
        write_label_map(labels, tmp_path / "pairs/labels" / f"{seed}.png")
    found = evaluated(tmp_path, tmp_path / "pairs", coded_stages(tiny_weights), seeds=(0,))
    assert found.subject.size == (64, 64) and found.real.sizes == ((128, 128),)
    assert "photos of 128×128 brought to that size (Lanczos, antialiased)" in found.protocol[0]
    assert scored(found, "ssim", "own style").value > 0.9 and scored(found, "miou", "own style").value == 1


def test_a_photo_that_was_read_once_is_read_again_only_to_be_decoded(
    tmp_path: Path, pairs: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Counter[str] = Counter()

    def counted(path: Path) -> bytes:
        read[path.parent.name] += 1
        return path.read_bytes()

    evaluated(tmp_path, pairs, coded_stages(tiny_weights))
    for place in ("facesynth.core.refs", "facesynth.jobs.evaluate.picture_items"):
        monkeypatch.setattr(f"{place}.read_file", counted)
    evaluated(tmp_path, pairs, coded_stages(tiny_weights))
    assert read["images"] == 7 * FACES, "to be painted and known; with each of four pictures, and with another photo"


def test_a_photo_that_changes_while_it_is_scored_ends_the_evaluation(
    tmp_path: Path, pairs: Path, tiny_weights: Path
) -> None:
    first = sorted((pairs / "images").iterdir())[0]

    class Meddling(CodedStage):
        def __call__(self, batch: Sequence[Face]) -> list[LabelMap]:
            write_photo(coded_face(drawn_labels(77)), first)
            return super().__call__(batch)

    with pytest.raises(InputError, match="the file changed while it was being scored; run again"):
        evaluated(tmp_path, pairs, coded_stages(tiny_weights, judge=Meddling()))
