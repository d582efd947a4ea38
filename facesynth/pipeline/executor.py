"""The seam between what is missing and who computes it: this process, others of this machine, or other machines."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from facesynth.core.refs import Result
from facesynth.pipeline.finder import Finder, Miss
from facesynth.pipeline.maker import Maker

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class Task(Generic[In, Out]):
    """A stage in one run: what makes and finds its results, how many are made at once, and the run's own threads.

    With `replace` a result takes the place of one that is kept already (`--force`).
    """

    maker: Maker[In, Out]
    finder: Finder[In, Out]
    threads: ThreadPoolExecutor
    batch_size: int
    replace: bool


class Computing(Protocol[In, Out]):
    """One run's misses, from their being found to their being kept. Its methods are called in the run's own thread."""

    def add(self, miss: Miss[In, Out], *, soon: bool) -> None:
        """Take one on; a batch is computed when it is full: at once where it is wanted `soon`, or a little later.

        Waits where those who compute have enough to do. Raises what ends the run.
        """
        ...

    def ready(self, miss: Miss[In, Out], *, soon: bool) -> bool:
        """Whether `result` would come without much waiting; `soon` is what `add` was told last."""
        ...

    def result(self, miss: Miss[In, Out]) -> Result[Out]:
        """Its result, which is asked for once, and in the order of `add`; a batch need not be full for it.

        Raises what ends the run.
        """
        ...

    def withdraw(self) -> None:
        """Begin nothing more: the run is over."""
        ...


class Executor(Protocol):
    """Who computes what is missing. One may serve several runs that feed each other."""

    def computing(self, task: Task[In, Out]) -> Computing[In, Out]:
        """Make ready for the misses of one run; what that takes is not begun before there is one."""
        ...

    def told(self) -> Mapping[str, Any]:
        """What a report says of it, as JSON values; nothing where this process computes by itself."""
        ...
