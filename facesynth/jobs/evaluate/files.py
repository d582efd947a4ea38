"""The files that an evaluation writes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

from facesynth.core.errors import InputError
from facesynth.core.image_files import encode_png
from facesynth.core.refs import FileStamp
from facesynth.core.scan import SourceFile
from facesynth.evaluation.pictures import document as pictures_document
from facesynth.evaluation.pictures.curves import Curve, training_curves
from facesynth.evaluation.pictures.kept_faces import FACES, files_kept, kept_faces
from facesynth.evaluation.pictures.page import evaluation_page as pictures_page
from facesynth.evaluation.pictures.results import PictureEvaluation
from facesynth.evaluation.pictures.rows_file import ROWS, RowsFile, SavedRows, ShownRows, write_rows
from facesynth.evaluation.segmentation import document as maps_document
from facesynth.evaluation.segmentation.evaluation import Evaluation
from facesynth.evaluation.segmentation.face_pictures import faces_sheet
from facesynth.evaluation.segmentation.matrix_picture import matrix_picture
from facesynth.evaluation.segmentation.page import evaluation_page as maps_page
from facesynth.outputs import OutputTree, folded
from facesynth.outputs.partial import partial_folder

DOCUMENT, REPORT = "evaluation.json", "report.html"
OF_PICTURES = (DOCUMENT, REPORT, ROWS, FACES)
"""Of these FACES is a folder."""
OF_MAPS = (DOCUMENT, REPORT, "confusion.png", "worst.png", "best.png")


class Contents(Protocol):
    """An evaluation's files."""

    def __getitem__(self, name: str, /) -> Callable[[], bytes]:
        """What makes the file of that name, REPORT or DOCUMENT; once they are written, as it is there."""
        ...

    def write(self, tree: OutputTree) -> None:
        """Write them all. Raises OutputError or OSError where that cannot be."""
        ...


@dataclass(frozen=True, slots=True)
class MapContents:
    """The files of an evaluation of label maps by name, in the order in which they are written."""

    made: Mapping[str, Callable[[], bytes]]

    def __getitem__(self, name: str, /) -> Callable[[], bytes]:
        return self.made[name]

    def write(self, tree: OutputTree) -> None:
        """Write OF_MAPS. Raises as Contents says."""
        before = _written_before(tree.folder)
        for name, make in self.made.items():
            tree.write(make(), PurePosixPath(name))
        _remove(tree, before)


def map_contents(evaluation: Evaluation) -> Contents:
    """The files of an evaluation of label maps: OF_MAPS."""
    by_iou = evaluation.scores.by_iou
    made = {
        DOCUMENT: lambda: maps_document.evaluation_json(evaluation).encode(),
        "confusion.png": lambda: encode_png(matrix_picture(evaluation)),
        "worst.png": lambda: encode_png(faces_sheet(by_iou.worst)),
        "best.png": lambda: encode_png(faces_sheet(by_iou.best)),
        REPORT: lambda: maps_page(evaluation).encode(),
    }
    return MapContents(made)


@dataclass(slots=True)
class PictureContents:
    """The files of an evaluation of pictures, all with the same training curves."""

    evaluation: PictureEvaluation
    _curves: tuple[Curve, ...] | None = field(init=False, default=None)
    _document: bytes | None = field(init=False, default=None)

    def __getitem__(self, name: str, /) -> Callable[[], bytes]:
        return {DOCUMENT: self._told, REPORT: self._drawn}[name]

    def write(self, tree: OutputTree) -> None:
        """Write OF_PICTURES, what the document names before it. Raises as Contents says."""
        self._document = write_evaluation(tree, self.evaluation, self._noted(), PurePosixPath())
        tree.write(self._drawn(), PurePosixPath(REPORT))

    def _told(self) -> bytes:
        if self._document is None:
            self._document = pictures_document.evaluation_json(self.evaluation, self._noted()).encode()
        return self._document

    def _drawn(self) -> bytes:
        return pictures_page(self.evaluation, self._noted()).encode()

    def _noted(self) -> tuple[Curve, ...]:
        if self._curves is None:
            self._curves = training_curves(self.evaluation.run)
        return self._curves


def picture_contents(evaluation: PictureEvaluation) -> Contents:
    """The files of an evaluation of pictures: OF_PICTURES."""
    return PictureContents(evaluation)


def write_evaluation(
    tree: OutputTree, evaluation: PictureEvaluation, curves: tuple[Curve, ...], folder: PurePosixPath
) -> bytes:
    """Write an evaluation that can be read again into a folder of the tree: its rows, what is kept of its faces, and
    the document, which it returns, last. Raises OutputError or OSError where that cannot be.
    """
    place = tree.path(folder)
    before = _written_before(place)
    kept, faces = kept_faces(evaluation)
    rows = _write_rows(tree, evaluation, folder)
    for name, data in faces.items():
        tree.write(data, folder / name)
    document = pictures_document.evaluation_json(kept, curves, rows=rows).encode()
    tree.write(document, folder / DOCUMENT)
    _remove(tree, before - {place / name for name in (*faces, *([ROWS] if rows else []))})
    return document


def _write_rows(tree: OutputTree, evaluation: PictureEvaluation, folder: PurePosixPath) -> RowsFile | None:
    """Rows are written aside as they are made: however many there are, memory holds one. None where not all are here.

    Aside is in the output folder: that has the room, where the system's folder of temporary files may have none.
    """
    if isinstance(evaluation.rows, ShownRows):
        return None
    aside = partial_folder(tree.folder)
    path = aside / ROWS
    try:
        try:
            aside.mkdir(parents=True)
            rows = write_rows(evaluation.rows, path)
        except OSError as error:
            told = f"nothing can be written here ({error.strerror}); make room, or choose another output folder with -o"
            raise OSError(error.errno, told, str(tree.folder)) from error
        if rows.count:
            tree.copy(path, FileStamp(path.stat().st_size, rows.sha256), folder / ROWS)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return rows if rows.count else None


def _written_before(folder: Path) -> set[Path]:
    """The rows and faces that an evaluation in a folder names, as far as they lie there as it was written with them."""
    try:
        found = pictures_document.read_evaluation(folder / DOCUMENT).evaluation
    except InputError:
        return set()
    rows = {found.rows.path} if isinstance(found.rows, SavedRows) and found.rows.path.name == ROWS else set()
    return rows | set(files_kept(found, folder))


def _remove(tree: OutputTree, files: Iterable[Path]) -> None:
    """Remove what an earlier evaluation left in the output folder, and no input. Raises OSError."""
    for file in files:
        if tree.holds(file) and not tree.holds_input(file):
            file.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class EvaluationFiles:
    """Where an evaluation is written to; made before anything is computed, so that a wrong place is told at once."""

    tree: OutputTree
    folder: Path

    @classmethod
    def into(
        cls, folder: Path, inputs: Sequence[Path], read: Iterable[Path], *, faces: bool = False
    ) -> EvaluationFiles:
        """Write into `folder`, and into FACES in it where `faces` are kept. UsageError where one of them lies in an
        input folder; no file in `read` is ever overwritten.
        """
        names = (*OF_MAPS, ROWS)
        sources = [
            SourceFile(path, PurePosixPath(path.name))
            for path in read
            if folded(path.name) in names or folded(path.parent.name) == FACES
        ]
        tree = OutputTree(folder, inputs, sources)
        if faces:
            OutputTree(folder / FACES, inputs, sources)  # refuses one that holds inputs
        return cls(tree, folder)

    def write(self, contents: Contents) -> None:
        """Write these files. Raises OutputError or OSError where that cannot be."""
        with self.tree:
            contents.write(self.tree)
