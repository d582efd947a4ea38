"""From requests to workers and back: who is let in, who is next, what a lost worker means."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
from collections.abc import Callable
from contextlib import suppress

from facesynth.core.errors import FacesynthError
from facesynth.serving.metrics import Metrics
from facesynth.serving.problems import Problem
from facesynth.serving.queue.jobs import Job
from facesynth.serving.queue.running import Running
from facesynth.serving.queue.waiting import Waiting
from facesynth.serving.settings import Settings
from facesynth.serving.worker.handle import Worker
from facesynth.serving.worker.process import Answers, Batch, Load, Unexpected, Unready
from facesynth.serving.worker.tasks import Answer, Loaded, Paint, Task

_log = logging.getLogger("facesynth.serving")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0
"""Seconds before a worker that ended is started again: twice as long each time, until one gets ready."""

_HUNG = 2.0
"""A batch that takes so many deadlines hangs: its worker is ended."""

_BROKEN = 3
"""A worker that has answered so many batches running by nothing but errors that are none of ours is ended.

A device's error may last as long as its process (CUDA's do).
"""


class Dispatcher:
    """Lets jobs wait within their bounds, and hands batches to workers that have room. Lives in one event loop."""

    def __init__(
        self, settings: Settings, load: Load, metrics: Metrics, *, begin: Callable[[], None] | None = None
    ) -> None:
        """`load` and `begin` are called in each worker; see `Worker`."""
        self._limits, self._metrics = settings.limits, metrics
        self._waiting = Waiting()
        self._workers = [Worker(settings, device, load, self, begin) for device in settings.devices]
        self._running: dict[Worker, Running] = {}
        """Of the workers that are ready."""
        self._numbers = itertools.count()
        self._pauses = dict.fromkeys(self._workers, _FIRST_PAUSE)
        self._later: set[asyncio.TimerHandle] = set()
        self._broken = dict.fromkeys(self._workers, 0)
        """Batches running that a worker could not compute."""
        self._stopping = False
        self.loaded: Loaded | None = None
        self.failure: asyncio.Future[FacesynthError] = asyncio.get_running_loop().create_future()
        """Set when the first worker to answer says that it cannot be made ready: then nothing ever will be."""

    @property
    def waiting(self) -> int:
        """Jobs that wait."""
        return len(self._waiting)

    @property
    def computing(self) -> int:
        """Jobs that are computed now."""
        return sum(len(running.jobs) for running in self._running.values())

    @property
    def workers_ready(self) -> int:
        """Workers that compute or can."""
        return len(self._running)

    @property
    def pids(self) -> list[int]:
        """The workers' process ids."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    @property
    def seconds_left(self) -> int:
        """A guess after how many seconds there will be room in the queue."""
        at_once = sum(running.loaded.side_by_side for running in self._running.values())
        return max(1, min(30, math.ceil(self.waiting * self._metrics.seconds_each / max(1, at_once))))

    def start(self) -> None:
        """Start the workers; they get ready by and by."""
        for worker in self._workers:
            worker.start()

    async def answer(self, task: Task, client: str, session: str | None = None, turn: int = 0) -> tuple[Answer, Job]:
        """The answer to a task, and the job that it was.

        `turn` tells the order of the client's requests. Raises Problem where it is not let in or is superseded,
        FacesynthError where the task's own input is at fault. Cancelled, it is not computed any more.
        """
        loop = asyncio.get_running_loop()
        job = Job(task, client, loop.create_future(), loop.time(), session if isinstance(task, Paint) else None, turn)
        older = self._older(job)
        self._let_in(client, len(older))
        for each in older:
            self._waiting.remove(each)
            _fail(each, _superseded())
        self._waiting.add(job)
        self._hand_out()
        try:
            return await job.done, job
        finally:
            self._waiting.remove(job)
            job.done.cancel()

    def refuse(self) -> None:
        """Let no job in any more."""
        self._stopping = True

    async def finish(self) -> None:
        """Refuse new jobs, and answer those that wait or run: by what they asked for as long as time allows."""
        self.refuse()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.stop_seconds):
                while self.workers_ready and (self.waiting or self.computing):
                    await asyncio.sleep(0.02)
        self.abandon()

    def abandon(self) -> None:
        """Refuse new jobs, and say to those that wait or run that nothing comes of them; what runs is ended."""
        self.refuse()
        for timer in self._later:
            timer.cancel()
        for worker, running in self._running.items():
            if running.jobs:
                worker.kill()
        left = [job for running in self._running.values() for job in running.finish_all()]
        for job in (*left, *self._waiting.take_all()):
            _fail(job, Problem("stopping", "the server stopped before this was done"))
        self._running.clear()

    async def stop(self) -> None:
        """Finish, and end the workers."""
        await self.finish()
        await asyncio.gather(*(worker.stop() for worker in self._workers))

    # What the workers tell.

    def ready(self, worker: Worker, loaded: Loaded) -> None:
        """It can compute."""
        self.loaded = self.loaded or loaded
        self._running[worker] = Running(loaded)
        self._pauses[worker] = _FIRST_PAUSE
        self._broken[worker] = 0
        self._hand_out()

    def unready(self, worker: Worker, message: Unready) -> None:
        """It cannot be made ready."""
        _log.error("the worker on %s cannot be made ready: %s", worker.device, message.error)
        if self.loaded is None and not self.failure.done():
            self.failure.set_result(message.error)

    def answered(self, worker: Worker, answers: Answers) -> None:
        """A batch that it was given is done."""
        if worker not in self._running:  # the server has stopped
            return
        jobs = self._running[worker].finish(answers.number)
        self._metrics.batch(len(jobs), answers.seconds)
        for job, answer in zip(jobs, answers.each, strict=True):
            if isinstance(answer, Unexpected):
                _log.error("a request failed: %s", answer.trace)
                hint = "the log has the details; please report them"
                _fail(job, Problem("failed", f"unexpected {answer.told}", hint=hint))
            elif isinstance(answer, FacesynthError):
                _fail(job, answer)
            elif not job.done.done():
                job.done.set_result(answer)
        broken = all(isinstance(answer, Unexpected) for answer in answers.each)
        self._broken[worker] = self._broken[worker] + 1 if broken else 0
        if self._broken[worker] == _BROKEN:
            _log.error("the worker on %s is ended: it could not compute %d batches running", worker.device, _BROKEN)
            worker.kill()
            return
        self._hand_out()

    def ended(self, worker: Worker) -> None:
        """Its process is gone: what it computed is answered once, and another one is started."""
        running = self._running.pop(worker, None)
        jobs = running.finish_all() if running else ()
        for job in reversed(jobs):
            if len(jobs) > 1 and not job.done.done():  # one of them may be at fault: each is tried by itself
                job.lone, job.began = True, None
                self._waiting.add(job, first=True)
            else:
                what = "the process that computed this request ended"
                _fail(job, Problem("worker-died", what, hint="a new one was started; send other input, or try again"))
        if self._stopping or self.failure.done():
            return
        pause = self._pauses[worker]
        _log.error("the worker on %s ended; another one is started in %g seconds", worker.device, pause)
        self._metrics.restarts += 1
        self._pauses[worker] = min(2 * pause, _LONGEST_PAUSE)
        self._later = {timer for timer in self._later if timer.when() > asyncio.get_running_loop().time()}
        self._later.add(asyncio.get_running_loop().call_later(pause, self._start_again, worker))

    def _start_again(self, worker: Worker) -> None:
        try:
            worker.start()
        except Exception:  # noqa: BLE001 - whatever keeps it from starting may be gone later
            _log.exception("the worker on %s cannot be started", worker.device)
            self.ended(worker)

    # How jobs are handed out.

    def _let_in(self, client: str, leaving: int) -> None:
        """Raise Problem where there is no room; so many of the client's jobs make room."""
        if self._stopping:
            raise Problem("stopping", "the server is stopping")
        if self.loaded is None:
            raise Problem("not-ready", "the networks are being loaded", hint="try again in a moment; see /readyz")
        if self._waiting.of(client) - leaving >= self._limits.waiting_each:
            most = self._limits.waiting_each
            raise Problem("too-many", f"{most} requests of this client wait already", hint="wait for their answers")
        if self.waiting - leaving >= self._limits.waiting:
            raise Problem("busy", f"{self.waiting} requests wait already", retry_after=self.seconds_left)

    def _older(self, job: Job) -> list[Job]:
        """The paintings that wait and whose place this one takes. Raises Problem where a newer one came before it."""
        if job.session is None:
            return []
        waiting = self._waiting.of_session(job.client, job.session)
        running = [each for running in self._running.values() for each in running.jobs]
        alike = [each for each in running if (each.client, each.session) == (job.client, job.session)]
        if any(each.turn > job.turn for each in (*waiting, *alike)):
            raise _superseded()
        return waiting

    def _hand_out(self) -> None:
        while any(self._give(*each) for each in sorted(self._running.items(), key=lambda each: len(each[1]))):
            pass

    def _give(self, worker: Worker, running: Running) -> bool:
        """Have a worker compute what waits; False where nothing that does fits beside what it computes already."""
        free = sum(each.free for each in self._running.values())
        share = math.ceil(self._waiting.paintings / max(1, free))  # the other places get theirs
        if not (jobs := self._waiting.take(max(1, min(running.loaded.batch_size, share)), running.fits)):
            return False
        loop, number = asyncio.get_running_loop(), next(self._numbers)
        for job in jobs:
            job.began, job.batch = loop.time(), len(jobs)
        running.begin(number, jobs, loop.call_later(_HUNG * self._limits.deadline, worker.kill))
        worker.give(Batch(number, tuple(job.task for job in jobs)))
        return True


def _superseded() -> Problem:
    return Problem("superseded", "a newer request of this session took its place")


def _fail(job: Job, error: Exception) -> None:
    if not job.done.done():
        job.done.set_exception(error)
        job.done.exception()  # whoever asked may be gone: nobody is to be told of that
