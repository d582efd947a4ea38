"""What all jobs share: inputs with their output names, stages run in a row, results put in place and told."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Protocol, TypeVar

from facesynth.core.digest_set import DigestSet
from facesynth.core.errors import CacheError, InputError, OutputError, UsageError
from facesynth.core.files import read_file
from facesynth.core.image_files import IMAGE_SUFFIXES
from facesynth.core.refs import Declined, Done, Failed, Item, Origin, Result
from facesynth.core.scan import scan
from facesynth.core.sources import SourceFile, Sources
from facesynth.jobs.estimate import Estimate
from facesynth.jobs.execution import Execution
from facesynth.jobs.packing import Packer, Packing
from facesynth.jobs.report_file import check_report_place, write_report
from facesynth.jobs.rows import Rows
from facesynth.outputs import FACE_TAIL, SHEET, FolderNames, OutputTree, Shards, is_sheet, numbered
from facesynth.pipeline import feeding, find, run
from facesynth.report import Report
from facesynth.stages.base import Stage

T = TypeVar("T")
In = TypeVar("In")
Out = TypeVar("Out")


class Inputs(Protocol):
    """The files that a job works on."""

    def __iter__(self) -> Iterator[SourceFile]:
        """Go through them, any number of times."""

    def __len__(self) -> int:
        """How many are known of by now."""


def nameless(along: object) -> None:
    """The part of an input of which one thing alone is made."""


@dataclass(slots=True)
class Session:
    """One command's work on its inputs, used as a context: however it ends, the report is written.

    `reads` is what the job reads besides its inputs, such as styles, weights and a plan (names of which there is no
    file are passed over): like them, it is never replaced. `tail` is the pattern of what the job may add to the output
    name of one input, after `_`. In a dry run the results that are cached pass through as always, the others are
    counted in `estimate`, and nothing is written. `extension` is that of what the job wants of a sample in an archive.
    With `packing` results go into archives: only what is in a whole one counts as done. Raises UsageError where there
    are no inputs, and where the output folder or the report would get in their way. Where inputs are `arriving`, there
    are none until `take` names them.
    """

    command: str
    inputs: Sequence[str | Path]
    folder: Path
    execution: Execution
    settings: Mapping[str, Any] = field(default_factory=dict)
    report_file: Path | None = None
    reads: Iterable[str | Path] = ()
    suffixes: frozenset[str] = IMAGE_SUFFIXES
    tail: str = FACE_TAIL
    arriving: bool = False
    extension: str | None = None
    packing: Packing | None = None
    sources: Inputs = field(init=False)
    report: Report = field(init=False)
    warnings: Counter[str] = field(init=False, default_factory=Counter)
    estimate: Estimate = field(init=False)
    _rows: Rows = field(init=False)
    _made: DigestSet = field(init=False, default_factory=DigestSet)
    _begun: bool = field(init=False, default=False)
    _leaving: list[Callable[[], None]] = field(init=False, default_factory=list)
    _tree: OutputTree = field(init=False)
    _names: Mapping[str, PurePosixPath] = field(init=False)
    _is_as_found: Callable[[str], bool] = field(init=False, default=lambda path: True)
    _packer: Packer | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        found = (
            Sources([], suffixes=self.suffixes)
            if self.arriving
            else scan(self.inputs, suffixes=self.suffixes, extension=self.extension)
        )
        sources = found.without(SHEET, is_sheet)
        sources = sources if len(sources) or sources.archives else found
        self.sources = sources
        self.report = Report(self.command, self.settings)
        self._rows = Rows(self.report)
        self.estimate = Estimate(self.execution.store.root)
        packed = self.packing is not None
        self._tree = OutputTree(self.folder, self.inputs, sources.on_disk, reads=self.reads, archives=packed)
        check_report_place(self._tree, self.report_file)
        names = FolderNames(sources, tail=self.tail)
        self._names = names
        sources.on_listed = self.execution.progress.more
        if self.packing is not None and not self.execution.dry_run:
            how = self.packing
            shards = Shards(self._tree, sources, names, size=how.size, kinds=how.kinds)
            self._packer = Packer(shards, lambda origin, error: self.settle(Failed(origin, error), advance=0))

    def __enter__(self) -> Session:
        self.execution.progress.begin(len(self.sources), self.command)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()
        if told := self.execution.executor.told():
            self.report.settings = {**self.report.settings, **told}
        with self._tree:
            try:
                if self._packer is not None and kind is None:
                    self._packer.publish()
            except BaseException as fault:
                self._close(fault)
                raise
            self._close(error)

    def _close(self, error: BaseException | None) -> None:
        """Write the report of a run that is over, or was ended by this error."""
        if self._packer is not None and (dropped := self._packer.abandon()):
            told = f"the results of {dropped} inputs are not written: their shard is not whole"
            self.execution.progress.note(told)
        self.report.complete = error is None
        # A mistake that is found before anything is done leaves no folder behind. An older report never stays.
        begun = self._begun or bool(self.report.rows) or not isinstance(error, Exception)
        if self.execution.dry_run or not (begun or self.report_file is not None or self.folder.exists()):
            return
        try:
            write_report(self.report, self._tree, self.report_file)
        except (OutputError, UsageError, OSError) as fault:
            if error is None:
                raise
            if not isinstance(error, OutputError | OSError):  # which may say the same
                self.execution.progress.note(f"there is no report: {fault}")

    def on_leaving(self, leave: Callable[[], None]) -> None:
        """Have `leave` called when the work is over, however it ended, before the report is written."""
        self._leaving.append(leave)

    def take(
        self, sources: list[SourceFile], names: Mapping[str, PurePosixPath], is_as_found: Callable[[str], bool]
    ) -> None:
        """Work on these inputs from now on, under these output names; nothing is kept of those before but their rows.

        What is made of one that is not `is_as_found` (by its path) any more is dropped without a row: it will be taken
        again.
        """
        self._leave()
        with self._tree:
            self._tree = OutputTree(self.folder, self.inputs, sources, reads=self.reads)
        self.sources, self._names, self._is_as_found = sources, names, is_as_found
        self._made = type(self._made)()
        self.execution.progress.more(len(sources))

    def _leave(self) -> None:
        for leave in self._leaving:
            leave()
        self._leaving.clear()

    def name(self, origin: Origin) -> PurePosixPath:
        """The output name of an item, without suffix."""
        return numbered(self._names[origin.path], origin.index)

    def run(
        self,
        stage: Stage[In, Out],
        items: Iterable[tuple[Item[In], T]],
        *,
        part: Callable[[T], str | None] = nameless,
        resultless: Callable[[T], object] | None = None,
    ) -> Generator[tuple[Done[Out], T], None, None]:
        """The stage's results that are there, in order, each with what came along with its item.

        What is rejected or fails becomes a row of the report, in which `part` of what came along with it names it where
        several things are made of one input. `resultless` hears, in its turn, what came along with each item that has
        no result: it is rejected, or fails, or a dry run would have to compute it. With `fail_fast` a failure ends the
        run: its error is raised after everything before it was passed on.
        """
        waiting: deque[T] = deque()

        def feed() -> Iterator[Item[In]]:
            with feeding(items) as source:
                for item, along in source:
                    waiting.append(along)
                    yield item

        with closing(self.results(stage, feed())) as results:
            for result in results:
                along = waiting.popleft()
                as_found = result is None or self._is_as_found(result.origin.path)
                if isinstance(result, Done) and as_found:
                    yield result, along
                    continue
                if resultless is not None:
                    resultless(along)
                if not as_found:
                    self.execution.progress.advance()
                elif isinstance(result, Declined | Failed):
                    self.settle(result, part(along))

    def results(
        self, stage: Stage[In, Out], items: Iterable[Item[In]], *, apart: bool = False
    ) -> Generator[Result[Out] | None, None, None]:
        """One result an item, of which no row is made; in a dry run None for what would have to be computed.

        What is `apart`, as a style is, no other stage's work follows on: the estimate is told.
        """
        how = self.execution
        self.report.weights.update({f"{stage.name}/{role}": digest for role, digest in stage.weights.items()})
        if not how.dry_run:
            how.on_weights(stage.weights.values())
            results = run(
                stage,
                items,
                how.store,
                batch_size=how.batch_size,
                workers=how.workers,
                force=how.force,
                on_mended=self._note_mended,
                made=self._made,
                executor=how.executor,
            )
            with closing(results):
                for result in results:
                    self._begun |= not apart
                    yield result
            return
        with feeding(items) as source:
            for item in source:
                found = None if how.force else self.found(stage, item)
                if found is None:
                    self.estimate.add(stage, apart=apart)
                yield found

    def found(self, stage: Stage[In, Out], item: Item[In]) -> Result[Out] | None:
        """What is there of an item without computing, as `facesynth.pipeline.find` says it."""
        if not self._is_as_found(item.origin.path):
            return None
        return find(stage, item, self.execution.store, made=self._made)

    @contextmanager
    def item(self, origin: Origin, part: str | None = None, *, advance: int = 1) -> Iterator[None]:
        """Whatever is wrong with this item alone becomes a row, as `settle` makes it, instead of ending the run."""
        try:
            yield
        except (InputError, OutputError, CacheError) as error:
            self.settle(Failed(origin, error), part, advance=advance)

    def settle(self, result: Declined | Failed, part: str | None = None, *, advance: int = 1) -> None:
        """Make a row of an item that has no result; an input that cannot be used gets one row, whatever was to be made.

        It counts as `advance` finished ones. With `fail_fast` raises a failure's error.
        """
        self.execution.progress.advance(advance)
        self._rows.without_result(result, part)
        if isinstance(result, Failed) and self.execution.fail_fast:
            raise result.error

    def finish(
        self,
        origin: Origin,
        outputs: Iterable[PurePosixPath],
        *,
        cached: bool,
        part: str | None = None,
        about: Mapping[str, Any] | None = None,
        advance: int = 1,
    ) -> None:
        """Make a row of an item whose outputs are in place, and count it as `advance` finished ones: 0 where the
        progress counts something smaller than items. `about` is Row's."""
        told = about or {}
        if self._packer is None:
            self._rows.placed(origin, outputs, cached=cached, part=part, about=told)
        else:
            self._packer.finish(
                origin, outputs, partial(self._rows.placed, origin, cached=cached, part=part, about=told)
            )
        self.warnings.update(told.get("warnings", ()))
        self.execution.progress.advance(advance)

    def place(self, result: Done[Any], file: str, relative: PurePosixPath) -> PurePosixPath:
        """Copy one file of a result to its place in the output tree, and return that.

        A damaged one is made anew first. Raises CacheError where that fails, OutputError, OSError.
        """
        assert result.artifact is not None  # a session always has a store
        if self._packer is not None:
            self._packer.hold_file(result, file, relative)
        elif not self.execution.dry_run:
            result.artifact.with_file(file, lambda path, stamp: self._tree.copy(path, stamp, relative))
        return relative

    def write(self, data: Callable[[], bytes], relative: PurePosixPath, *, of_item: bool = True) -> PurePosixPath:
        """Write what no stage keeps; a contact sheet is not `of_item`. Raises as `place` does."""
        if self._packer is not None and of_item:
            self._packer.hold_bytes(data(), relative)
        elif not self.execution.dry_run:
            self._tree.write(data(), relative)
        return relative

    def expect(self, times: int) -> None:
        """Have the progress count so many things for each input."""
        more = self.execution.progress.more
        more(len(self.sources) * (times - 1))
        if isinstance(self.sources, Sources):
            self.sources.on_listed = lambda count: more(count * times)

    def input_bytes(self, path: str) -> bytes:
        """The bytes of the input of that path, wherever they lie. Raises ImageError."""
        source = self.sources.file(path) if isinstance(self.sources, Sources) else None
        return read_file(Path(path)) if source is None or source.part is None else source.part.read(path)

    def hint(self, hint: Callable[[Origin], str | None]) -> None:
        """Have what `hint` says, where it says something, added to the reason of each input that is rejected."""
        self._rows.hint = hint

    def _note_mended(self, origin: Origin, message: str) -> None:
        """Tell that an item's cached result was damaged and made anew."""
        self._rows.mended(origin)
        self.execution.progress.note(message)
