from __future__ import annotations

import io
import tarfile
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

LABELS = [drawn_labels(seed, 32) for seed in range(4)]
FACES = [encode_png(drawn_face(each, seed)) for seed, each in enumerate(LABELS)]


def write_shard(path: Path, **members: bytes) -> Path:
    """An archive of files; of their names `__` stands for a dot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as written:
        for name, data in members.items():
            member = tarfile.TarInfo(name.replace("__", "."))
            member.size = len(data)
            written.addfile(member, io.BytesIO(data))
    return path


def taken(folder: Path, output: Path) -> tuple[Imported, dict[str, Sample]]:
    done = import_dataset(ShardsLayout(folder), output, source=folder)
    return done, {sample.name: sample for sample in Manifest.open(done.manifest)}


def told(done: Imported) -> dict[str, tuple[str, ...]]:
    return {problem.what: problem.names for problem in (*done.failures, *done.warnings)}


def test_samples_are_taken_out_to_be_trained_on(tmp_path: Path) -> None:
    maps = [encode_label_map(each) for each in LABELS]
    write_shard(tmp_path / "in/b/001.tar", x__png=FACES[2], x__labels__png=maps[2], x__json=b"{}")
    write_shard(
        tmp_path / "in/000.tar", p__labels__png=maps[0], p__png=FACES[0], q__png=FACES[1], q__labels__png=maps[1]
    )
    done, samples = taken(tmp_path / "in", tmp_path / "out")
    assert list(samples) == ["000/p", "000/q", "b/001/x"] and not done.failed and not done.warned
    for index, sample in enumerate(samples.values()):
        assert sample.image.read_bytes() == FACES[index] and sample.labels is not None
        assert np.array_equal(read_label_map(sample.labels).ids, LABELS[index].ids)
    assert [pair.name for pair in open_pairs(done.manifest)] == list(samples)
    again, _ = taken(tmp_path / "in", tmp_path / "out")
    assert again.kept == 3
    write_shard(tmp_path / "in/b/001.tar", x__png=FACES[3], x__labels__png=maps[3])
    changed, samples = taken(tmp_path / "in", tmp_path / "out")
    assert changed.kept == 2 and samples["b/001/x"].image.read_bytes() == FACES[3]


def test_what_cannot_be_used_is_told_by_name_and_the_rest_is_taken(tmp_path: Path) -> None:
    maps = [encode_label_map(each) for each in LABELS]
    write_shard(
        tmp_path / "in/0.tar",
        good__png=FACES[0],
        good__labels__png=maps[0],
        alone__png=FACES[1],
        broken__png=FACES[2][:99],
        lonely__labels__png=maps[1],
        big__png=FACES[3],
        big__labels__png=encode_label_map(drawn_labels(0, 48)),
        two__a__png=FACES[0],
        two__b__png=FACES[1],
        two__labels__png=maps[0],
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
    write_shard(tmp_path / "in/0.tar", notes__txt=b"x")
    with pytest.raises(UsageError, match="no image in any of its archives"):
        ShardsLayout(tmp_path / "in")
