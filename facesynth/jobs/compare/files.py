"""The files that a comparison writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from facesynth.core.errors import UsageError
from facesynth.evaluation.comparison.comparison import Comparison
from facesynth.evaluation.comparison.document import comparison_json
from facesynth.evaluation.comparison.page import comparison_page
from facesynth.evaluation.pictures.kept_faces import FACES
from facesynth.evaluation.pictures.rows_file import ROWS
from facesynth.jobs.compare.candidates import EVALUATION
from facesynth.jobs.evaluate.files import REPORT, write_evaluation
from facesynth.outputs import OutputTree


@dataclass(frozen=True, slots=True)
class ComparisonFiles:
    """Where a comparison is written to; made before anything is computed, so that a wrong place is told at once."""

    tree: OutputTree
    folder: Path

    @classmethod
    def into(cls, folder: Path, inputs: Sequence[Path], reads: Sequence[str | Path]) -> ComparisonFiles:
        """Write into `folder`. UsageError where it lies in an input folder, or holds the report of what is compared;
        nothing in `reads` is ever overwritten.
        """
        beside = [file for path in reads for file in files_of(Path(path))]
        kept = [saved / FACES for path in reads if (saved := _folder_of(Path(path))) is not None]
        tree = OutputTree(folder, [*inputs, *kept], [], reads=[*reads, *beside])
        if tree.holds_input(folder / REPORT):
            what = f"its {REPORT} is that of an evaluation that is compared"
            raise UsageError(what, where=folder, hint="choose another -o")
        return cls(tree, folder)

    def write(self, comparison: Comparison) -> None:
        """Write comparison.json, report.html, and each evaluation into a folder of evaluations/, to be compared again.

        Raises OutputError or OSError where that cannot be.
        """
        names = evaluation_names(comparison)
        with self.tree:
            kept = (one for column in comparison.columns for one in column.kept)
            for one, name in zip(kept, names, strict=True):
                write_evaluation(self.tree, one.evaluation, one.curves, PurePosixPath(name).parent)
            self.tree.write(comparison_json(comparison, names).encode(), PurePosixPath("comparison.json"))
            self.tree.write(comparison_page(comparison).encode(), PurePosixPath(REPORT))


def evaluation_names(comparison: Comparison) -> list[str]:
    """Where each column's evaluations lie in the output folder: `evaluations/1-spade-128-v1/evaluation.json`, of
    several trainings `evaluations/2-spn-s0/evaluation.json` and so on.
    """
    found = []
    for number, column in enumerate(comparison.columns, 1):
        safe = re.sub(r"[^\w.-]+", "-", column.name)[:80]
        seeds = [f"-s{trial.training.seed}" for trial in column.trials] if len(column.trials) > 1 else [""]
        found += [f"evaluations/{number}-{safe}{seed}/{EVALUATION}" for seed in seeds]
    return found


def files_of(source: Path) -> list[Path]:
    """Those that lie where a saved evaluation's do, which is given by its document or folder; there may be none."""
    folder = _folder_of(source)
    if folder is None:
        return []
    report = [folder / REPORT] if (folder / EVALUATION).exists() else []  # or it may be a comparison's own
    return [folder / EVALUATION, folder / ROWS, *report, *(folder / FACES).glob("*")]


def _folder_of(source: Path) -> Path | None:
    """The folder of a saved evaluation, which may be given by its document; None for what is none by its name."""
    if source.is_dir():
        return source
    return source.parent if source.suffix.lower() == ".json" else None
