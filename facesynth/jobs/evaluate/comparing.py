"""Faces compared with their truth by several threads, in order, a few at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from facesynth.core.errors import CacheError, InputError
from facesynth.evaluation.segmentation.scoring import Compared, Scores, Seen
from facesynth.evaluation.subjects import LeftOut
from facesynth.jobs.execution import Progress

Task: TypeAlias = Callable[[], tuple[Compared, Callable[[], Seen]]]
"""Compares a face with its truth; also gives what reads it once more, for its pictures."""

_TOLD = 20
"""Faces that are left out and told of one by one; all of them are in evaluation.json."""


@dataclass(slots=True)
class Comparing:
    """Faces that are being compared: at most a few a thread wait, whatever their number. Made by `comparing`."""

    scores: Scores
    progress: Progress
    pool: ThreadPoolExecutor
    ahead: int
    _waiting: deque[tuple[str, str, Future[tuple[Compared, Callable[[], Seen]]]]] = field(default_factory=deque)

    def add(self, name: str, file: str, task: Task) -> None:
        """Have a face compared; `file` is the one that is to blame where nothing else is known of a failure."""
        self._waiting.append((name, file, self.pool.submit(task)))
        while len(self._waiting) > self.ahead:
            self._settle()

    def leave_out(self, name: str, file: str, error: Exception | str) -> None:
        """Note a face that cannot be scored."""
        while self._waiting:
            self._settle()  # so that faces are told in their order
        self._left_out(name, file, error)

    def finish(self) -> None:
        """Wait for those that are being compared."""
        while self._waiting:
            self._settle()
        if (more := len(self.scores.left_out) - _TOLD) > 0:
            self.progress.note(f"… and {more} more were left out")

    def _settle(self) -> None:
        name, file, future = self._waiting.popleft()
        try:
            compared, look = future.result()
        except (InputError, CacheError) as error:
            self._left_out(name, file, error)
        else:
            self.scores.add(compared, look)
            self.progress.advance()

    def _left_out(self, name: str, file: str, error: Exception | str) -> None:
        where = getattr(error, "where", None) or file
        reason = str(error).removeprefix(f"{where}: ")
        self.scores.left_out.append(LeftOut(name, where, reason))
        if len(self.scores.left_out) <= _TOLD:
            self.progress.note(f"left out {where}: {reason}")
        self.progress.advance()


@contextmanager
def comparing(scores: Scores, progress: Progress, workers: int) -> Iterator[Comparing]:
    """Compare faces in threads; at the end all are counted in `scores`, unless an error ended it."""
    pool = ThreadPoolExecutor(workers)
    try:
        work = Comparing(scores, progress, pool, ahead=4 * workers)
        yield work
        work.finish()
    finally:
        pool.shutdown(cancel_futures=True)


def require_scores(scores: Scores, where: str | Path) -> None:
    """Raise InputError where no face could be scored: no number is made of nothing."""
    if not scores.faces:
        first = f", the first: {scores.left_out[0].file}: {scores.left_out[0].reason}" if scores.left_out else ""
        raise InputError(f"none of {len(scores.left_out)} faces could be scored{first}", where=where)
