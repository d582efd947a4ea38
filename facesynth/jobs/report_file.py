"""Where a job's report goes: never over what the job reads, nor over a file that is no report."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

from facesynth.core.errors import OutputError, UsageError
from facesynth.core.files import replacing
from facesynth.outputs import OutputTree
from facesynth.report import HEAD_BYTES, Report, starts_a_report

REPORT = "report.json"
"""Its name in the output folder, where no other place is asked for."""

_HINT = "name another --report"


def check_report_place(tree: OutputTree, file: Path | None) -> None:
    """See to it that the report may be put there: in `file`, or with None in the output folder.

    Raises UsageError for a file that the job reads and, where the user has named it, for one that holds anything but
    an older report or is named like a result; OutputError where nothing can lie there.
    """
    place = tree.path(PurePosixPath(REPORT)) if file is None else file
    if tree.holds_input(place):
        hint = "choose another -o" if file is None else _HINT
        raise UsageError("the report would replace an input", where=place, hint=hint)
    if file is not None:
        if file.suffix != ".json" and tree.holds(file):
            hint = "let it end in .json, or put it elsewhere"
            raise UsageError("the report would lie among the results, and might replace one", where=file, hint=hint)
        _refuse_other_files(file)


def write_report(report: Report, tree: OutputTree, file: Path | None) -> None:
    """Write a report to its place in one step. Raises as `check_report_place` does, OSError for the output folder."""
    check_report_place(tree, file)
    if file is None:
        tree.put(PurePosixPath(REPORT), lambda draft: _write(report, draft))
        return
    with replacing(file, hint=f"make room, or {_HINT}") as draft:
        _write(report, draft)


def _write(report: Report, draft: Path) -> None:
    with draft.open("wb") as stream:
        stream.writelines(report.json_pieces())


def _refuse_other_files(file: Path) -> None:
    try:
        ordinary = stat.S_ISREG(os.stat(file).st_mode)  # opening a pipe would wait for ever
        head = b""
        if ordinary:
            with file.open("rb") as stream:
                head = stream.read(HEAD_BYTES)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", where=file, hint=_HINT) from error
    if not ordinary or (head and not starts_a_report(head)):
        raise UsageError("is there already, and no report of facesynth's", where=file, hint=_HINT)
