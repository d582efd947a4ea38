"""Whatever byte of the cache is damaged, the next run gives what a fresh one gives, and leaves a clean cache."""

from __future__ import annotations

import dataclasses
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from facesynth.core.image_files import write_photo
from facesynth.core.images import Photo
from facesynth.core.refs import Item
from facesynth.jobs.align import align
from facesynth.jobs.items import photo_item
from facesynth.jobs.plan import carry_out
from facesynth.jobs.segment import SegmentOutputs, segment
from facesynth.jobs.session import Session
from facesynth.jobs.styles import style_of
from facesynth.jobs.transfer import transfer
from facesynth.outputs import numbered
from facesynth.plans import SynthesizePlan
from facesynth.store.entries import MANIFEST
from tests.damage import artifact_files, damaged, flip
from tests.jobs.conftest import PINK, RED, Listener, Opener, rows, written
from tests.painted_stages import Brightness, Colouring, Tiles, flat_photo, painted_stages

BLUE = (10, 10, 180)
PLAN = SynthesizePlan(others=1, seeds=(7,))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """One face, two faces, and none: nothing that fails by itself."""
    folder = tmp_path / "photos"
    folder.mkdir()
    write_photo(flat_photo(RED), folder / "one.png")
    write_photo(flat_photo(RED, PINK), folder / "two.png")
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def notes(session: Session) -> list[str]:
    listener = session.execution.progress
    assert isinstance(listener, Listener)
    return listener.notes


class Repainted(Colouring):
    """The last stage in a version of which nothing is cached: it reads all that it paints from."""

    version = 2


def carried_out(opened: Opener, out: str, *, repainted: bool = False, **how: Any) -> Session:
    stages = painted_stages()
    if repainted:
        stages = dataclasses.replace(stages, synthesize=Repainted())
    with opened(out=out, **how) as session:
        carry_out(session, stages, PLAN)
    return session


def outputs(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in written(folder) - {"report.json"}}


def test_with_every_file_of_every_artifact_damaged_a_run_gives_what_a_fresh_one_gives(
    tmp_path: Path, opened: Opener, cache: Path
) -> None:
    carried_out(opened, "fresh")
    files = artifact_files(cache)
    before = {file: file.read_bytes() for file in files}
    for file in files:
        flip(file)
    session = carried_out(opened, "again")
    assert session.report.exit_code == 0 and session.report.counts["done"] == 3, "done, since made in this run"
    assert outputs(tmp_path / "again") == outputs(tmp_path / "fresh")
    assert {file: file.read_bytes() for file in artifact_files(cache)} == before
    assert damaged(cache) == [] and len(notes(session)) == len({file.parent for file in files})
    assert any(
        note.endswith("segment: the cached labels.png differs from its sha256; made anew") for note in notes(session)
    )
    session = carried_out(opened, "once more")
    assert notes(session) == [] and session.report.counts["cached"] == 3


def test_each_file_damaged_alone_is_made_anew_by_the_run_that_reads_it(
    tmp_path: Path, opened: Opener, cache: Path
) -> None:
    carried_out(opened, "fresh")
    expected = outputs(tmp_path / "fresh")
    sizes = random.Random(0)
    for number, file in enumerate(artifact_files(cache)):
        flip(file, sizes.randrange(file.stat().st_size))
        session = carried_out(opened, f"out{number}")
        assert session.report.exit_code == 0 and outputs(tmp_path / f"out{number}") == expected
        # A cached picture needs no style. Once it is painted anew, the style is read.
        assert damaged(cache) == (["encode"] if file.name == "style.json" else [])
        session = carried_out(opened, f"repainted{number}", repainted=True)
        assert session.report.exit_code == 0 and outputs(tmp_path / f"repainted{number}") == expected
        assert damaged(cache) == []
        shutil.rmtree(cache / "synthesize")
        carried_out(opened, "fresh")


def test_a_damaged_manifest_never_gives_wrong_outputs(tmp_path: Path, opened: Opener, cache: Path) -> None:
    """Its sha256 of a file may be what is wrong: then the file's digest is another than later stages know."""
    carried_out(opened, "fresh")
    expected = outputs(tmp_path / "fresh")
    places = random.Random(0)
    for number in range(4):
        for manifest in cache.glob(f"*/??/*/{MANIFEST}"):
            data = manifest.read_bytes()
            start = data.index(b'"sha256"') if number % 2 else 0
            flip(manifest, places.randrange(start + 12, start + 70) if number % 2 else places.randrange(len(data)))
        session = carried_out(opened, f"out{number}")
        assert session.report.exit_code == 0 and outputs(tmp_path / f"out{number}") == expected


def test_outputs_in_place_are_not_copied_again_nor_their_artifacts_read(
    tmp_path: Path, opened: Opener, cache: Path
) -> None:
    def placed() -> Session:
        with opened() as session:
            segment(session, Brightness(), align=Tiles(), outputs=SegmentOutputs())
        return session

    placed()
    before = outputs(tmp_path / "out")
    for file in artifact_files(cache):
        flip(file)
    session = placed()
    assert notes(session) == [] and session.report.counts["cached"] == 3 and outputs(tmp_path / "out") == before
    assert damaged(cache) == ["align", "align", "segment", "segment"]
    shutil.rmtree(tmp_path / "out")
    session = placed()
    assert session.report.counts["done"] == 3 and outputs(tmp_path / "out") == before
    assert damaged(cache) == []


def test_an_artifact_that_is_gone_when_it_is_copied_is_made_anew(tmp_path: Path, opened: Opener, cache: Path) -> None:
    with opened(out="first") as session:
        align(session, Tiles())
    with opened() as session:
        photos: list[tuple[Item[Photo], None]] = [(photo_item(source.path), None) for source in session.sources]
        for result, _ in session.run(Tiles(), photos):
            shutil.rmtree(cache / "align")  # as another process that collects garbage
            name = session.name(result.origin)
            files = Tiles.codec.parts(result.files)
            for index, file in enumerate(files):
                number = index if len(files) > 1 else None
                session.place(result, file, numbered(name, number).with_suffix(".png"))
    assert session.report.exit_code == 0 and outputs(tmp_path / "out") == outputs(tmp_path / "first")


def test_what_cannot_be_made_anew_fails_alone_with_both_reasons(opened: Opener, cache: Path) -> None:
    def broken() -> None:
        raise RuntimeError("the device is lost")

    with opened(out="first") as session:
        align(session, Tiles())
    flip(next(file for file in artifact_files(cache) if file.name == "face_01.png"))
    stage = Tiles()
    stage.before = broken
    with opened(out="second") as session:
        align(session, stage)
    assert rows(session) == {"one.png": "cached", "two.png": "failed"} and session.report.exit_code == 3
    (problem,) = session.report.rows.problems
    assert problem.reason is not None
    assert "sha256, and it could not be made anew: the device is lost; run the same command again" in problem.reason
    with opened(out="second") as session:
        align(session, Tiles())
    assert session.report.exit_code == 0 and damaged(cache) == []


def test_a_dry_run_computes_nothing_and_leaves_the_damaged_to_a_run(
    tmp_path: Path, opened: Opener, cache: Path
) -> None:
    with opened(out="first") as session:
        align(session, Tiles())
    for file in artifact_files(cache):
        flip(file)
    stage = Tiles()
    with opened(dry_run=True) as session:
        align(session, stage, sheet=True)
    assert stage.computed == 0 and damaged(cache) == ["align", "align"] and not (tmp_path / "out").exists()
    assert set(rows(session).values()) == {"cached"}, "nothing is read for a sheet that is not made"


def test_the_style_that_is_given_is_mended_too(tmp_path: Path, opened: Opener, cache: Path, photos: Path) -> None:
    write_photo(flat_photo(BLUE), tmp_path / "blue.png")

    def painted(out: str) -> Session:
        stages = painted_stages()
        with opened(photos, out=out) as session:
            style = style_of(session, tmp_path / "blue.png", stages)
            transfer(session, stages, style, strength=0.25, paste_back=True)
        return session

    painted("fresh")
    for file in artifact_files(cache):
        flip(file)
    session = painted("again")
    assert outputs(tmp_path / "again") == outputs(tmp_path / "fresh")
    assert session.report.exit_code == 0 and damaged(cache) == []
    assert any(note.startswith(str(tmp_path / "blue.png")) for note in notes(session))
