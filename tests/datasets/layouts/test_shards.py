from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facesynth.core.errors import UsageError
from facesynth.core.image_files import encode_png
from facesynth.core.label_files import encode_label_map, read_label_map
from facesynth.datasets.importing.engine import Imported, import_dataset
from facesynth.datasets.layouts.shards import ShardsLayout
from facesynth.datasets.manifest import Manifest, Sample
from facesynth.datasets.pairs import open_pairs
from tests.drawn_pairs import drawn_face, drawn_labels
from tests.tar_files import pack

LABELS = [drawn_labels(seed, 32) for seed in range(4)]
FACES = [encode_png(drawn_face(each, seed)) for seed, each in enumerate(LABELS)]


def taken(folder: Path, output: Path) -> tuple[Imported, dict[str, Sample]]:
    done = import_dataset(ShardsLayout(folder), output, source=folder)
    return done, {sample.name: sample for sample in Manifest.open(done.manifest)}


def told(done: Imported) -> dict[str, tuple[str, ...]]:
    return {problem.what: problem.names for problem in (*done.failures, *done.warnings)}


def test_samples_are_taken_out_to_be_trained_on(tmp_path: Path) -> None:
    maps = [encode_label_map(each) for each in LABELS]
    pack(tmp_path / "in/b/001.tar", x_dot_png=FACES[2], x_dot_labels_dot_png=maps[2], x_dot_json=b"{}")
    pair = {"p_dot_labels_dot_png": maps[0], "p_dot_png": FACES[0]}
    pack(tmp_path / "in/000.tar", **pair, q_dot_png=FACES[1], q_dot_labels_dot_png=maps[1])
    done, samples = taken(tmp_path / "in", tmp_path / "out")
    assert list(samples) == ["000/p", "000/q", "b/001/x"] and not done.failed and not done.warned
    for index, sample in enumerate(samples.values()):
        assert sample.image.read_bytes() == FACES[index] and sample.labels is not None
        assert np.array_equal(read_label_map(sample.labels).ids, LABELS[index].ids)
    assert [pair.name for pair in open_pairs(done.manifest)] == list(samples)
    again, _ = taken(tmp_path / "in", tmp_path / "out")
    assert again.kept == 3
    pack(tmp_path / "in/b/001.tar", x_dot_png=FACES[3], x_dot_labels_dot_png=maps[3])
    changed, samples = taken(tmp_path / "in", tmp_path / "out")
    assert changed.kept == 2 and samples["b/001/x"].image.read_bytes() == FACES[3]


def test_what_cannot_be_used_is_told_by_name_and_the_rest_is_taken(tmp_path: Path) -> None:
    maps = [encode_label_map(each) for each in LABELS]
    pack(
        tmp_path / "in/0.tar",
        good_dot_png=FACES[0],
        good_dot_labels_dot_png=maps[0],
        alone_dot_png=FACES[1],
        broken_dot_png=FACES[2][:99],
        lonely_dot_labels_dot_png=maps[1],
        big_dot_png=FACES[3],
        big_dot_labels_dot_png=encode_label_map(drawn_labels(0, 48)),
        two_dot_a_dot_png=FACES[0],
        two_dot_b_dot_png=FACES[1],
        two_dot_labels_dot_png=maps[0],
    )
    (tmp_path / "in/1.tar").write_bytes((tmp_path / "in/0.tar").read_bytes()[:1500])
    done, samples = taken(tmp_path / "in", tmp_path / "out")
    assert list(samples)[:2] == ["0/good", "0/alone"] and samples["0/alone"].labels is None
    problems = told(done)
    assert problems["no label map"][0] == "0/alone"
    assert problems["a label map without image"] == ("0/lonely",)
    assert problems["two.a.png and two.b.png share one label map"] == ("0/two.a", "0/two.b")
    failed = {name for problem in done.failures for name in problem.names}
    assert {"0/broken", "0/lonely", "0/two.a", "0/two.b"} < failed and "1.tar" in failed
    assert not (tmp_path / "out/images/0/broken.png").exists()


def test_a_folder_without_archives_or_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        ShardsLayout(tmp_path / "missing")
    (tmp_path / "a.png").write_bytes(FACES[0])
    with pytest.raises(UsageError, match="no tar archives in it; for files of their own: dataset import folder"):
        ShardsLayout(tmp_path)
    pack(tmp_path / "in/0.tar", notes_dot_txt=b"x")
    with pytest.raises(UsageError, match="no image in any of its archives"):
        ShardsLayout(tmp_path / "in")
    (tmp_path / "in/0.tar").write_bytes(b"x" * 700)
    with pytest.raises(UsageError, match=r"no image in any of its archives; 0\.tar: not a tar archive"):
        ShardsLayout(tmp_path / "in")
