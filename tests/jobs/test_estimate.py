"""What a dry run says of the disk and the memory that a job will take."""

from __future__ import annotations

from pathlib import Path

import pytest

from facesynth.core.image_files import encode_png
from facesynth.jobs.estimate import DEFAULT_SIDES, TYPICAL_BYTES, Estimate
from facesynth.stages.align import AlignStage
from facesynth.stages.segment import SegmentStage
from facesynth.stages.synthesize import SynthesizeStage
from facesynth.store import ArtifactStore, Recipe
from tests.drawn_faces import textured_photo

Sized = AlignStage | SynthesizeStage


def of(stage: Sized, size: int | None) -> Estimate:
    estimate = Estimate(Path("nowhere"))
    estimate.add(type(stage)(size=size))  # type: ignore[arg-type]
    return estimate


def keep(cache: Path, stage: str, size: int | None, bytes_: int, number: int) -> None:
    recipe = Recipe(stage, 1, {"size": size}, {}, (str(number),))
    ArtifactStore(cache).publish(recipe, {"picture.png": b"x" * bytes_}, main="picture.png")


@pytest.mark.parametrize(("stage", "size"), [(AlignStage(), 2048), (SynthesizeStage(), 512)])
def test_bytes_grow_with_the_side_but_less_than_the_area(stage: Sized, size: int) -> None:
    usual = of(stage, DEFAULT_SIDES[stage.name])
    assert usual.disk() == 2 * TYPICAL_BYTES[stage.name]
    assert 4**1.5 <= of(stage, size).disk() / usual.disk() <= 4**1.7, "as measured on faces, see the module"
    assert of(stage, size).memory(16) >= usual.memory(16) and usual.memory(16) > usual.memory(1)


def test_memory_grows_with_large_faces_and_their_number() -> None:
    small, large = of(AlignStage(), 512), of(AlignStage(), 2048)
    assert large.memory(8) - small.memory(8) > 8 * 2048 * 2048 * 3
    assert of(AlignStage(), 64).memory(8) == small.memory(8)


def test_what_the_cache_holds_of_another_size_counts_by_its_side(tmp_path: Path) -> None:
    keep(tmp_path, "align", 512, 10_000, 1)
    keep(tmp_path, "align", 1024, 30_000, 2)
    keep(tmp_path, "synthesize", None, 500, 1)
    estimate = Estimate(tmp_path)
    estimate.add(AlignStage(size=256))
    aligned = estimate.disk() / 2
    assert 30_000 / 4**1.7 < aligned < 10_000 / 2**1.5
    estimate.follow(AlignStage(size=256), SynthesizeStage(), times=3)
    assert estimate.missing == {"align": 1, "synthesize": 3} and estimate.disk() / 2 == pytest.approx(aligned + 3 * 500)


def test_a_dry_run_is_not_far_from_what_large_faces_take() -> None:
    """A textured face, enlarged as `align --size 2048` enlarges it, in bytes of its PNG."""
    face = textured_photo(300, 300)
    small, large = (len(encode_png(face.resized(side, side))) for side in (512, 2048))
    told = of(AlignStage(), 2048).disk() / of(AlignStage(), 512).disk()
    assert 0.7 < told * small / large < 1.4


def test_stages_without_a_size_of_their_own_are_as_they_were() -> None:
    estimate = Estimate(Path("nowhere"))
    estimate.add(SegmentStage())
    assert estimate.disk() == 2 * TYPICAL_BYTES["segment"]
    assert Estimate(Path("nowhere")).disk() == 0
