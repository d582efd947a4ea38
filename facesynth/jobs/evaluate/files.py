"""The files that an evaluation of label maps writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from facesynth.core.image_files import encode_png
from facesynth.core.scan import SourceFile
from facesynth.evaluation.segmentation.document import evaluation_json
from facesynth.evaluation.segmentation.evaluation import Evaluation
from facesynth.evaluation.segmentation.face_pictures import faces_sheet
from facesynth.evaluation.segmentation.matrix_picture import matrix_picture
from facesynth.evaluation.segmentation.page import evaluation_page
from facesynth.outputs import OutputTree, folded

FILES = ("evaluation.json", "report.html", "confusion.png", "worst.png", "best.png")


@dataclass(frozen=True, slots=True)
class EvaluationFiles:
    """Where an evaluation is written to; made before anything is computed, so that a wrong place is told at once."""

    tree: OutputTree
    folder: Path

    @classmethod
    def into(cls, folder: Path, inputs: Sequence[Path], read: Iterable[Path]) -> EvaluationFiles:
        """Write into `folder`. UsageError where it lies in an input folder; no file in `read` is ever overwritten."""
        sources = [SourceFile(path, PurePosixPath(path.name)) for path in read if folded(path.name) in FILES]
        return cls(OutputTree(folder, inputs, sources), folder)

    def write(self, evaluation: Evaluation) -> None:
        """Write `evaluation.json`, `report.html`, `confusion.png`, `worst.png` and `best.png`.

        Raises OutputError or OSError where that cannot be.
        """
        by_iou = evaluation.scores.by_iou
        contents: dict[str, Callable[[], bytes]] = {
            "evaluation.json": lambda: evaluation_json(evaluation).encode(),
            "confusion.png": lambda: encode_png(matrix_picture(evaluation)),
            "worst.png": lambda: encode_png(faces_sheet(by_iou.worst)),
            "best.png": lambda: encode_png(faces_sheet(by_iou.best)),
            "report.html": lambda: evaluation_page(evaluation).encode(),
        }
        with self.tree:
            for name, made in contents.items():
                self.tree.write(made(), PurePosixPath(name))
