"""Label maps of other tools scored against the true ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from facesynth.core.errors import InputError, UsageError
from facesynth.core.label_files import write_label_map
from facesynth.evaluation.segmentation.evaluation import Evaluation
from facesynth.evaluation.segmentation.label_folders import open_label_folders
from facesynth.jobs.evaluate.labels import evaluate_labels
from tests.drawn_pairs import drawn_labels
from tests.jobs.conftest import Listener


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for seed in range(4):
        write_label_map(drawn_labels(seed), tmp_path / "truth" / f"{seed}.png")
        (tmp_path / "theirs").mkdir(exist_ok=True)
        Image.fromarray(drawn_labels(seed).to_ids("zllrunning")).save(tmp_path / "theirs" / f"{seed}.png")
    return tmp_path / "truth", tmp_path / "theirs"


def scored(folders: tuple[Path, Path], *, schema: str | None = "zllrunning", **which: Any) -> Evaluation:
    pairs = open_label_folders(*folders, **which)
    return evaluate_labels(pairs, schema=schema, truth_schema=None, progress=Listener(), workers=2, settings={})


def test_maps_are_compared_by_name_in_their_own_order_of_ids(folders: tuple[Path, Path]) -> None:
    found = scored(folders)
    assert found.scores.matrix.mean_iou == 1 and len(found.scores.faces) == 4
    assert found.headline().endswith(f"at 64×64, label maps {folders[1]}")
    assert scored(folders, schema=None).scores.matrix.mean_iou < 0.5


def test_a_map_that_is_missing_is_left_out_and_one_too_many_passed_by(folders: tuple[Path, Path]) -> None:
    (folders[1] / "2.png").rename(folders[1] / "other.png")
    found = scored(folders)
    assert [one.name for one in found.scores.left_out] == ["2"] and found.exit_code == 3
    assert "3 of 4 faces (1 could not be used)" in found.headline()


def test_one_side_of_a_split(folders: tuple[Path, Path], tmp_path: Path) -> None:
    split = tmp_path / "split.json"
    split.write_text('{"train": ["0"], "validation": ["1", "3"]}')
    found = scored(folders, split=split)
    assert [face.name for face in found.scores.faces] == ["1", "3"] and found.exit_code == 0
    with pytest.raises(UsageError, match="on the side test"):
        scored(folders, split=split, side="test")
    with pytest.raises(UsageError, match="name the split with --split"):
        scored(folders, side="test")


def test_folders_that_are_not_what_they_should_be(folders: tuple[Path, Path], tmp_path: Path) -> None:
    truth, theirs = folders
    for wrong, said in ((tmp_path / "nowhere", "no such folder"), (tmp_path, "none of its")):
        with pytest.raises(UsageError, match=said):
            open_label_folders(truth, wrong)
    (tmp_path / "pairs").mkdir()
    with pytest.raises(UsageError, match="no label maps in it"):
        open_label_folders(tmp_path / "pairs", theirs)
    (tmp_path / "pairs/labels").mkdir()
    with pytest.raises(UsageError, match=r"give .*pairs/labels"):
        open_label_folders(tmp_path / "pairs", theirs)
    for path in theirs.iterdir():
        path.write_bytes(b"x")
    with pytest.raises(InputError, match="none of 4 faces could be scored"):
        scored(folders)
