"""Files of a dataset that cannot be opened fail alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from facesynth.core.errors import InputError
from facesynth.datasets.layouts.checked import check_image, is_there
from facesynth.datasets.layouts.part_masks import merge_parts


def test_a_file_that_is_not_there_is_told_from_one_that_cannot_be_seen(tmp_path: Path) -> None:
    assert is_there(tmp_path) and not is_there(tmp_path / "none" / "x.png")
    with pytest.raises(InputError, match="no image"):
        check_image(tmp_path / "x.png")
    with pytest.raises(InputError, match="cannot be read"):
        check_image(tmp_path / ("x" * 300 + ".png"))  # as with a folder that may not be entered, stat fails


def test_masks_that_cannot_be_seen_are_a_fault_of_their_face(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        merge_parts(tmp_path / ("x" * 300), 0)
