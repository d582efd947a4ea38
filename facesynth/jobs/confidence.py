"""What a report tells of how sure the parser is of each face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from facesynth.core.labels import LabelMap
from facesynth.core.refs import Done
from facesynth.inference.confidence import LOW, LOW_WARNING, UNLIKE_WARNING, Confidence, decode_confidence
from facesynth.jobs.session import Session
from facesynth.stages.segment import CONFIDENCE_FILE


def about_confidence(labels: Done[LabelMap]) -> dict[str, Any]:
    """A face's `confidence` and its `warnings`, as its row of the report holds them; empty for a parser without.

    It is read from the artifact, so that a cached face says what it said before. Raises CacheError.
    """
    if labels.artifact is None or CONFIDENCE_FILE not in labels.files:
        return {}
    confidence = labels.artifact.read(_read, lambda files: [CONFIDENCE_FILE])
    return {"confidence": confidence.to_document(), "warnings": confidence.warnings}


def tell_doubts(session: Session) -> None:
    """One line for the faces that were warned of, where there are any."""
    low, unlike = session.warnings[LOW_WARNING], session.warnings[UNLIKE_WARNING]
    told = [f"{_faces(low)} with low confidence (below {LOW:.2f})"] if low else []
    told += [f"{_faces(unlike)} unlike those that the parser was trained on"] if unlike else []
    if told:
        session.execution.progress.note(f"{' and '.join(told)}: look at the label maps that the report warns of")


def _faces(count: int) -> str:
    return f"{count} face{'' if count == 1 else 's'}"


def _read(folder: Path) -> Confidence:
    path = folder / CONFIDENCE_FILE
    return decode_confidence(path.read_bytes(), str(path))
