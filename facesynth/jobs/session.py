"""What all jobs share: inputs with their output names, stages run in a row, results put in place and told."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, TypeVar

from facesynth.core.digest_set import DigestSet
from facesynth.core.errors import CacheError, InputError, OutputError, UsageError
from facesynth.core.image_files import IMAGE_SUFFIXES
from facesynth.core.refs import Declined, Done, Failed, Item, Origin, Result
from facesynth.core.sources import SourceFile, Sources
from facesynth.jobs.destination import Output
from facesynth.jobs.estimate import Estimate
from facesynth.jobs.execution import Execution
from facesynth.jobs.inputs import Arrived, Inputs, found_inputs
from facesynth.jobs.packing import Packing
from facesynth.jobs.results import Results
from facesynth.outputs import FACE_TAIL, FolderNames, OutputTree, numbered
from facesynth.pipeline import feeding, find, run
from facesynth.report import Report
from facesynth.stages.base import Stage

T = TypeVar("T")
In = TypeVar("In")
Out = TypeVar("Out")


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
    warnings: Counter[str] = field(init=False)
    estimate: Estimate = field(init=False)
    _results: Results = field(init=False)
    _made: DigestSet = field(init=False, default_factory=DigestSet)
    _leaving: list[Callable[[], None]] = field(init=False, default_factory=list)
    _names: Mapping[str, PurePosixPath] = field(init=False)
    _is_as_found: Callable[[str], bool] = field(init=False, default=lambda path: True)

    def __post_init__(self) -> None:
        if self.arriving and self.packing is not None:
            raise UsageError("what arrives is not packed: nobody knows what shares an archive")
        none = Sources([], suffixes=self.suffixes)
        sources = none if self.arriving else found_inputs(self.inputs, self.suffixes, self.extension)
        packed = self.packing is not None
        tree = OutputTree(self.folder, self.inputs, sources.on_disk, reads=self.reads, archives=packed)
        self.report = Report(self.command, self.settings)
        self._results = Results(self.report, tree, self.execution, self.report_file)
        self.warnings = self._results.warnings
        self.estimate = Estimate(self.execution.store.root)
        names = FolderNames(sources, tail=self.tail)
        sources.on_listed = self.execution.progress.more
        self.sources, self._names = sources, names
        if self.packing is not None:
            self._results.pack(self.inputs, sources, names, self.packing)

    def __enter__(self) -> Session:
        self.execution.progress.begin(len(self.sources), self.command)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()
        if told := self.execution.executor.told():
            self.report.settings = {**self.report.settings, **told}
        self._results.end(error)

    @property
    def growing(self) -> bool:
        """Whether more inputs may turn up than are known of."""
        return self.arriving or not (isinstance(self.sources, Sources) and self.sources.all_known)

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
        self._results.go_on_in(OutputTree(self.folder, self.inputs, sources, reads=self.reads))
        self.sources, self._names, self._is_as_found = Arrived(sources), names, is_as_found
        self._made = DigestSet()
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
                on_mended=self._results.mended,
                made=self._made,
                executor=how.executor,
            )
            with closing(results):
                for result in results:
                    self._results.begun |= not apart
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
        self._results.settle(result, part, advance=advance)

    def finish(
        self,
        origin: Origin,
        outputs: Iterable[Output],
        *,
        cached: bool,
        part: str | None = None,
        about: Mapping[str, Any] | None = None,
        advance: int = 1,
    ) -> None:
        """Make a row of an item whose outputs are in place, and count it as `advance` finished ones: 0 where the
        progress counts something smaller than items. `about` is Row's."""
        self._results.finish(origin, outputs, cached=cached, part=part, about=about or {}, advance=advance)

    def place(self, result: Done[Any], file: str, relative: PurePosixPath) -> Output:
        """Have one file of a result put in its place among the outputs; what comes of it is for `finish`.

        A damaged one is made anew first. Raises CacheError where that fails, OutputError, OSError.
        """
        return self._results.place(result, file, relative)

    def write(self, data: Callable[[], bytes], relative: PurePosixPath) -> Output:
        """Have what no stage keeps written; as `place` does."""
        return self._results.write(data, relative)

    def write_sheet(self, data: bytes, relative: PurePosixPath) -> None:
        """Write what belongs to no item, as a file of its own. Raises as `place` does."""
        self._results.tree.write(data, relative)

    def expect(self, times: int) -> None:
        """Have the progress count so many things for each input."""
        more = self.execution.progress.more
        more(len(self.sources) * (times - 1))
        self.sources.on_listed = lambda count: more(count * times)

    def input_bytes(self, path: str) -> bytes:
        """The bytes of the input of that path, wherever they lie. Raises ImageError."""
        return self.sources.read(path)

    def hint(self, hint: Callable[[Origin], str | None]) -> None:
        """Have what `hint` says, where it says something, added to the reason of each input that is rejected."""
        self._results.hint(hint)
