"""The one training loop: steps until enough images were shown, and writes what it is asked to on the way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol

from torch import Tensor

from facesynth.core.images import Photo
from facesynth.core.stop_signals import handling_stop_signals
from facesynth.training import checkpoint
from facesynth.training.budget import Stopwatch
from facesynth.training.collectives import ALONE, Ranks
from facesynth.training.folder import RunFolder
from facesynth.training.guard import Guard, check_state
from facesynth.training.runs.settings import Schedule

Report = Callable[[int, Mapping[str, float]], None]
OnValidated = Callable[[int, Mapping[str, float]], None]


class Job(Protocol):
    """Something that can be trained step by step, and stopped and resumed between any two steps."""

    def step(self, nimg: int) -> Mapping[str, Tensor]:
        """Train on images number nimg..nimg+batch-1 and return the losses by name (scalars)."""

    def validate(self) -> Mapping[str, float]:
        """Return the scores of the averaged network on held-out pairs (empty when there are none)."""

    def samples(self) -> Photo | None:
        """Return a sheet that shows what the averaged network does now."""

    def state(self) -> dict[str, Any]:
        """Return everything that the next step depends on."""

    def load(self, state: Mapping[str, Any]) -> None:
        """Take up a state that `state` returned."""


def unkept(nimg: int, scores: Mapping[str, float]) -> None:
    """Nobody keeps anything of a validation."""


def fit(
    job: Job,
    folder: RunFolder,
    *,
    images: int,
    batch_size: int,
    every: Schedule,
    report: Report,
    sample_text: Mapping[str, str],
    ranks: Ranks = ALONE,
    on_validated: OnValidated = unkept,
    stopwatch: Stopwatch | None = None,
) -> int | None:
    """Train until `images` were shown and return how many were; None when a signal stopped it (its state is saved).

    Every rank takes every step; the first alone validates and writes. TrainingError where a loss or the state is no
    finite number: before that is saved. `on_validated` hears the scores of each validation. A `stopwatch` that has run
    out ends the run, too; what it has used is saved.
    """
    nimg, used, clock = 0, 0.0, stopwatch or Stopwatch(None, ranks)
    if (start := checkpoint.load_latest(folder.path)) is not None:
        nimg, used = int(start["nimg"]), float(start.get("seconds", 0.0))
        job.load(start)
    del start
    if ranks.first:
        folder.forget_after(nimg)
    means, guard, shown = _Means(ranks), Guard(ranks), 0
    clock.start(used)
    with _stop_on_signals() as stopping:
        while nimg < images and not clock.run_out:
            losses = job.step(nimg)
            before, nimg = nimg, nimg + batch_size
            means.add(losses)
            guard.add(losses, nimg)
            shown += batch_size
            clock.look()
            finished = nimg >= images or clock.run_out
            # Looked at once: a signal that comes later waits for the next state to be saved.
            stop, alarmed = ranks.any_of(stopping.is_set(), guard.alarmed())

            def due(interval: int, before: int = before, nimg: int = nimg) -> bool:
                return interval > 0 and before // interval != nimg // interval

            saves = due(every.checkpoint) or finished or stop
            if alarmed or saves or any(map(due, (every.stats, every.validation, every.samples))):
                guard.check(folder)
            values: dict[str, float] = {}
            if due(every.stats) or finished:
                values |= means.take() | {"images_per_second": shown / max(clock.seconds - used, 1e-9)}
                values |= {} if stopwatch is None else {"seconds": clock.seconds}
            with clock.paused():
                if saves and ranks.first:  # before anything that may fail
                    state = job.state() | ({} if stopwatch is None else {"seconds": clock.seconds})
                    check_state(folder, nimg, state)
                    checkpoint.save(folder.path, nimg, state)
                    del state
                if ranks.first and (due(every.validation) or finished):
                    scores = job.validate()
                    values |= scores
                    on_validated(nimg, scores)
                if values and ranks.first:
                    folder.write_stats(nimg, values)
                    report(nimg, values)
                if ranks.first and (due(every.samples) or finished):
                    sheet = job.samples()
                    if sheet is not None:
                        folder.write_samples(nimg, sheet, sample_text)
            if stop and not finished:
                return None
    return nimg


class _Means:
    """Means of the losses since they were last taken, over all ranks; they stay on the device until then."""

    def __init__(self, ranks: Ranks) -> None:
        self._ranks = ranks
        self._sums: dict[str, Tensor] = {}
        self._steps = 0

    def add(self, losses: Mapping[str, Tensor]) -> None:
        self._steps += 1
        for name, loss in losses.items():
            value = loss.detach().float()
            self._sums[name] = self._sums[name] + value if name in self._sums else value

    def take(self) -> dict[str, float]:
        values = self._ranks.means([float(total) / self._steps for total in self._sums.values()])
        means = dict(zip(self._sums, values, strict=True))
        self._sums, self._steps = {}, 0
        return means


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """Set the event on the first signal that asks to stop; a second one interrupts at once."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()

    with handling_stop_signals(stop, where=lambda before: before not in (None, signal.SIG_IGN)):
        yield stopping
