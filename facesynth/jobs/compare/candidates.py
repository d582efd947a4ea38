"""What the user wants compared: weights, training runs, evaluations that were saved."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from facesynth.core.errors import UsageError
from facesynth.evaluation.pictures.curves import STATS
from facesynth.evaluation.pictures.document import SavedEvaluation, read_evaluation
from facesynth.evaluation.pictures.page import short_name

EVALUATION = "evaluation.json"
"""The file of an evaluation's folder that is read again."""
SEEDS = (0, 1, 2)
"""Those that are painted where nobody says which."""

_RUN = "run.json"
_WEIGHTS = ".safetensors"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of those that are compared, as the user gave it: an evaluation that was `saved`, or weights to evaluate."""

    source: str
    name: str
    weights: str | None = None
    saved: SavedEvaluation | None = None


def candidates(given: Sequence[str]) -> list[Candidate]:
    """What the user wants compared: weights by name or file, training runs' folders, saved evaluations.

    UsageError where there are fewer than two, one comes twice, or a folder is neither a finished run's nor holds an
    evaluation; InputError for a file that is no evaluation of pictures.
    """
    if len(given) < 2:
        raise UsageError("a comparison needs two or more", hint="to score one, run: facesynth evaluate generator")
    files = [_resolved(source) for source in given]
    if twice := next((source for place, source in enumerate(given) if files[place] in files[:place]), None):
        raise UsageError("is given twice", where=twice)
    found = [_candidate(source) for source in given]
    names = [one.name for one in found]
    return [
        one
        if names.count(one.name) == 1
        else Candidate(one.source, f"{one.name} ({one.source})", one.weights, one.saved)
        for one in found
    ]


def _resolved(source: str) -> Path:
    """The file or folder that is meant, the same however it is spelled."""
    path = Path(os.path.realpath(source))
    return document if (document := path / EVALUATION).is_file() else path


def _candidate(source: str) -> Candidate:
    path = Path(source)
    if path.suffix.lower() == ".json":
        return _saved(source, path)
    if not path.is_dir():
        return Candidate(source, path.stem if source.endswith(_WEIGHTS) else source, weights=source)
    if (path / EVALUATION).is_file():
        return _saved(source, path / EVALUATION)
    if not ((path / _RUN).is_file() or (path / STATS).is_file()):
        hint = f"give weights, a training run's folder, or one with an {EVALUATION}"
        raise UsageError("a folder with neither a training run nor an evaluation", where=source, hint=hint)
    name = path.resolve().name
    finished = path / f"{name}{_WEIGHTS}"  # beside it may lie its best and its last ones
    weights = [finished] if finished.is_file() else sorted(path.glob(f"*{_WEIGHTS}"))
    unfinished = [path / f"{name}{part}{_WEIGHTS}" for part in ("-best", "-last")]
    if len(weights) != 1 or weights[0] in unfinished:
        settled = [file for file in weights if file not in unfinished]
        what = f"holds {len(weights)} weights files" if settled else "has no finished weights yet"
        hint = "give one of these files" if weights else "let `facesynth train` finish it"
        raise UsageError(f"this run {what}", where=source, hint=hint)
    return Candidate(source, name, weights=str(weights[0]))


def _saved(source: str, path: Path) -> Candidate:
    saved = read_evaluation(path)
    return Candidate(source, short_name(saved.evaluation.subject), saved=saved)


def chosen_seeds(found: Sequence[Candidate], asked: Sequence[int] | None) -> tuple[int, ...]:
    """The seeds to paint: those that were asked for, else those of the first saved evaluation by seed, else SEEDS."""
    if asked is not None:
        return tuple(asked)
    saved = (one.saved.evaluation.subject.seeds for one in found if one.saved is not None)
    return next((seeds for seeds in saved if seeds), SEEDS)
