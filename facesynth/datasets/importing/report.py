"""What went wrong in an import, as JSON beside the manifest: every failure, and every face that is odd."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from facesynth.core.errors import UsageError
from facesynth.core.files import replacing
from facesynth.datasets.importing.ledger import Ledger

REPORT_NAME = "dataset-report.json"
_HEAD = b'{"dataset": '
"""How every report begins."""


def write_report(path: Path, name: str, count: int, notes: Sequence[str], ledger: Ledger) -> None:
    """Write the report as a whole, replacing an older one: a line for each failure, and the faces of each warning.

    It is written row by row: memory does not grow with it. OutputError where it cannot be written.
    """
    failed, warned = ledger.totals()
    head = {"dataset": name, "faces": count, "failed": failed, "warned": warned, "notes": list(notes)}
    failures = ({"name": face, "file": file, "reason": reason} for face, file, reason in ledger.failures())
    kinds = groupby(ledger.warnings(), key=lambda row: row[0])
    with replacing(path) as draft, draft.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(json.dumps(head, ensure_ascii=False)[:-1] + ',\n"failures": [')
        file.writelines(_separated(json.dumps(failure, ensure_ascii=False) for failure in failures))
        file.write('\n],\n"warnings": {')
        for index, (kind, rows) in enumerate(kinds):
            file.write(("," if index else "") + f'\n{json.dumps(kind, ensure_ascii=False)}: {{"names": [')
            number = 0
            for number, (_, face) in enumerate(rows, start=1):
                file.write(("," if number > 1 else "") + f"\n{json.dumps(face, ensure_ascii=False)}")
            file.write(f'], "count": {number}}}')
        file.write("\n}}\n")


def check_report(path: Path) -> None:
    """Raise UsageError where something else than an import's report lies under its name."""
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for ever
            raise UsageError("is no ordinary file", where=path, hint="give another folder: -o DIR")
        with path.open("rb") as file:
            head = file.read(len(_HEAD))
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror or error})", where=path) from error
    if head and head != _HEAD:
        raise UsageError("is there, and no import made it", where=path, hint="give another folder: -o DIR")


def failures_in(path: Path, name: str, count: int) -> Iterator[tuple[str, str | None, str]]:
    """Yield (name, file, reason) of the failures in the report of the import that made `count` faces of the dataset
    `name`; none where there is no such report."""
    if not path.is_file():
        return
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if (told["dataset"], told["faces"]) != (name, count):
            return
        failures = [(str(each["name"]), each["file"], str(each["reason"])) for each in told["failures"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return
    yield from failures


def _separated(texts: Iterable[str]) -> Iterator[str]:
    for index, text in enumerate(texts):
        yield (",\n" if index else "\n") + text
