"""What went wrong in an import, as JSON beside the manifest: every failure, and every face that is odd."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from facesynth.core.errors import OutputError
from facesynth.datasets.importing.ledger import Ledger

REPORT_NAME = "dataset-report.json"


def write_report(path: Path, name: str, count: int, notes: Sequence[str], ledger: Ledger) -> None:
    """Write the report as a whole, replacing an older one: a line for each failure, and the faces of each warning.

    It is written row by row: memory does not grow with it. OutputError where it cannot be written.
    """
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    failed, warned = ledger.totals()
    head = {"dataset": name, "faces": count, "failed": failed, "warned": warned, "notes": list(notes)}
    failures = ({"name": face, "file": file, "reason": reason} for face, file, reason in ledger.failures())
    kinds = groupby(ledger.warnings(), key=lambda row: row[0])
    try:
        with draft.open("w", encoding="utf-8", errors="backslashreplace") as file:
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
        os.replace(draft, path)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror or error})", where=path) from error
    finally:
        draft.unlink(missing_ok=True)


def _separated(texts: Iterable[str]) -> Iterator[str]:
    for index, text in enumerate(texts):
        yield (",\n" if index else "\n") + text
