"""The contact sheets of a job: rows as they come, shrunk at once, written a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from facesynth.core.errors import CacheError, InputError, OutputError
from facesynth.core.image_files import SYNTHETIC_TEXT, encode_png
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.sheets import contact_sheet
from facesynth.jobs.session import Session
from facesynth.outputs import SHEET, SHEET_TEXT

PAGE_ROWS = 40

Cell = Photo | LabelMap | None


@dataclass(slots=True)
class Sheets:
    """Collects rows of images under `titles`; memory holds one page of cells, whatever the number of rows.

    One page is `sheet.png`, several are `sheet_00.png`, `sheet_01.png`, … A sheet is an extra, so no item fails for it:
    a row that cannot be shown is told and left out, and so are all that follow a page that cannot be written.
    """

    session: Session
    titles: Sequence[str]
    cell: int = 128
    synthetic: bool = False
    _rows: list[list[Cell]] = field(default_factory=list)
    _names: list[str] = field(default_factory=list)
    _pages: int = 0
    _given_up: bool = False

    def add(self, name: str, cells: Callable[[], Iterable[Cell]]) -> None:
        """Add a row, named at its left, of what `cells` reads."""
        if len(self._rows) == PAGE_ROWS:
            self._write(f"{SHEET}_{self._pages:02d}.png")
        if self._given_up:
            return
        try:
            row = [None if cell is None else _shrunk(cell, self.cell) for cell in cells()]
        except (InputError, CacheError) as error:
            self.session.execution.progress.note(f"{name} is not on the contact sheet: {error}")
            return
        self._names.append(name)
        self._rows.append(row)

    def close(self) -> None:
        """Write the last page."""
        if self._rows:
            self._write(f"{SHEET}_{self._pages:02d}.png" if self._pages else f"{SHEET}.png")

    def _write(self, name: str) -> None:
        page = contact_sheet(self._rows, cell=self.cell, titles=self.titles, row_titles=self._names)
        text = {**SHEET_TEXT, **SYNTHETIC_TEXT} if self.synthetic else SHEET_TEXT
        self._rows, self._names, self._pages = [], [], self._pages + 1
        try:
            self.session.write_sheet(encode_png(page, text), PurePosixPath(name))
        except OutputError as error:
            self._given_up = True
            self.session.execution.progress.note(f"{error}; what follows is on no contact sheet")


def _shrunk(cell: Photo | LabelMap, side: int) -> Photo | LabelMap:
    scale = side / max(cell.width, cell.height)
    if scale >= 1:
        return cell
    return cell.resized(max(1, round(cell.width * scale)), max(1, round(cell.height * scale)))
