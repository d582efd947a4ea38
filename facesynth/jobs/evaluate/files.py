"""The files that an evaluation writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from facesynth.core.image_files import encode_png
from facesynth.core.scan import SourceFile
from facesynth.evaluation.pictures import document as pictures_document
from facesynth.evaluation.pictures.curves import Curve, training_curves
from facesynth.evaluation.pictures.page import evaluation_page as pictures_page
from facesynth.evaluation.pictures.results import PictureEvaluation
from facesynth.evaluation.segmentation import document as maps_document
from facesynth.evaluation.segmentation.evaluation import Evaluation
from facesynth.evaluation.segmentation.face_pictures import faces_sheet
from facesynth.evaluation.segmentation.matrix_picture import matrix_picture
from facesynth.evaluation.segmentation.page import evaluation_page as maps_page
from facesynth.outputs import OutputTree, folded

DOCUMENT, REPORT = "evaluation.json", "report.html"
OF_PICTURES = (DOCUMENT, REPORT)
OF_MAPS = (DOCUMENT, REPORT, "confusion.png", "worst.png", "best.png")

Contents: TypeAlias = Mapping[str, Callable[[], bytes]]
"""What makes each of an evaluation's files, by its name, in the order in which they are written."""


def map_contents(evaluation: Evaluation) -> Contents:
    """The files of an evaluation of label maps: OF_MAPS."""
    by_iou = evaluation.scores.by_iou
    return {
        DOCUMENT: lambda: maps_document.evaluation_json(evaluation).encode(),
        "confusion.png": lambda: encode_png(matrix_picture(evaluation)),
        "worst.png": lambda: encode_png(faces_sheet(by_iou.worst)),
        "best.png": lambda: encode_png(faces_sheet(by_iou.best)),
        REPORT: lambda: maps_page(evaluation).encode(),
    }


def picture_contents(evaluation: PictureEvaluation) -> Contents:
    """The files of an evaluation of pictures: OF_PICTURES, both with the same training curves."""

    @cache
    def curves() -> tuple[Curve, ...]:
        return training_curves(evaluation.run)

    return {
        DOCUMENT: lambda: pictures_document.evaluation_json(evaluation, curves()).encode(),
        REPORT: lambda: pictures_page(evaluation, curves()).encode(),
    }


@dataclass(frozen=True, slots=True)
class EvaluationFiles:
    """Where an evaluation is written to; made before anything is computed, so that a wrong place is told at once."""

    tree: OutputTree
    folder: Path

    @classmethod
    def into(cls, folder: Path, inputs: Sequence[Path], read: Iterable[Path]) -> EvaluationFiles:
        """Write into `folder`. UsageError where it lies in an input folder; no file in `read` is ever overwritten."""
        sources = [SourceFile(path, PurePosixPath(path.name)) for path in read if folded(path.name) in OF_MAPS]
        return cls(OutputTree(folder, inputs, sources), folder)

    def write(self, contents: Contents) -> None:
        """Write these files. Raises OutputError or OSError where that cannot be."""
        with self.tree:
            for name, made in contents.items():
                self.tree.write(made(), PurePosixPath(name))
