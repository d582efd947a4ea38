"""The files that a comparison writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from facesynth.evaluation.comparison.comparison import Comparison
from facesynth.evaluation.comparison.document import comparison_json
from facesynth.evaluation.comparison.page import comparison_page
from facesynth.evaluation.pictures.kept_faces import FACES
from facesynth.evaluation.pictures.rows_file import ROWS
from facesynth.jobs.compare.candidates import EVALUATION
from facesynth.jobs.evaluate.files import write_evaluation
from facesynth.outputs import OutputTree


@dataclass(frozen=True, slots=True)
class ComparisonFiles:
    """Where a comparison is written to; made before anything is computed, so that a wrong place is told at once."""

    tree: OutputTree
    folder: Path

    @classmethod
    def into(cls, folder: Path, inputs: Sequence[Path], reads: Sequence[str | Path]) -> ComparisonFiles:
        """Write into `folder`. UsageError where it lies in an input folder; nothing in `reads` is ever overwritten."""
        beside = [file for path in reads for file in files_of(Path(path))]
        return cls(OutputTree(folder, inputs, [], reads=[*reads, *beside]), folder)

    def write(self, comparison: Comparison) -> None:
        """Write comparison.json, report.html, and each evaluation into a folder of evaluations/, to be compared again.

        Raises OutputError or OSError where that cannot be.
        """
        names = evaluation_names(comparison)
        with self.tree:
            for column, name in zip(comparison.columns, names, strict=True):
                write_evaluation(self.tree, column.evaluation, column.curves, PurePosixPath(name).parent)
            self.tree.write(comparison_json(comparison, names).encode(), PurePosixPath("comparison.json"))
            self.tree.write(comparison_page(comparison).encode(), PurePosixPath("report.html"))


def evaluation_names(comparison: Comparison) -> list[str]:
    """Where each column's evaluation lies in the output folder: `evaluations/1-spade-128-v1/evaluation.json`."""
    safe = (re.sub(r"[^\w.-]+", "-", column.name)[:80] for column in comparison.columns)
    return [f"evaluations/{number}-{name}/{EVALUATION}" for number, name in enumerate(safe, 1)]


def files_of(source: Path) -> list[Path]:
    """Those that lie where a saved evaluation's do, which is given by its document or folder; there may be none."""
    if not (source.is_dir() or source.suffix.lower() == ".json"):
        return []
    folder = source if source.is_dir() else source.parent
    return [folder / EVALUATION, folder / ROWS, *(folder / FACES).glob("*")]
