"""Running a stage on items, and looking without running."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

from facesynth.core.errors import UsageError
from facesynth.core.refs import Item, Result
from facesynth.pipeline.executor import Executor
from facesynth.pipeline.feeding import feeding
from facesynth.pipeline.finder import Finder, Miss
from facesynth.pipeline.in_process import IN_PROCESS
from facesynth.pipeline.line import Line
from facesynth.pipeline.maker import Made, Maker, Told
from facesynth.stages.base import Stage
from facesynth.store import ArtifactStore

In = TypeVar("In")
Out = TypeVar("Out")


def run(
    stage: Stage[In, Out],
    items: Iterable[Item[In]],
    store: ArtifactStore | None,
    *,
    batch_size: int = 8,
    workers: int = 2,
    force: bool = False,
    on_result: Callable[[Result[Out]], None] | None = None,
    on_mended: Told | None = None,
    made: Made | None = None,
    executor: Executor = IN_PROCESS,
) -> Generator[Result[Out], None, None]:
    """What `stage` makes of each item, in the order of `items`; `on_result` is called with each just before.

    Threads hash, look up and decode ahead, and publish behind, while the calling thread computes batches of what is
    missing (`force`: of everything). `items` is advanced in the calling thread too, so runs may be nested; it is read
    some hundred items ahead, and may be endless: memory depends on `batch_size` and `workers` alone. Without a store
    nothing is looked up, and each result keeps its value in memory.

    An item that cannot be read or computed gives `Failed` and does not touch the others; an error of the whole run
    (weights missing, no such device) is raised. However the run ends, Ctrl-C and `close()` included, what was
    computed by then is published first.

    A cached result is compared with its sha256 whenever it is read, during the run or after it. A damaged one is made
    anew on the spot, by the thread that reads it, and `on_mended` is told; the stage is never called by two at once.
    Where runs share `made`, the keys of what they compute are added to it, and these results are `cached` for none of
    them.

    `executor` is who computes what is missing, by default the calling thread; what is said of threads above is said of
    that one. Others need a store, and a stage that is a dataclass: what they are told of it is its fields.
    """
    if batch_size < 1 or workers < 1:
        raise UsageError(f"batch_size and workers must be at least 1, not {batch_size} and {workers}")
    maker = Maker(stage, store, told=on_mended, made=made)
    return _run(Line(maker, executor, batch_size=batch_size, workers=workers, force=force), items, on_result)


def _run(
    line: Line[In, Out], items: Iterable[Item[In]], on_result: Callable[[Result[Out]], None] | None
) -> Generator[Result[Out], None, None]:
    with feeding(items) as source, line:
        for result in line.results(source):
            if on_result is not None:
                on_result(result)
            yield result


def find(
    stage: Stage[In, Out], item: Item[In], store: ArtifactStore, *, made: Made | None = None
) -> Result[Out] | None:
    """What a run would say of an item without computing: its cached result, `Failed` if unreadable, None for a miss.

    Nor does loading the result compute: a damaged one raises CacheError and is left for a run to make anew. `made` is
    what `run` says of it.
    """
    found = Finder(Maker(stage, store, mends=False, made=made)).find(item)
    return None if isinstance(found, Miss) else found
