"""What a dry run says of the disk and the memory that a job will take."""

from __future__ import annotations

from pathlib import Path

import pytest

from facesynth.jobs.estimate import DEFAULT_SIDES, TYPICAL_BYTES, Estimate
from facesynth.stages.align import AlignStage
from facesynth.stages.segment import SegmentStage
from facesynth.stages.synthesize import SynthesizeStage
from facesynth.store import ArtifactStore, Recipe

Sized = AlignStage | SynthesizeStage


def of(stage: Sized, size: int | None) -> Estimate:
    estimate = Estimate(Path("nowhere"))
    estimate.add(type(stage)(size=size))  # type: ignore[arg-type]
    return estimate


def keep(cache: Path, stage: str, size: int | None, bytes_: int, number: int) -> None:
    recipe = Recipe(stage, 1, {"size": size}, {}, (str(number),))
    ArtifactStore(cache).publish(recipe, {"picture.png": b"x" * bytes_}, main="picture.png")


@pytest.mark.parametrize(("stage", "size"), [(AlignStage(), 2048), (SynthesizeStage(), 512)])
def test_bytes_grow_with_the_area(stage: Sized, size: int) -> None:
    usual = of(stage, DEFAULT_SIDES[stage.name])
    assert usual.disk() == 2 * TYPICAL_BYTES[stage.name]
    assert of(stage, size).disk() == 16 * usual.disk()
    assert of(stage, size).memory(16) >= usual.memory(16) and usual.memory(16) > usual.memory(1)


def test_memory_grows_with_large_faces_and_their_number() -> None:
    small, large = of(AlignStage(), 512), of(AlignStage(), 2048)
    assert large.memory(8) - small.memory(8) > 8 * 2048 * 2048 * 3
    assert of(AlignStage(), 64).memory(8) == small.memory(8)


def test_what_the_cache_holds_of_another_size_counts_by_area(tmp_path: Path) -> None:
    keep(tmp_path, "align", 512, 1000, 1)
    keep(tmp_path, "align", 1024, 4000, 2)
    keep(tmp_path, "synthesize", None, 500, 1)
    estimate = Estimate(tmp_path)
    estimate.add(AlignStage(size=256))
    assert estimate.disk() == 2 * 250
    estimate.follow(AlignStage(size=256), SynthesizeStage(), times=3)
    assert estimate.missing == {"align": 1, "synthesize": 3} and estimate.disk() == 2 * (250 + 3 * 500)


def test_stages_without_a_size_of_their_own_are_as_they_were() -> None:
    estimate = Estimate(Path("nowhere"))
    estimate.add(SegmentStage())
    assert estimate.disk() == 2 * TYPICAL_BYTES["segment"]
    assert Estimate(Path("nowhere")).disk() == 0
