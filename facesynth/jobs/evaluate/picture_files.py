"""The files that an evaluation of pictures writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from facesynth.core.scan import SourceFile
from facesynth.evaluation.pictures.curves import training_curves
from facesynth.evaluation.pictures.document import evaluation_json
from facesynth.evaluation.pictures.page import evaluation_page
from facesynth.evaluation.pictures.results import PictureEvaluation
from facesynth.outputs import OutputTree, folded

FILES = ("evaluation.json", "report.html")


@dataclass(frozen=True, slots=True)
class PictureEvaluationFiles:
    """Where an evaluation is written to; made before anything is computed, so that a wrong place is told at once."""

    tree: OutputTree
    folder: Path

    @classmethod
    def into(cls, folder: Path, inputs: Sequence[Path], read: Iterable[Path]) -> PictureEvaluationFiles:
        """Write into `folder`. UsageError where it lies in an input folder; no file in `read` is ever overwritten."""
        sources = [SourceFile(path, PurePosixPath(path.name)) for path in read if folded(path.name) in FILES]
        return cls(OutputTree(folder, inputs, sources), folder)

    def write(self, evaluation: PictureEvaluation) -> None:
        """Write `evaluation.json` and `report.html`. Raises OutputError or OSError where that cannot be."""
        curves = training_curves(evaluation.run)
        with self.tree:
            self.tree.write(evaluation_json(evaluation, curves).encode(), PurePosixPath("evaluation.json"))
            self.tree.write(evaluation_page(evaluation, curves).encode(), PurePosixPath("report.html"))
