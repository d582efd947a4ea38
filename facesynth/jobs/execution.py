"""How a job works, apart from what it makes: where results are kept, who computes, who is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from facesynth.core.refs import Digest
from facesynth.pipeline import IN_PROCESS, Executor
from facesynth.store import ArtifactStore


class Progress(Protocol):
    """Who is told how far a job is."""

    def begin(self, total: int, what: str) -> None:
        """A part of the job starts, with so many items that are known of."""

    def more(self, count: int) -> None:
        """So many more have turned up, such as the second face of a photo."""

    def advance(self, count: int = 1) -> None:
        """One is finished, or so many."""

    def note(self, message: str, **about: Any) -> None:
        """Something worth a line; `about` is the same for machines: `event`, `level`, and what else belongs to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How a job works. Nothing of it changes what a job makes, so no cache key holds any of it."""

    store: ArtifactStore
    progress: Progress
    executor: Executor = IN_PROCESS
    batch_size: int = 8
    workers: int = 2
    force: bool = False
    fail_fast: bool = False
    dry_run: bool = False
    on_weights: Callable[[Iterable[Digest]], None] = lambda digests: None
    """Is told the sha256 of the weights that are about to be used."""
