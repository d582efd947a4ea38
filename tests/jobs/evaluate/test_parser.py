"""Parsers scored on held-out faces: what counts, what is left out, what is kept for the next time."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facesynth.core.errors import InputError, OutputError, UsageError
from facesynth.core.image_files import read_photo, write_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import write_label_map
from facesynth.core.labels import Label, LabelMap
from facesynth.core.refs import sha256_file
from facesynth.datasets.manifest import Description, Sample, write_manifest
from facesynth.evaluation.held_out import open_held_out
from facesynth.evaluation.segmentation.evaluation import Evaluation
from facesynth.jobs.evaluate.files import OF_MAPS, EvaluationFiles, map_contents
from facesynth.jobs.evaluate.parser import evaluate_parser
from facesynth.jobs.execution import Execution
from facesynth.metrics.segmentation import ConfusionMatrix
from facesynth.store import ArtifactStore
from tests.coded_parser import CodedStage, coded_face, write_coded_pair, write_coded_pairs
from tests.drawn_pairs import drawn_labels
from tests.jobs.conftest import Listener


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write_coded_pairs(tmp_path / "pairs", 5)


def evaluated(tmp_path: Path, data: Path, stage: CodedStage | None = None, **which: Any) -> Evaluation:
    held_out = open_held_out(data, **which)
    execution = Execution(store=ArtifactStore(tmp_path / "cache"), progress=Listener(), batch_size=2, workers=2)
    return evaluate_parser(held_out, stage or CodedStage(), execution, name="coded", settings={"data": str(data)})


def test_a_faultless_parser_scores_one(tmp_path: Path, pairs: Path) -> None:
    found = evaluated(tmp_path, pairs)
    assert found.scores.matrix.mean_iou == found.scores.matrix.pixel_accuracy == 1 and found.exit_code == 0
    assert found.headline().startswith("mIoU 1.000 (")
    assert "| 5 faces of " in found.headline()
    assert "one confusion matrix over all pixels at 64×64, parser coded sha256 abababababab, float32, cpu" in (
        found.headline()
    )


def test_the_matrix_is_that_of_all_faces_together(tmp_path: Path, pairs: Path) -> None:
    expected = ConfusionMatrix()
    for seed in range(5):
        write_coded_pair(pairs, f"{seed:03}", drawn_labels(seed), parsed=drawn_labels(seed + 10))
        expected.add(drawn_labels(seed), drawn_labels(seed + 10))
    found = evaluated(tmp_path, pairs)
    assert np.array_equal(found.scores.matrix.counts, expected.counts)
    assert [face.name for face in found.scores.faces] == [f"{seed:03}" for seed in range(5)]


def test_what_was_parsed_is_found_again(tmp_path: Path, pairs: Path) -> None:
    first, again = CodedStage(), CodedStage()
    one, other = evaluated(tmp_path, pairs, first), evaluated(tmp_path, pairs, again)
    assert sum(first.calls) == 5 and not again.calls
    assert one.subject.device == "cpu" and other.subject.device is None
    assert other.headline().endswith("float32, label maps from the cache")
    assert one.scores.data_digest == other.scores.data_digest
    assert one.scores.predictions_digest == other.scores.predictions_digest


class Automatic(CodedStage):
    """Is asked for any engine, and took ONNX Runtime."""

    ran = "onnx"


def test_the_engine_that_ran_is_named_with_its_version_and_none_where_none_did(tmp_path: Path, pairs: Path) -> None:
    one, other = (evaluated(tmp_path, pairs, Automatic(engine="auto")) for _ in range(2))
    assert one.subject.engine == "onnx" and one.versions["onnxruntime"] == version("onnxruntime")
    assert other.subject.engine is None and other.subject.cached == 5


def test_an_evaluation_that_was_interrupted_goes_on(tmp_path: Path, pairs: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluated(tmp_path, pairs, CodedStage(interrupt_after=2))
    rest = CodedStage()
    found = evaluated(tmp_path, pairs, rest)
    assert sum(rest.calls) == 3 and len(found.scores.faces) == 5


def test_faces_that_cannot_be_used_are_left_out_and_counted(tmp_path: Path, pairs: Path) -> None:
    (pairs / "images/001.png").write_bytes(b"no image")
    write_photo(Photo(np.zeros((64, 32, 3), np.uint8)), pairs / "images/002.png")
    ids = drawn_labels(3).ids.copy()
    ids[5, 7] = 44
    Image.fromarray(ids).save(pairs / "labels/003.png")
    found = evaluated(tmp_path, pairs)
    assert found.exit_code == 3 and [face.name for face in found.scores.faces] == ["000", "004"]
    told = {one.name: (one.file, one.reason) for one in found.scores.left_out}
    assert told["001"] == (str(pairs / "images/001.png"), "not an image in a format that facesynth reads")
    assert told["002"] == (
        str(pairs / "images/002.png"),
        "a face that is scored is square, this image is 32×64; cut the image and its label map alike",
    )
    assert told["003"][0] == str(pairs / "labels/003.png") and "pixel (x=7, y=5) holds 44" in told["003"][1]
    assert "2 of 5 faces (3 could not be used) of" in found.headline()
    assert found.scores.matrix.mean_iou == 1


def test_nothing_is_made_of_nothing(tmp_path: Path, pairs: Path) -> None:
    for number in range(5):
        (pairs / f"images/{number:03}.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"none of 5 faces could be scored, the first: .*000.png: not an image"):
        evaluated(tmp_path, pairs)


def test_label_maps_of_another_size_are_compared_at_their_own(tmp_path: Path, pairs: Path) -> None:
    for number in (0, 1):
        write_label_map(drawn_labels(number, 32), pairs / f"labels/{number:03}.png")
    found = evaluated(tmp_path, pairs)
    assert found.scores.matrix.pixels == 3 * 64**2 + 2 * 32**2
    assert "at 64×64 and 32×32 (parsed at 64×64, scaled by nearest)" in found.headline()
    write_label_map(LabelMap(drawn_labels(4).ids[:, :40]), pairs / "labels/004.png")
    left_out = evaluated(tmp_path, pairs).scores.left_out
    assert [one.file for one in left_out] == [str(pairs / "labels/004.png")] and "40×64" in left_out[0].reason


def test_sides_of_a_split_file(tmp_path: Path, pairs: Path) -> None:
    split = tmp_path / "split.json"
    split.write_text('{"train": ["000"], "validation": ["001", "002", "gone"]}')
    found = evaluated(tmp_path, pairs, split=str(split))
    assert [face.name for face in found.scores.faces] == ["001", "002"]
    assert found.source.missing == ("gone",) and found.exit_code == 3
    assert f"2 of 3 faces (1 is not there) of {pairs}, side validation of split {split}" in found.headline()
    everyone = evaluated(tmp_path, pairs, split=str(split), side="all")
    assert len(everyone.scores.faces) == 3 and "all sides of split" in everyone.headline()
    with pytest.raises(UsageError, match=r"on the side test; it has: train 1, validation 2"):
        evaluated(tmp_path, pairs, split=str(split), side="test")


def test_a_manifest_is_scored_as_its_folder_is_and_its_digests_are_held_to(tmp_path: Path, pairs: Path) -> None:
    def sample(number: int) -> Sample:
        image, labels = (pairs / kind / f"{number:03}.png" for kind in ("images", "labels"))
        return Sample(
            name=f"{number:03}",
            image=image,
            sha256=sha256_file(image),
            labels=labels,
            labels_sha256=sha256_file(labels),
            split={"official": "test" if number < 2 else "train"},
        )

    manifest = tmp_path / "dataset.jsonl"
    write_manifest(manifest, Description(name="drawn"), [sample(number) for number in reversed(range(5))])
    assert evaluated(tmp_path, manifest).scores.data_digest == evaluated(tmp_path, pairs).scores.data_digest
    found = evaluated(tmp_path, manifest, split="official", side="test")
    assert sorted(face.name for face in found.scores.faces) == ["000", "001"]
    with pytest.raises(UsageError, match="no division 'offical'"):
        evaluated(tmp_path, manifest, split="offical")
    write_photo(coded_face(drawn_labels(9)), pairs / "images/000.png")
    write_label_map(drawn_labels(9), pairs / "labels/001.png")
    changed = evaluated(tmp_path, manifest).scores.left_out
    assert sorted(one.file for one in changed) == [str(pairs / "images/000.png"), str(pairs / "labels/001.png")]
    assert all("has changed since its dataset was imported" in one.reason for one in changed)


def test_the_digest_of_the_data_changes_with_its_bytes(tmp_path: Path, pairs: Path) -> None:
    before = evaluated(tmp_path, pairs).scores.data_digest
    ids = drawn_labels(0).ids.copy()
    ids[0, 0] = Label.HAT
    write_label_map(LabelMap(ids), pairs / "labels/000.png")
    assert evaluated(tmp_path, pairs).scores.data_digest != before


def test_label_maps_in_another_order_of_ids_are_read_as_such(tmp_path: Path, pairs: Path) -> None:
    for seed in range(5):
        Image.fromarray(drawn_labels(seed).to_ids("zllrunning")).save(pairs / f"labels/{seed:03}.png")
    assert evaluated(tmp_path, pairs).scores.matrix.mean_iou < 0.5
    assert evaluated(tmp_path, pairs, truth_schema="zllrunning").scores.matrix.mean_iou == 1


def test_the_files_are_whole_and_no_input_is_ever_one_of_them(tmp_path: Path, pairs: Path) -> None:
    found = evaluated(tmp_path, pairs)
    out = tmp_path / "out"
    EvaluationFiles.into(out, [pairs], []).write(map_contents(found))
    assert sorted(path.name for path in out.iterdir()) == sorted(OF_MAPS)
    document = json.loads((out / "evaluation.json").read_bytes())
    assert document["headline"] == found.headline() and document["settings"] == {"data": str(pairs)}
    counts = np.array(document["confusion"]["counts"])
    assert np.array_equal(counts, found.scores.matrix.counts) and counts.sum() == document["protocol"]["pixels"]
    assert document["subject"]["sha256"] == "ab" * 32 and document["versions"]["facesynth"]
    assert read_photo(out / "worst.png").width > 1000
    with pytest.raises(UsageError, match="inside the input folder"):
        EvaluationFiles.into(pairs / "out", [pairs], [])
    with pytest.raises(OutputError, match="never overwritten"):
        EvaluationFiles.into(out, [pairs], [out / "evaluation.json"]).write(map_contents(found))
    (out / "worst.png").unlink()
    (out / "Worst.png").write_bytes(b"an input")
    (out / "worst.png").hardlink_to(out / "Worst.png")  # as where upper and lower case are one
    with pytest.raises(OutputError, match="never overwritten"):
        EvaluationFiles.into(out, [pairs], [out / "Worst.png"]).write(map_contents(found))
