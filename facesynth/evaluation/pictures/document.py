"""An evaluation of pictures as JSON, and back: all scores with their protocols, the shown pictures' own, the curves.

The rows of all pictures lie beside it, in a file that it names: a document's size does not depend on their number.

Figures that are quoted rest on such documents, so whatever was written once stays readable. A field that is added to
what they are made of has a default, which documents without it take. A version that does not know a field passes it by
and says so among the warnings. Whatever changes what a field means, or has to be known, takes a new FORMAT, and the old
ones are still read: tests/evaluation/pictures has one document of each.
"""

from __future__ import annotations

import dataclasses
import json
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facesynth.core.errors import InputError
from facesynth.evaluation.pictures.curves import LARGEST, Curve, is_drawable, training_curves
from facesynth.evaluation.pictures.kept_faces import with_looks
from facesynth.evaluation.pictures.records import NotARecordError, from_plain, no_number, to_plain
from facesynth.evaluation.pictures.results import PictureEvaluation, PictureRow, Rows
from facesynth.evaluation.pictures.rows_file import RowsFile, ShownRows, saved_rows

FORMAT = "facesynth-picture-evaluation-3"
_FIRST = "facesynth-picture-evaluation-1"
_SECOND = "facesynth-picture-evaluation-2"  # with the rows of all pictures in it
_NEWER = re.compile(r"facesynth-picture-evaluation-\d{1,9}")
_OF_LABELS = "facesynth-segmentation-evaluation-"
_MAX_BYTES = 1 << 30
_TOLD = 5
_HINT = "give an evaluation.json that `facesynth evaluate generator` or `evaluate images` wrote, or evaluate again"


@dataclass(frozen=True, slots=True)
class SavedEvaluation:
    """What a document holds: the evaluation, whose faces are drawn from what was kept, and its training curves.

    `passed_by` says what of it, or beside it, could not be read here; that is no part of the evaluation.
    """

    evaluation: PictureEvaluation
    curves: tuple[Curve, ...] = ()
    passed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Rest:
    """What stands in the document beside the evaluation's own fields."""

    format: str
    headline: str = ""
    pictures: RowsFile | None = None
    curves: tuple[Curve, ...] = ()
    rows: tuple[PictureRow, ...] = ()


def evaluation_json(
    evaluation: PictureEvaluation, curves: tuple[Curve, ...] | None = None, *, rows: RowsFile | None = None
) -> str:
    """The evaluation as a JSON document, with a line for each picture that is shown. Names that are not valid Unicode
    are escaped.

    `curves` are read from the training run's folder unless they are given. `rows` is the file beside the document that
    has the rows of all pictures, None where there is none. ValueError where a score is not finite.
    """
    held = training_curves(evaluation.run) if curves is None else curves
    shown = {case.name for case in evaluation.cases}
    its_rows = tuple(row for row in evaluation.rows if row.name in shown)
    rest = _Rest(FORMAT, evaluation.headline(), rows, held, its_rows)
    head = to_plain(rest) | to_plain(dataclasses.replace(evaluation, rows=its_rows))
    lines_of_rows = [json.dumps(row, ensure_ascii=False) for row in head.pop("rows")]
    drawn = head.pop("curves")
    lines = [json.dumps(curve, ensure_ascii=False) for curve in drawn]
    text = json.dumps(head, indent=1, ensure_ascii=False, allow_nan=False).removesuffix("\n}")
    text += f',\n "curves": {_listed(lines)},\n "rows": {_listed(lines_of_rows)}\n}}\n'
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _listed(lines: list[str]) -> str:
    return "[\n  " + ",\n  ".join(lines) + "\n ]" if lines else "[]"


def read_evaluation(path: Path) -> SavedEvaluation:
    """Read what `evaluation_json` wrote, of this version or another one; fields that are not known here are passed by,
    and named in `passed_by`. InputError for a file that cannot be read, is damaged, or something else.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise InputError("not an ordinary file", where=path, hint=_HINT)
        if status.st_size > _MAX_BYTES:
            raise InputError(f"larger than {_MAX_BYTES} bytes", where=path, hint=_HINT)
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", where=path, hint=_HINT) from error
    try:
        document = json.loads(data, parse_constant=no_number)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON, or is damaged ({error})", where=path, hint=_HINT) from error
    return _read(document, path)


def _read(document: Any, path: Path) -> SavedEvaluation:
    found = document.get("format") if isinstance(document, dict) else None
    if isinstance(found, str) and found.startswith(_OF_LABELS):
        raise InputError("an evaluation of label maps, not of pictures", where=path, hint=_HINT)
    if found == _FIRST:
        _as_now(document)
    elif found not in (_SECOND, FORMAT):
        if isinstance(found, str) and _NEWER.fullmatch(found):
            what = f"written by a newer version of facesynth (its format is {found!r}, this version reads {FORMAT!r})"
            raise InputError(what, where=path, hint="update facesynth, or evaluate again")
        told = "no evaluation of pictures" if found is None else f"of the format {found!r}, which is not known here"
        raise InputError(told, where=path, hint=_HINT)
    beside = {field.name: document.pop(field.name) for field in dataclasses.fields(_Rest) if field.name in document}
    unknown: set[str] = set()
    try:
        rest = from_plain(_Rest, beside, unknown=unknown)
        evaluation = from_plain(PictureEvaluation, document, unknown=unknown)
    except NotARecordError as error:
        raise InputError(f"is damaged ({error})", where=path, hint=_HINT) from error
    for curve in rest.curves:
        if len(curve.images) != len(curve.values) or not curve.values:
            raise InputError(f"is damaged (the curve {curve.measure} has no whole points)", where=path, hint=_HINT)
        if not all(map(is_drawable, (*curve.images, *curve.values))):
            what = f"is damaged (the curve {curve.measure} has a number beyond {LARGEST:.0e})"
            raise InputError(what, where=path, hint=_HINT)
    if not evaluation.scores:
        raise InputError("is damaged (it has no scores)", where=path, hint=_HINT)
    passed_by = [_passed_by(sorted(unknown))] if unknown else []
    rows: Rows | str | None = None if rest.pictures is None else saved_rows(rest.pictures, path.parent)
    if isinstance(rows, str):
        passed_by.append(rows)
        rows = None
    if rows is None:
        rows = ShownRows(rest.rows) if found == FORMAT else rest.rows  # the earlier ones have all rows in them
    evaluation = dataclasses.replace(evaluation, rows=rows)
    return SavedEvaluation(with_looks(evaluation, path.parent), rest.curves, tuple(passed_by))


def _as_now(document: Any) -> None:
    """Turn the first format into today's. Its `floor`, what halves of the real set score against each other, stood by
    a value over twice as many pictures, with which it is not to be compared: it becomes a note.
    """
    scores = document.get("scores")
    for score in scores if isinstance(scores, list) else ():
        floor = score.pop("floor", None) if isinstance(score, dict) else None
        if floor is not None:
            told = f"real against real {json.dumps(floor)}, over fewer pictures: not to be compared with the value"
            notes = score.get("notes", [])
            score["notes"] = [*notes, told] if isinstance(notes, list) else notes


def _passed_by(unknown: list[str]) -> str:
    more = f" and {len(unknown) - _TOLD} more" if len(unknown) > _TOLD else ""
    named = ", ".join(name[:80] for name in unknown[:_TOLD]) + more
    return f"saved by a newer version of facesynth: {named} in its file not known here, and passed by"
