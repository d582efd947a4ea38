"""The one runner: items in, results out in the same order, every result looked up before it is computed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

from facesynth.core.errors import (
    CacheError,
    ConfigError,
    DependencyMissing,
    DeviceError,
    FacesynthError,
    UsageError,
    WeightsError,
)
from facesynth.core.refs import (
    Declined,
    Done,
    Failed,
    FileStamp,
    Item,
    Origin,
    Outcome,
    Ref,
    Rejected,
    Result,
    sha256_bytes,
)
from facesynth.stages.base import Codec, FanOutCodec, Stage
from facesynth.store import ArtifactStore, Entry, Recipe, discard

T = TypeVar("T")
In = TypeVar("In")
Out = TypeVar("Out")

_CHUNK = 32
"""Items looked up by one task of a thread: a hit costs less than handing it over."""

_WINDOW = 1024
"""Results that may wait behind one that is not yet computed."""

_OF_THE_RUN = (UsageError, ConfigError, WeightsError, DeviceError, DependencyMissing)
"""Errors that the next item would meet as well: they end the run instead of failing every item."""

_OF_THE_ITEM = (FacesynthError, RuntimeError, OSError, MemoryError)
"""Errors of reading or computing one item; others are bugs, and are raised. RuntimeError is torch's and dlib's."""


def run(
    stage: Stage[In, Out],
    items: Iterable[Item[In]],
    store: ArtifactStore | None,
    *,
    batch_size: int = 8,
    workers: int = 2,
    force: bool = False,
    on_result: Callable[[Result[Out]], None] | None = None,
) -> Generator[Result[Out], None, None]:
    """What `stage` makes of each item, in the order of `items`; `on_result` is called with each just before.

    Threads hash, look up and decode ahead, and publish behind, while the calling thread computes batches of what is
    missing (`force`: of everything). `items` is advanced in the calling thread too, so runs may be nested; it is read
    some hundred items ahead, and may be endless: memory depends on `batch_size` and `workers` alone. Without a store
    nothing is looked up, and each result keeps its value in memory.

    An item that cannot be read or computed gives `Failed` and does not touch the others; an error of the whole run
    (weights missing, no such device) is raised. However the run ends, Ctrl-C and `close()` included, what was
    computed by then is published first.
    """
    if batch_size < 1 or workers < 1:
        raise UsageError(f"batch_size and workers must be at least 1, not {batch_size} and {workers}")
    return _run(_Line(stage, store, batch_size, workers, force), items, on_result)


def _run(
    line: _Line[In, Out], items: Iterable[Item[In]], on_result: Callable[[Result[Out]], None] | None
) -> Generator[Result[Out], None, None]:
    try:
        with line:
            for result in line.results(iter(items)):
                if on_result is not None:
                    on_result(result)
                yield result
    finally:
        if isinstance(items, Generator):
            items.close()  # a run that feeds this one ends with it, and publishes what it has computed


def find(stage: Stage[In, Out], item: Item[In], store: ArtifactStore) -> Result[Out] | None:
    """What a run would say of an item without computing: its cached result, `Failed` if unreadable, None for a miss."""
    found = _Finder(stage, store, force=False).find(item)
    return None if isinstance(found, _Miss) else found


def flatten(results: Iterable[Result[tuple[T, ...]]], codec: FanOutCodec[T]) -> Iterator[Ref[T]]:
    """The parts of every done result as items of their own, such as the faces of each photo.

    A part's digest is the sha256 of its main file. Its origin is numbered only where there are several. Other results
    are passed over: `on_result` of the run before has seen them.
    """
    for result in results:
        if isinstance(result, Done):
            names = codec.parts(result.files)
            for index, name in enumerate(names):
                origin = Origin(result.origin.path, index if len(names) > 1 else None)
                yield Ref(result.files[name].digest, origin, _part_loader(codec, result, index))


def _part_loader(codec: FanOutCodec[T], result: Done[tuple[T, ...]], index: int) -> Callable[[], T]:
    folder, whole = result.folder, result.ref
    if folder is None:
        return lambda: whole.load()[index]
    return partial(_from_cache, lambda place: codec.read_part(place, index), folder)


def _from_cache(read: Callable[[Path], T], folder: Path) -> T:
    try:
        return read(folder)
    except (FacesynthError, ValueError, OSError) as error:
        discard(folder)
        what = f"the cached artifact could not be read ({error}) and was thrown away"
        raise CacheError(what, where=folder, hint="run the same command again: it is made anew") from error


@dataclass(slots=True)
class _Miss(Generic[In, Out]):
    """An item that has to be computed, on its way: `value` while it is decoded, `result` once it is computed."""

    ref: Ref[In]
    recipe: Recipe
    value: Future[In] | None = None
    result: Future[Result[Out]] | None = None


class _Finder(Generic[In, Out]):
    """Finds what the cache holds of an item. What the stage says of itself is asked once."""

    def __init__(self, stage: Stage[In, Out], store: ArtifactStore | None, *, force: bool) -> None:
        self._codec: Codec[Out] = stage.codec
        self._recipe = partial(Recipe, stage.name, stage.version, stage.config, stage.weights)
        self._store = store
        self._force = force

    def find_all(self, items: list[Item[In]]) -> list[Result[Out] | _Miss[In, Out]]:
        return [self.find(item) for item in items]

    def find(self, item: Item[In]) -> Result[Out] | _Miss[In, Out]:
        try:
            ref = item.identify()
        except _OF_THE_ITEM as error:
            return _failed(item.origin, error)
        recipe = self._recipe((ref.digest,))
        if self._store is not None and not self._force:
            entry = self._store.lookup(recipe.stage, recipe.key())
            if entry is not None:
                return self.answer(ref.origin, entry, cached=True)
        return _Miss(ref, recipe)

    def answer(self, origin: Origin, entry: Entry, *, cached: bool) -> Result[Out]:
        if entry.rejected is not None:
            return Declined(origin, entry.rejected, cached)
        ref = Ref(entry.main_digest, origin, partial(_from_cache, self._codec.read, entry.folder))
        return Done(origin, ref, cached, entry.files, entry.folder)


class _Line(Generic[In, Out]):
    """A stage at work: one slot an item, in order; the misses among them are decoded, computed and published."""

    def __init__(
        self, stage: Stage[In, Out], store: ArtifactStore | None, batch_size: int, workers: int, force: bool
    ) -> None:
        self._stage = stage
        self._store = store
        self._batch_size = batch_size
        self._force = force
        self._chunk, self._ahead = (1, batch_size) if store is None else (_CHUNK, 2 * workers)
        self._finder = _Finder(stage, store, force=force)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix=f"facesynth-{stage.name}")
        self._lookups: deque[Future[list[Result[Out] | _Miss[In, Out]]]] = deque()
        self._slots: deque[Result[Out] | _Miss[In, Out]] = deque()
        self._decoding: deque[_Miss[In, Out]] = deque()
        self._publishing: deque[Future[Result[Out]]] = deque()

    def __enter__(self) -> _Line[In, Out]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for lookup in self._lookups:
            lookup.cancel()
        for miss in self._decoding:
            if miss.value is not None:
                miss.value.cancel()
        self._threads.shutdown(wait=True)  # what is being published gets published
        if self._store is not None:
            self._store.flush()

    def results(self, items: Iterator[Item[In]]) -> Iterator[Result[Out]]:
        while self._look_ahead(items):
            for found in self._lookups.popleft().result():
                self._slots.append(found)
                if isinstance(found, _Miss):
                    self._decode(found)
                while self._slots and (len(self._slots) > _WINDOW or _ready(self._slots[0])):
                    yield self._first()
        while self._slots:
            yield self._first()

    def _look_ahead(self, items: Iterator[Item[In]]) -> bool:
        while len(self._lookups) < self._ahead:
            chunk = list(islice(items, self._chunk))
            if not chunk:
                break
            self._lookups.append(self._threads.submit(self._finder.find_all, chunk))
        return bool(self._lookups)

    def _decode(self, miss: _Miss[In, Out]) -> None:
        """Have it decoded; with two batches on their way, compute the first one while the second is being decoded."""
        miss.value = self._threads.submit(miss.ref.load)
        self._decoding.append(miss)
        if len(self._decoding) >= 2 * self._batch_size:
            self._compute()

    def _first(self) -> Result[Out]:
        """The oldest slot's result, waited for or, where its batch is not full, computed without more ado."""
        slot = self._slots.popleft()
        if not isinstance(slot, _Miss):
            return slot
        while slot.result is None:
            self._compute()
        return slot.result.result()

    def _compute(self) -> None:
        """Compute the next batch and have its results published."""
        misses, values = [], []
        for _ in range(min(self._batch_size, len(self._decoding))):
            miss = self._decoding.popleft()
            try:
                values.append(_taken(miss))
                misses.append(miss)
            except _OF_THE_ITEM as error:
                miss.result = _settled(_failed(miss.ref.origin, error))
        for miss, outcome in zip(misses, self._outcomes(values), strict=True):
            if isinstance(outcome, Exception):
                miss.result = _settled(_failed(miss.ref.origin, outcome))
            else:
                miss.result = self._threads.submit(self._publish, miss, outcome)
                self._publishing.append(miss.result)
        while len(self._publishing) > 2 * self._batch_size:
            wait([self._publishing.popleft()])

    def _outcomes(self, values: list[In]) -> list[Outcome[Out] | Exception]:
        """What the stage says to a batch; where that raises, to each item of it alone."""
        if not values:
            return []
        try:
            return list(self._stage(values))
        except _OF_THE_RUN:
            raise
        except _OF_THE_ITEM as error:
            if len(values) == 1:
                return [error]
        return [outcome for value in values for outcome in self._outcomes([value])]

    def _publish(self, miss: _Miss[In, Out], outcome: Outcome[Out]) -> Result[Out]:
        origin, codec = miss.ref.origin, self._stage.codec
        if isinstance(outcome, Rejected):
            if self._store is None:
                return Declined(origin, outcome.reason, cached=False)
            return self._finder.answer(
                origin, self._store.publish(miss.recipe, outcome, replace=self._force), cached=False
            )
        try:
            files = codec.write(outcome)
        except _OF_THE_ITEM as error:
            return _failed(origin, error)
        if self._store is not None:
            entry = self._store.publish(miss.recipe, files, main=codec.main, replace=self._force)
            return self._finder.answer(origin, entry, cached=False)
        stamps = {name: FileStamp(len(data), sha256_bytes(data)) for name, data in files.items()}
        return Done(origin, Ref(stamps[codec.main].digest, origin, lambda: outcome), False, stamps, None)


def _ready(slot: object) -> bool:
    return not isinstance(slot, _Miss) or (slot.result is not None and slot.result.done())


def _taken(miss: _Miss[In, Out]) -> In:
    """The decoded value, which the miss gives away: it must not live as long as the slot."""
    value, miss.value = miss.value, None
    assert value is not None
    return value.result()


def _settled(result: Result[Out]) -> Future[Result[Out]]:
    future: Future[Result[Out]] = Future()
    future.set_result(result)
    return future


def _failed(origin: Origin, error: Exception) -> Failed:
    """The failure without its traceback, which would keep the whole batch in memory for as long as the report lives."""
    if not isinstance(error, FacesynthError):
        error = FacesynthError(f"{type(error).__name__}: {error}", where=origin.path)
    error.__cause__ = error.__context__ = None
    return Failed(origin, error.with_traceback(None))
