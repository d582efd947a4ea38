"""The finished networks that a parser learns from beside label maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facesynth.core.refs import Digest
from facesynth.training.parser.repainting import Repainter, load_repainter
from facesynth.training.parser.teacher import Taught, load_teachers
from facesynth.training.runs.parser import ParserRun


@dataclass(frozen=True, slots=True)
class Lessons:
    """Teachers, and what a cycle goes back through; without teachers a parser's own average may teach it."""

    teachers: tuple[Taught, ...] = ()
    repainter: Repainter | None = None

    @property
    def digests(self) -> list[Digest]:
        """The sha256 of each file."""
        painting = [] if self.repainter is None else [self.repainter.sha256]
        return [*(teacher.sha256 for teacher in self.teachers), *painting]


def load_lessons(config: ParserRun, base: Path) -> Lessons:
    """Load what a run names; relative files are looked for from `base`. For errors see both loaders."""
    return Lessons(load_teachers(config, base), load_repainter(config, base))
