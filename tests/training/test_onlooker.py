"""What is painted of held-out faces is looked at during training: parsed again, and compared by features."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from facesynth import weights
from facesynth.core.errors import ConfigError
from facesynth.core.images import Photo
from facesynth.core.labels import PALETTE, LabelMap
from facesynth.evaluation.pictures.curves import training_curves
from facesynth.inference.extractors.features import PictureFeatures
from facesynth.training.onlooker import Onlooker, onlooker
from facesynth.training.runs.settings import Data, Schedule, Watch
from facesynth.training.start import train_spade
from tests.drawn_pairs import drawn_labels, write_pairs
from tests.training.test_runs import ignore, spade_run


class Reading:
    """Parses pictures that are label maps in their palette's colours, and counts them."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, pictures: Sequence[Photo]) -> list[LabelMap]:
        self.seen += len(pictures)
        return [_read(picture) for picture in pictures]


def _read(picture: Photo) -> LabelMap:
    apart = np.abs(picture.pixels[:, :, None].astype(int) - PALETTE[None, None].astype(int)).sum(-1)
    return LabelMap(apart.argmin(-1).astype(np.uint8))


class Brightness:
    """Two features of a picture."""

    def __call__(self, pictures: Sequence[Photo], *, batch_size: int | None = None) -> list[PictureFeatures]:
        return [PictureFeatures(picture.pixels.mean((0, 1))[:2].astype(np.float32)) for picture in pictures]


def pair(seed: int, side: int = 64) -> tuple[Photo, LabelMap]:
    """A label map and the picture that `Reading` reads it from."""
    labels = drawn_labels(seed, side)
    return Photo(np.ascontiguousarray(labels.colours())), labels


def test_a_perfect_painter_agrees_as_the_photos_do_and_a_bad_one_less() -> None:
    pairs = [pair(seed) for seed in range(6)]
    looks = Onlooker(frozenset({0, 2, 4, 5}), parser := Reading(), Brightness(), "frechet/brightness")
    for first in (0, 3):
        looks.look(first, pairs[first : first + 3], [face for face, _ in pairs[first : first + 3]])
    good = looks.scores()
    assert parser.seen == 8, "those four, and their photos"
    assert good["validation/reparse/mean_iou"] == good["validation/reparse_photos/mean_iou"] == 1.0
    assert good["validation/frechet/brightness"] == pytest.approx(0, abs=1e-3)
    black = Photo(np.zeros((64, 64, 3), dtype=np.uint8))
    looks.look(0, pairs, [black] * 6)
    bad = looks.scores()
    assert parser.seen == 12, "a photo is looked at once"
    assert bad["validation/reparse/pixel_accuracy"] < 0.9 and bad["validation/reparse_photos/pixel_accuracy"] == 1.0
    assert bad["validation/frechet/brightness"] > 100
    assert looks.scores() == {}


def test_photos_are_looked_at_in_the_size_of_what_is_painted() -> None:
    sizes: list[tuple[int, int]] = []

    def parser(pictures: Sequence[Photo]) -> list[LabelMap]:
        sizes.extend(picture.size for picture in pictures)
        return [LabelMap(np.zeros((picture.height, picture.width), dtype=np.uint8)) for picture in pictures]

    Onlooker(frozenset({0}), parser).look(0, [pair(0, 96)], [pair(0, 64)[0]])
    assert sizes == [(64, 64), (64, 64)]


def test_so_many_faces_are_drawn_by_the_seed(tmp_path: Path) -> None:
    def chosen(seed: int, faces: int) -> frozenset[int]:
        found = onlooker(Watch(faces=faces, features=None), 50, seed, tmp_path, "cpu", print)
        assert found is not None
        return found._faces

    assert len(chosen(0, 10)) == 10 and chosen(0, 10) == chosen(0, 10) != chosen(1, 10)
    assert chosen(0, 500) == frozenset(range(50))
    assert onlooker(Watch(faces=0), 50, 0, tmp_path, "cpu", print) is None
    assert onlooker(Watch(), 0, 0, tmp_path, "cpu", print) is None


@pytest.mark.parametrize("watch", [{"parser": "judge"}, {"features": "judge"}, {"features": "judge-by-name"}])
def test_a_judge_is_not_looked_to(tmp_path: Path, watch: dict[str, str]) -> None:
    judge = weights.default_name("judge")
    named = {key: judge if key == "parser" or value != "judge" else value for key, value in watch.items()}
    with pytest.raises(ConfigError, match="nothing may learn from a judge"):
        onlooker(Watch(**named), 5, 0, tmp_path, "cpu", print)  # type: ignore[arg-type]


def test_without_its_package_features_are_not_compared_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    looks = onlooker(Watch(), 3, 0, tmp_path, "cpu", notes.append)
    assert looks is not None and looks._features is None
    assert len(notes) == 1 and "pip install facesynth[metrics]" in notes[0]


def test_validations_tell_it_and_curves_show_it(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs", 8)
    (tmp_path / "split.json").write_text(
        json.dumps({"train": [f"00{i}" for i in range(5)], "validation": ["005", "006", "007"]})
    )
    every = Schedule(stats=8, validation=8, samples=0, checkpoint=8)
    data = Data(folder=str(pairs), split="split.json")
    run = spade_run(pairs, images=16, data=data, every=every, encoder=None, watch=Watch(faces=2))
    assert train_spade(run, tmp_path, base=tmp_path, device="cpu", report=ignore)
    curves = {curve.measure: curve for curve in training_curves(tmp_path / "tiny")}
    name = weights.default_name("parser")
    for measure in ("reparse/mean_iou", "reparse_photos/pixel_accuracy", f"frechet/{name}"):
        curve = curves[f"validation/{measure}"]
        assert curve.images == (8.0, 16.0) and all(math.isfinite(value) for value in curve.values)
    assert not any("fid" in measure for measure in curves), "FID is over Inception's features alone"
    photos = curves["validation/reparse_photos/pixel_accuracy"].values
    assert photos[0] == photos[1]
    record = json.loads((tmp_path / "tiny/best.json").read_text())
    assert record["measure"] == f"validation/frechet/{name}"
