"""Pairs through several stages at once: each measure has keys of its own, each picture is read and described once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from facesynth.core.errors import FacesynthError, InputError, UsageError
from facesynth.core.images import Photo
from facesynth.core.refs import Origin, Outcome, Ref, Rejected
from facesynth.evaluation.held_out import open_held_out
from facesynth.evaluation.pictures.pair_measures import PairScores
from facesynth.jobs.evaluate.generator import evaluate_generator
from facesynth.jobs.evaluate.pair_passes import Shared, compared
from facesynth.jobs.evaluate.pair_stages import PairStages, pair_stages
from facesynth.jobs.evaluate.passes import Passes
from facesynth.jobs.evaluate.seeds import MOST_SEEDS
from facesynth.jobs.execution import Execution
from facesynth.stages.base import FileCodec
from facesynth.stages.face_descriptor import FaceDescriptorStage
from facesynth.stages.pair_scores import LikenessStage
from facesynth.store import ArtifactStore
from tests.coded_parser import write_coded_pairs
from tests.drawn_pairs import drawn_face, drawn_labels
from tests.jobs.conftest import Listener
from tests.jobs.evaluate.coded_generator import coded_stages

COUNT = 40
FACES = [drawn_face(drawn_labels(seed, 16), seed) for seed in range(2 * COUNT)]


@dataclass(slots=True)
class BrightnessStage:
    """Describes a picture by its mean colour; of dark pictures it says that they show no face."""

    name: ClassVar[str] = "face-descriptor"
    version: ClassVar[int] = 1
    codec: ClassVar[FileCodec[NDArray[np.float64]]] = FaceDescriptorStage.codec
    described: list[int] = field(default_factory=list)

    @property
    def config(self) -> Mapping[str, object]:
        return {}

    @property
    def weights(self) -> Mapping[str, str]:
        return {"dlib-face-descriptor": "ef" * 32}

    def __call__(self, batch: Sequence[Photo]) -> list[Outcome[NDArray[np.float64]]]:
        self.described.append(len(batch))
        means = [photo.pixels.mean((0, 1), dtype=np.float64) for photo in batch]
        return [Rejected("no face found") if mean.max() < 10 else mean for mean in means]


def items(loads: Counter[int], pictures: Sequence[Photo] = FACES) -> list[Shared[Photo]]:
    def item(number: int) -> Shared[Photo]:
        def load() -> Photo:
            loads[number] += 1
            return pictures[number]

        return Shared(Ref(f"{number:064}", Origin(str(number)), load))

    return [item(number) for number in range(len(pictures))]


def scores(
    folder: Path,
    stages: PairStages,
    pictures: Sequence[Shared[Photo]],
    *,
    force: bool = False,
    known: tuple[int, ...] = (),
) -> list[PairScores]:
    execution = Execution(store=ArtifactStore(folder / "cache"), progress=Listener(), batch_size=3, force=force)
    half = len(pictures) // 2
    pairs = (((pictures[n], pictures[half + n]), n) for n in range(half))
    found = [(told, read()) for told, read in compared(Passes(execution), stages, pairs, known=known)]
    assert [told for told, _ in found] == list(range(half))
    return [one for _, one in found]


def test_one_measure_more_leaves_what_is_known_of_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: Counter[int] = Counter()
    first = scores(tmp_path, pair_stages(), items(loads))
    assert {tuple(one.likeness) for one in first} == {("ssim", "psnr")} and len(first) == COUNT
    monkeypatch.setattr(LikenessStage, "__call__", None)
    faces = PairStages(likeness=pair_stages().likeness, faces=BrightnessStage())
    again = scores(tmp_path, faces, items(loads))
    assert [one.likeness for one in again] == [one.likeness for one in first]
    apart = [FACES[n].pixels.mean((0, 1)) - FACES[COUNT + n].pixels.mean((0, 1)) for n in range(COUNT)]
    assert [one.identity for one in again] == pytest.approx([float(np.linalg.norm(one)) for one in apart])
    assert scores(tmp_path, pair_stages(measures=("psnr",)), items(loads))[0].likeness.keys() == {"psnr"}


def test_each_picture_is_read_once_for_all_measures(tmp_path: Path) -> None:
    loads: Counter[int] = Counter()
    stages = PairStages(likeness=pair_stages().likeness, faces=BrightnessStage())
    scores(tmp_path, stages, items(loads))
    # Threads of two stages that come at the same time may both read one.
    assert set(loads) == set(range(2 * COUNT)) and loads.total() < 1.5 * 2 * COUNT


def test_a_face_is_described_once_however_many_pairs_it_is_in(tmp_path: Path) -> None:
    stage = BrightnessStage()
    pictures = items(Counter())
    half = [*pictures[:8], *pictures[:8]]
    scores(tmp_path, PairStages(faces=stage), half)
    assert sum(stage.described) <= 16
    described = sum(stage.described)
    other_pairs = [*pictures[:8], *pictures[1:8], pictures[0]]
    scores(tmp_path, PairStages(faces=stage), other_pairs)
    scores(tmp_path, PairStages(faces=stage), other_pairs, force=True, known=(0, 1))
    assert sum(stage.described) == described
    scores(tmp_path, PairStages(faces=stage), other_pairs, force=True, known=(1,))
    assert sum(stage.described) == described + 8


def test_a_picture_without_a_face_has_no_distance(tmp_path: Path) -> None:
    dark = Photo(np.zeros((16, 16, 3), dtype=np.uint8))
    found = scores(
        tmp_path, PairStages(faces=BrightnessStage()), items(Counter(), [dark, FACES[0], FACES[1], FACES[2]])
    )
    assert found[0].identity is None and found[1].identity is not None


def test_a_pair_that_cannot_be_compared_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"^0: pictures of 16×16 and 20×16 pixels are not a pair"):
        scores(tmp_path, pair_stages(), items(Counter(), [FACES[0], Photo(np.zeros((16, 20, 3), dtype=np.uint8))]))

    def broken(self: LikenessStage, batch: Sequence[tuple[Photo, Photo]]) -> list[float]:
        raise FacesynthError("the trunk answers with what are no numbers (nan)")

    monkeypatch.setattr(LikenessStage, "__call__", broken)
    with pytest.raises(FacesynthError, match=r"^0: the trunk answers with"):
        scores(tmp_path, pair_stages(), items(Counter(), FACES[:2]))


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UsageError, match="no measure is named"):
        pair_stages(measures=())
    with pytest.raises(UsageError, match="is named twice"):
        pair_stages(perceptual=("judge", "judge"))


def evaluated(
    tmp_path: Path, weights: Path, seeds: Sequence[int], faces: BrightnessStage | None = None, *, force: bool = False
) -> None:
    data = tmp_path / "pairs"
    stages = coded_stages(weights)
    pairs = PairStages(likeness=stages.pairs.likeness, faces=faces)
    execution = Execution(store=ArtifactStore(tmp_path / "cache"), progress=Listener(), batch_size=3, force=force)
    evaluate_generator(
        open_held_out(data),
        coded_stages(weights, pairs=pairs),
        execution,
        name="coded",
        judge="coded-judge",
        seeds=seeds,
        metrics=("fid",),
        settings={},
    )


def test_an_evaluation_describes_each_photo_and_each_picture_once(tmp_path: Path, tiny_weights: Path) -> None:
    write_coded_pairs(tmp_path / "pairs", 4)
    for force in (False, True):
        stage = BrightnessStage()
        evaluated(tmp_path, tiny_weights, (0, 1, 2), stage, force=force)
        assert sum(stage.described) == 4 + 4 * 4, "four photos, and each in own style and by three seeds"


def test_more_seeds_than_can_be_compared_are_refused(tmp_path: Path, tiny_weights: Path) -> None:
    write_coded_pairs(tmp_path / "pairs", 4)
    with pytest.raises(UsageError, match=rf"10,000 seeds to evaluate.* at most {MOST_SEEDS}; give fewer"):
        evaluated(tmp_path, tiny_weights, range(10_000))
    assert not (tmp_path / "cache").exists()
