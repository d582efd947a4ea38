"""An evaluation of pictures as JSON, and back: all scores with their protocols, each picture's own, the curves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from facesynth.core.errors import InputError
from facesynth.evaluation.pictures.curves import Curve, training_curves
from facesynth.evaluation.pictures.records import NotARecordError, from_plain, to_plain
from facesynth.evaluation.pictures.results import PictureEvaluation

FORMAT = "facesynth-picture-evaluation-1"
_OF_LABELS = "facesynth-segmentation-evaluation-"
_LARGEST = 1 << 30
_HINT = "give an evaluation.json that `facesynth evaluate generator` or `evaluate images` wrote, or evaluate again"


@dataclass(frozen=True, slots=True)
class SavedEvaluation:
    """What a document holds: the evaluation, whose cases have no pictures, and its generator's training curves."""

    evaluation: PictureEvaluation
    curves: tuple[Curve, ...] = ()


@dataclass(frozen=True, slots=True)
class _Rest:
    """What stands in the document beside the evaluation's own fields."""

    format: str
    headline: str
    curves: tuple[Curve, ...]


def evaluation_json(evaluation: PictureEvaluation, curves: tuple[Curve, ...] | None = None) -> str:
    """The evaluation as a JSON document, a picture's own scores a line each. Names that are not valid Unicode are
    escaped.

    `curves` are read from the training run's folder unless they are given. ValueError where a score is not finite.
    """
    held = training_curves(evaluation.run) if curves is None else curves
    head = to_plain(_Rest(FORMAT, evaluation.headline(), held)) | to_plain(evaluation)
    rows = [json.dumps(row, ensure_ascii=False) for row in head.pop("rows")]
    drawn = head.pop("curves")
    lines = [json.dumps(curve, ensure_ascii=False) for curve in drawn]
    text = json.dumps(head, indent=1, ensure_ascii=False, allow_nan=False).removesuffix("\n}")
    text += f',\n "curves": {_listed(lines)},\n "rows": {_listed(rows)}\n}}\n'
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _listed(lines: list[str]) -> str:
    return "[\n  " + ",\n  ".join(lines) + "\n ]" if lines else "[]"


def read_evaluation(path: Path) -> SavedEvaluation:
    """Read what `evaluation_json` wrote. InputError for a file that cannot be read, is damaged, or something else."""
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"larger than {_LARGEST} bytes", where=path, hint=_HINT)
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", where=path, hint=_HINT) from error
    try:
        document = json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON, or is damaged ({error})", where=path, hint=_HINT) from error
    return _read(document, path)


def _read(document: Any, path: Path) -> SavedEvaluation:
    found = document.get("format") if isinstance(document, dict) else None
    if isinstance(found, str) and found.startswith(_OF_LABELS):
        raise InputError("an evaluation of label maps, not of pictures", where=path, hint=_HINT)
    if found != FORMAT:
        told = "no evaluation of pictures" if found is None else f"of the format {found!r}, which is not known here"
        raise InputError(told, where=path, hint=_HINT)
    beside = {name: document.pop(name) for name in ("format", "headline", "curves") if name in document}
    try:
        curves = from_plain(_Rest, beside).curves
        evaluation = from_plain(PictureEvaluation, document)
    except NotARecordError as error:
        raise InputError(f"is damaged ({error})", where=path, hint=_HINT) from error
    for curve in curves:
        if len(curve.images) != len(curve.values) or not curve.values:
            raise InputError(f"is damaged (the curve {curve.measure} has no whole points)", where=path, hint=_HINT)
    if not evaluation.scores:
        raise InputError("is damaged (it has no scores)", where=path, hint=_HINT)
    return SavedEvaluation(evaluation, curves)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
