"""Taking a dataset in: every face of a published layout is opened and checked, and its row goes into a manifest.

Started again it makes only what is new or changed. Nothing of the source is changed; what is made goes below the
output.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from facesynth.core.errors import ConfigError, InputError, OutputError, UsageError
from facesynth.datasets.ahead import ordered_ahead
from facesynth.datasets.importing.basis import basis_of
from facesynth.datasets.importing.layout import Entry, Layout, Made, MakesFiles
from facesynth.datasets.importing.ledger import LEDGER_NAME, Kept, Ledger, Problem, recipe_in
from facesynth.datasets.importing.report import REPORT_NAME, check_report, write_report
from facesynth.datasets.manifest import MANIFEST_NAME, Manifest, Sample, write_manifest

Outcome = Literal["made", "kept", "failed"]

_LOCK_NAME = ".dataset.lock"
_MARK = ".made-by-import"
_DRAFT = re.compile(r"\.[0-9a-f]{16}\.part")
"""What `replacing` calls a file that it has not put in its place yet."""
_TOLD = 20
"""Kinds of failures and of warnings that are kept for a summary; the report has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did: the manifest with `count` faces, of which `kept` were made by an earlier run.

    `failures` and `warnings` are the most frequent kinds; the report names every one of the `failed` faces and all
    that was `warned` of.
    """

    manifest: Path
    report: Path
    count: int
    kept: int
    failed: int
    warned: int
    failures: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 when every face is in, 3 when some failed."""
        return 3 if self.failed else 0


def import_dataset(
    layout: Layout,
    output: Path,
    *,
    source: Path | None = None,
    workers: int = 2,
    force: bool = False,
    on_item: Callable[[str, Outcome], None] = lambda name, outcome: None,
) -> Imported:
    """Write `dataset.jsonl` and `dataset-report.json` into `output`, and below it what the layout makes.

    Faces that cannot be used are reported. The manifest is replaced as a whole at the end; an import that was stopped,
    however rudely, goes on where it was. `source` is the folder that the dataset lies in: the manifest of another one
    is not replaced. With `force` every face is read and made anew, also those that are known. `on_item(name, outcome)`
    hears of each, in order. Raises UsageError where another import is at work
    or something else lies in the way, OutputError where nothing can be written.
    """
    manifest, report = output / MANIFEST_NAME, output / REPORT_NAME
    with _held(output), _ledger(layout, output, source, anew=force) as ledger:
        kept = 0

        def rows() -> Generator[Sample, None, None]:
            nonlocal kept
            for position, (entry, result) in enumerate(_ordered(layout, output, ledger, workers)):
                outcome, sample = _noted(ledger, position, entry, result)
                kept += outcome == "kept"
                on_item(entry.name, outcome)
                if sample is not None:
                    yield sample

        with closing(rows()) as samples:
            count = write_manifest(manifest, layout.about, samples)
        ledger.forget_others()
        notes = tuple(layout.notes())
        failed, warned = ledger.totals()
        write_report(report, layout.about.name, count, notes, ledger)
        return Imported(
            manifest=manifest,
            report=report,
            count=count,
            kept=kept,
            failed=failed,
            warned=warned,
            failures=ledger.failed(_TOLD),
            warnings=ledger.warned(_TOLD),
            notes=notes,
        )


@dataclass(frozen=True, slots=True)
class _New:
    made: Made
    basis: str


_Result = _New | Kept | InputError


def _ordered(layout: Layout, output: Path, ledger: Ledger, workers: int) -> Iterator[tuple[Entry, _Result]]:
    """Yield each entry with what became of it, in order; threads work a bounded number of entries ahead."""

    names: set[str] = set()  # of those that are under way

    def listed() -> Iterator[tuple[Entry, Kept | None, bool]]:
        for entry in layout.entries():
            known = ledger.known(entry.name)
            taken = entry.name in names or (known is not None and known.met)
            names.add(entry.name)
            yield entry, known, taken

    def work(each: tuple[Entry, Kept | None, bool]) -> _Result:
        entry, known, taken = each
        if taken:
            return InputError("another face has the same name", where=entry.files[0])
        basis = basis_of(entry)  # before the files are read: one that changes meanwhile is read again next time
        if known is not None and known.basis == basis and known.is_whole():
            return known
        try:
            return _New(layout.make(entry, output), basis)
        except InputError as error:
            return error

    try:
        for (entry, _, _), result in ordered_ahead(listed(), work, workers=workers, name="import"):
            yield entry, result
            names.discard(entry.name)
    except OSError as error:  # else write_manifest would take it for a fault of the manifest
        raise OutputError(f"the import cannot go on ({error.strerror or error})", where=error.filename) from error


def _noted(ledger: Ledger, position: int, entry: Entry, result: _Result) -> tuple[Outcome, Sample | None]:
    """Note in the ledger what became of an entry, and return its row."""
    if isinstance(result, Kept):
        ledger.keep(entry.name, position)
        return "kept", result.restored()
    if isinstance(result, _New):
        ledger.add(entry.name, position, result.basis, result.made)
        return "made", result.made.sample
    reason = result.what + (f"; {result.hint}" if result.hint else "")
    ledger.fail(entry.name, position, result.where, reason)
    return "failed", None


@contextmanager
def _held(output: Path) -> Iterator[None]:
    """Hold the output folder for this import alone."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        lock = FileLock(output / _LOCK_NAME)
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(
            "another import is at work here", where=output, hint="wait until it has ended, or give another -o DIR"
        ) from None
    except OSError as error:
        raise OutputError(
            f"nothing can be written here ({error.strerror or error})", where=output, hint="give another folder: -o DIR"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _ledger(layout: Layout, output: Path, source: Path | None, *, anew: bool) -> Ledger:
    """Open the ledger of the output folder, after a look at whether the folder is free for this dataset."""
    manifest, name = output / MANIFEST_NAME, layout.about.name
    place = None if source is None else _place(source, output)
    check_report(output / REPORT_NAME)
    if manifest.exists():
        try:
            other = Manifest.open(manifest).about.name
        except ConfigError as error:
            raise UsageError(
                "is there, and is no manifest of facesynth", where=manifest, hint="give another folder: -o DIR"
            ) from error
        if other != name:
            raise UsageError(
                f"is the manifest of another dataset, {other}, this one is {name}",
                where=manifest,
                hint="give another folder with -o DIR, or remove it",
            )
        before = _known_place(output)
        if place is not None and before not in (None, place):
            raise UsageError(
                f"is the manifest of the dataset in {before}, this one lies in {place}",
                where=manifest,
                hint="give another folder with -o DIR; if the dataset was moved, remove the manifest",
            )
    for stale in output.glob(".*.part"):
        if _DRAFT.fullmatch(stale.name):  # of a killed import
            stale.unlink(missing_ok=True)
    settings, version = "", 0
    if isinstance(layout, MakesFiles):
        settings, version = layout.settings, layout.version
        for folder in layout.folders:
            _claim(output / folder)
    recipe = json.dumps([name, layout.about.schema, settings, version, place])
    return Ledger(output / LEDGER_NAME, recipe, anew=anew)


def _place(source: Path, output: Path) -> str:
    """Where a dataset lies: from the output where that is in it, so that both may be moved, else absolutely."""
    source, output = source.resolve(), output.resolve()
    return os.path.relpath(source, output) if output.is_relative_to(source) else str(source)


def _known_place(output: Path) -> str | None:
    """Where the dataset lay that was imported into the output before; None where nothing tells."""
    try:
        *_, place = json.loads(recipe_in(output / LEDGER_NAME) or "")
    except (ValueError, TypeError):
        return None
    return None if place is None else str(place)


def _claim(folder: Path) -> None:
    """Make a folder for files that are made, or see that an import made it. UsageError where it is someone else's."""
    mark = folder / _MARK
    if folder.exists() and not mark.is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            "is there already and no import made it, so nothing is written into it",
            where=folder,
            hint="give another folder: -o DIR",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mark.touch()
        for stale in folder.rglob(".*.part"):  # what a killed import left
            stale.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror or error})", where=folder) from error
