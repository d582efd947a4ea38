"""Contact sheets are an extra: no item fails for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from facesynth.core.image_files import read_photo
from facesynth.core.styles import Style
from facesynth.jobs import sheets
from facesynth.jobs.align import align
from facesynth.jobs.items import style_item
from facesynth.jobs.plan import carry_out
from facesynth.jobs.segment import SegmentOutputs, segment
from facesynth.jobs.session import Session
from facesynth.jobs.synthesize import by_seeds, synthesize
from facesynth.jobs.transfer import transfer
from facesynth.plans import SynthesizePlan
from tests.jobs.conftest import Listener, Opener, write_flat_faces, written
from tests.painted_stages import Brightness, Tiles, painted_stages

COUNT = 5
STYLE = style_item(Style.from_code(np.array([100, 50, 0], dtype=np.float32), "e" * 64))


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    return write_flat_faces(tmp_path / "faces", COUNT)


def _align(session: Session) -> None:
    align(session, Tiles(), sheet=True)


def _segment(session: Session) -> None:
    segment(session, Brightness(), align=Tiles(), outputs=SegmentOutputs(sheet=True))


def _transfer(session: Session) -> None:
    transfer(session, painted_stages(), STYLE, sheet=True)


def _synthesize(session: Session) -> None:
    synthesize(session, painted_stages().synthesize, by_seeds((1, 2)), sheet=True)


def _run(session: Session) -> None:
    carry_out(session, painted_stages(), SynthesizePlan(others=1), sheet=True)


@pytest.mark.parametrize("job", [_align, _segment, _transfer, _synthesize, _run])
def test_a_page_that_cannot_be_written_is_told_once_and_costs_no_item(
    faces: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch, job: Callable[[Session], None]
) -> None:
    monkeypatch.setattr(sheets, "PAGE_ROWS", 2)
    if job is _synthesize:
        with opened(faces, out="pairs") as pairs:
            _segment(pairs)
        faces = pairs.folder / "labels"
    session = opened(faces)
    (session.folder / "sheet_00.png").mkdir(parents=True)
    with session:
        job(session)
    assert {row.status for row in session.report.rows} == {"done"}
    assert len({row.input for row in session.report.rows}) == COUNT
    told = {output for row in session.report.rows for output in row.outputs}
    assert told == written(session.folder) - {"report.json"}
    notes = _listener(session).notes
    assert len(notes) == 1 and "sheet_00.png" in notes[0] and "no contact sheet" in notes[0]


def test_a_row_that_cannot_be_shown_is_left_out(faces: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """The photo is gone by the time that it is shown beside its faces."""
    real = Session.place

    def place(session: Session, *arguments: object) -> object:
        (faces / "03.png").unlink(missing_ok=True)
        return real(session, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "place", place)
    with opened(faces) as session:
        align(session, Tiles(), sheet=True)
    assert [row.status for row in session.report.rows] == ["done"] * COUNT
    (note,) = _listener(session).notes
    assert note.startswith("03 is not on the contact sheet: ")
    whole = read_photo(session.folder / "sheet.png").height
    with opened(faces, out="again") as again:
        align(again, Tiles(), sheet=True)
    assert whole == read_photo(again.folder / "sheet.png").height, "the four that are left"


def _listener(session: Session) -> Listener:
    progress = session.execution.progress
    assert isinstance(progress, Listener)
    return progress
