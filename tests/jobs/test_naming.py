"""What rows of the report and cells of the sheet are called when some of what is made of one input fails."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesynth.core.errors import FacesynthError
from facesynth.core.image_files import write_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import write_label_map
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Outcome
from facesynth.core.styles import SeedSource, Style
from facesynth.jobs.interpolation import interpolate
from facesynth.jobs.plan import carry_out
from facesynth.jobs.sheets import Cell, Sheets
from facesynth.jobs.styles import style_of
from facesynth.jobs.synthesize import by_seeds, synthesize
from facesynth.jobs.transfer import TransferStages, transfer
from facesynth.plans import SynthesizePlan
from tests.jobs.conftest import PINK, RED, Opener, rows, written
from tests.painted_stages import Brightness, Colouring, MeanColour, Tiles, flat_photo, painted_stages


class Choosy(Colouring):
    """Cannot paint seed 7."""

    def __call__(self, batch: Sequence[tuple[LabelMap, Style]]) -> list[Outcome[Photo]]:
        for _, style in batch:
            source = style.components[0][1]
            if isinstance(source, SeedSource) and source.seed == 7:
                raise FacesynthError("no sevens")
        return super().__call__(batch)


def choosy() -> TransferStages:
    return TransferStages(align=Tiles(), segment=Brightness(), encode=MeanColour(), synthesize=Choosy())


@pytest.fixture
def laid_out(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Cell]]:
    """The cells of each sheet row, by its name."""
    found: dict[str, list[Cell]] = {}
    monkeypatch.setattr(Sheets, "add", lambda self, name, cells: found.update({name: list(cells())}))
    return found


def grey(cell: Cell) -> int:
    assert isinstance(cell, Photo)
    return int(cell.pixels[0, 0, 0])


def test_a_failed_picture_leaves_its_cell_empty_and_is_named(
    tmp_path: Path, opened: Opener, laid_out: dict[str, list[Cell]]
) -> None:
    write_photo(flat_photo(RED), tmp_path / "seed 7.png")
    write_photo(flat_photo(PINK), tmp_path / "other.png")
    with opened(tmp_path / "seed 7.png", tmp_path / "other.png") as session:
        carry_out(session, choosy(), SynthesizePlan(others=1, seeds=(6, 7, 8)))
    own, other, six, seven, eight = laid_out["seed 7"][3:]
    assert (grey(own), grey(other), grey(six), grey(eight)) == (RED[0], PINK[0], 6, 8) and seven is None
    assert rows(session) == {
        "other.png": "done", "seed 7.png": "done", "other.png (seed 7)": "failed", "seed 7.png (seed 7)": "failed",
    }  # fmt: skip


def test_a_matrix_has_each_style_in_its_column(tmp_path: Path, opened: Opener, laid_out: dict[str, list[Cell]]) -> None:
    for index in range(3):
        write_photo(flat_photo((100 + index, 1, 1)), tmp_path / f"{index}.png")
    with opened(*(tmp_path / f"{index}.png" for index in range(3))) as session:
        carry_out(session, painted_stages(), SynthesizePlan(others=7))
    for index in range(3):
        assert [grey(cell) for cell in laid_out[str(index)][3:]] == [100, 101, 102]


def test_each_seed_that_fails_is_named_and_an_unusable_map_once(tmp_path: Path, opened: Opener) -> None:
    folder = tmp_path / "maps"
    write_label_map(LabelMap(np.full((20, 20), 3)), folder / "a.png")
    (folder / "bad.png").write_text("no image")
    with opened(folder) as session:
        synthesize(session, Choosy(), by_seeds((6, 7, 8)))
    assert rows(session) == {
        "a.png (seed6)": "done", "a.png (seed7)": "failed", "a.png (seed8)": "done", "bad.png": "failed",
    }  # fmt: skip
    assert len(session.report.rows) == 4


def test_names_that_differ_in_case_alone_are_told_apart(tmp_path: Path, opened: Opener) -> None:
    folder = tmp_path / "in"
    (folder / "X").mkdir(parents=True)
    for name in ("X/a", "x-a", "b"):
        write_photo(flat_photo(RED), folder / f"{name}.png")
    with opened(folder) as session:
        carry_out(session, painted_stages(), SynthesizePlan(others=2), sheet=False)
    below = {name.lower() for name in written(tmp_path / "out") if name.startswith("other-styles/b/")}
    assert len(below) == 2


def test_force_computes_the_style_again(opened: Opener, photos: Path) -> None:
    stages = painted_stages()
    for _ in range(2):
        style_of(opened(force=True), photos / "one.png", stages)
    assert stages.align.computed == stages.encode.computed == 2  # type: ignore[attr-defined]
    session = opened(force=True, dry_run=True)
    style_of(session, photos / "one.png", stages)
    assert session.estimate.missing["align"] == 1 and session.estimate.missing["encode"] == 1


Job = Callable[[Any, TransferStages, Path, Path], None]


def transferred(strength: float) -> Job:
    def job(session: Any, stages: TransferStages, first: Path, second: Path) -> None:
        transfer(session, stages, style_of(session, second, stages), strength=strength)

    return job


def test_a_dry_run_counts_what_a_run_computes(tmp_path: Path, opened: Opener, photos: Path) -> None:
    def interpolated(session: Any, stages: TransferStages, first: Path, second: Path) -> None:
        start, end = (style_of(session, path, stages) for path in (first, second))
        interpolate(session, stages.synthesize, start, end, 3)

    first, second, labels = photos / "one.png", tmp_path / "style.png", tmp_path / "map.png"
    write_photo(flat_photo(PINK), second)
    write_label_map(LabelMap(np.full((20, 20), 3)), labels)
    for job, given in ((transferred(1), first), (transferred(0.5), first), (interpolated, labels)):
        with opened(given, dry_run=True) as session:
            job(session, painted_stages(), first, second)
        stages = painted_stages()
        with opened(given, force=True) as run:
            job(run, stages, first, second)
        names = ("align", "segment", "encode", "synthesize")
        computed = {name: getattr(stages, name).computed for name in names}
        assert {name: session.estimate.missing[name] for name in names} == computed
        shutil.rmtree(tmp_path / "cache")
