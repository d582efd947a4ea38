"""What comes of a job: outputs in their places, a row of the report for each item, and in the end the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from facesynth.core.errors import OutputError, UsageError
from facesynth.core.refs import Declined, Done, Failed, Origin
from facesynth.core.sources import Sources
from facesynth.jobs.destination import Destination, Files, Nowhere, Output
from facesynth.jobs.execution import Execution
from facesynth.jobs.packing import Packer, Packing
from facesynth.jobs.report_file import check_report_place, write_report
from facesynth.jobs.rows import Rows
from facesynth.outputs import FolderNames, OutputTree, ShardClaim, Shards
from facesynth.report import Report


@dataclass(slots=True)
class Results:
    """Puts outputs into a tree, rows into a report, and that into `report_file`, or with None into the tree.

    Raises UsageError where the report would replace what the job reads.
    """

    report: Report
    tree: OutputTree
    execution: Execution
    report_file: Path | None = None
    warnings: Counter[str] = field(init=False, default_factory=Counter)
    begun: bool = field(init=False, default=False)
    """Whether anything was done that a report should tell of, though it has no row."""
    _rows: Rows = field(init=False)
    _destination: Destination[Any] = field(init=False)

    def __post_init__(self) -> None:
        check_report_place(self.tree, self.report_file)
        self._rows = Rows(self.report)
        self._destination = self._as_files()

    def pack(self, inputs: Iterable[str | Path], sources: Sources, names: FolderNames, packing: Packing) -> None:
        """Have outputs packed. Raises UsageError where an archive would take an input's place, or another command's."""
        if not self.execution.dry_run:
            claim = ShardClaim(self.tree, self.report.command, inputs, packing.size) if sources.folders else None
            shards = Shards(self.tree, sources, names, size=packing.size, kinds=packing.kinds, claim=claim)
            self._destination = Packer(shards, lambda origin, error: self.settle(Failed(origin, error), advance=0))

    def go_on_in(self, tree: OutputTree) -> None:
        """Put further outputs into this tree, files that they are."""
        with self.tree:
            self.tree = tree
        self._destination = self._as_files()

    def _as_files(self) -> Destination[Any]:
        return Nowhere() if self.execution.dry_run else Files(self.tree)

    def place(self, result: Done[Any], file: str, relative: PurePosixPath) -> Output:
        """As `Destination.place`."""
        output: Output = self._destination.place(result, file, relative)
        return output

    def write(self, data: Callable[[], bytes], relative: PurePosixPath) -> Output:
        """As `Destination.write`."""
        output: Output = self._destination.write(data, relative)
        return output

    def settle(self, result: Declined | Failed, part: str | None = None, *, advance: int = 1) -> None:
        """Make a row of an item that has no result, which counts as `advance` finished ones.

        With `fail_fast` raises a failure's error.
        """
        self.execution.progress.advance(advance)
        self._rows.without_result(result, part)
        if isinstance(result, Failed) and self.execution.fail_fast:
            raise result.error

    def finish(
        self,
        origin: Origin,
        outputs: Iterable[Output],
        *,
        cached: bool,
        part: str | None,
        about: Mapping[str, Any],
        advance: int,
    ) -> None:
        """Make a row of an item as soon as its outputs are in place, and count it as `advance` finished ones."""
        row = partial(self._rows.placed, origin, cached=cached, part=part, about=about)
        self._destination.finish(origin, outputs, row)
        self.warnings.update(about.get("warnings", ()))
        self.execution.progress.advance(advance)

    def hint(self, hint: Callable[[Origin], str | None]) -> None:
        """Have what `hint` says added to the reason of each input that is rejected."""
        self._rows.hint = hint

    def mended(self, origin: Origin, message: str) -> None:
        """Tell that an item's cached result was damaged and made anew."""
        self._rows.mended(origin)
        self.execution.progress.note(message)

    def end(self, error: BaseException | None) -> None:
        """Put in place what waits, unless this error ended the job, and write the report, however that goes."""
        with self.tree:
            try:
                if error is None:
                    self._destination.complete()
            except BaseException as fault:
                self._close(fault)
                raise
            self._close(error)

    def _close(self, error: BaseException | None) -> None:
        if dropped := self._destination.abandon():
            told = f"the results of {dropped} inputs are not written: their shard is not whole"
            self.execution.progress.note(told)
        self.report.complete = error is None
        # A mistake that is found before anything is done leaves no folder behind. An older report never stays.
        begun = self.begun or bool(self.report.rows) or not isinstance(error, Exception)
        if self.execution.dry_run or not (begun or self.report_file is not None or self.tree.folder.exists()):
            return
        try:
            write_report(self.report, self.tree, self.report_file)
        except (OutputError, UsageError, OSError) as fault:
            if error is None:
                raise
            if not isinstance(error, OutputError | OSError):  # which may say the same
                self.execution.progress.note(f"there is no report: {fault}")
