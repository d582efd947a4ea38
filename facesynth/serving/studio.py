"""What the routes share: the queue, the caches, the counts, and how a request goes through them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar, TypeVarTuple

from starlette.requests import Request

from facesynth.core.images import Photo
from facesynth.core.styles import Style
from facesynth.serving.body.fields import Fields
from facesynth.serving.body.reading import HeldBytes
from facesynth.serving.body.taking import fields_of
from facesynth.serving.decoding import KnownLabels
from facesynth.serving.memory_cache import MemoryCache
from facesynth.serving.metrics import Metrics
from facesynth.serving.problems import Problem
from facesynth.serving.queue.dispatcher import Dispatcher
from facesynth.serving.queue.jobs import Job
from facesynth.serving.security import client_of, session_of
from facesynth.serving.settings import Settings
from facesynth.serving.styles import Styles
from facesynth.serving.worker.process import Load
from facesynth.serving.worker.tasks import Answer, Loaded, Parsed, Task

T = TypeVar("T")
Given = TypeVarTuple("Given")

_THREADS = 2
"""That decode and encode in the server itself: label maps and pictures of a few milliseconds each."""
_LOOK = 0.5
"""Seconds between looks whether there is a worker at all."""
_LARGE = 4_000_000
"""Pixels of a picture that takes longer than painters are to wait: such ones wait for each other in a thread apart."""


class Studio:
    """One server's state. Made in its event loop; `dispatcher.start` starts the workers."""

    def __init__(
        self, settings: Settings, load: Load, bodies: HeldBytes, begin: Callable[[], None] | None = None
    ) -> None:
        """`bodies` counts what is held of requests and answers."""
        self.settings, self.bodies = settings, bodies
        self.metrics = Metrics()
        self.dispatcher = Dispatcher(settings, load, self.metrics, begin=begin)
        share = settings.limits.cache_bytes // 5
        self.labels: MemoryCache[KnownLabels] = MemoryCache(share, lambda known: known.held)
        self.styles: MemoryCache[Style] = MemoryCache(share, lambda style: len(style.to_json()))
        self.pictures: MemoryCache[Photo] = MemoryCache(share, lambda picture: picture.pixels.nbytes)
        self.parsed: MemoryCache[Parsed] = MemoryCache(share, lambda parsed: parsed.labels.ids.nbytes)
        self.documents: MemoryCache[bytes] = MemoryCache(share, len)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="facesynth-serving")
        self._large = ThreadPoolExecutor(1, thread_name_prefix="facesynth-large")
        self._turns = itertools.count()

    async def stop(self) -> None:
        """Finish what runs and end the workers."""
        await self.dispatcher.stop()
        for threads in (self._threads, self._large):
            threads.shutdown(wait=False, cancel_futures=True)

    @property
    def bytes_cached(self) -> int:
        """What all caches hold."""
        caches = (self.labels, self.styles, self.pictures, self.parsed, self.documents)
        return sum(cache.held for cache in caches)

    @property
    def loaded(self) -> Loaded:
        """What the workers have loaded. Raises Problem `not-ready`."""
        if self.dispatcher.loaded is None:
            raise Problem("not-ready", "the networks are being loaded", hint="try again in a moment; see /readyz")
        return self.dispatcher.loaded

    @property
    def reader_of_styles(self) -> Styles:
        """What reads the styles of requests."""
        return Styles(self.loaded.generator, self.styles)

    async def apart(self, do: Callable[[*Given], T], *given: *Given) -> T:
        """What `do` returns, computed in a thread: the event loop has others to hear."""
        large = any(isinstance(each, Photo) and each.width * each.height > _LARGE for each in given)
        threads = self._large if large else self._threads
        return await asyncio.get_running_loop().run_in_executor(threads, do, *given)

    @asynccontextmanager
    async def fields(self, request: Request, file: str) -> AsyncIterator[Fields]:
        """A request's fields; `file` is the one that a body of another type than a form's or JSON stands for.

        What is done with them has the limits' deadline. Raises Problem where it takes longer.
        """
        session_of(request)  # refused before the body is read
        request.state.turn = next(self._turns)
        async with self.bodies.body(request) as body:
            seconds = self.settings.limits.deadline
            try:
                async with asyncio.timeout(seconds) as request.state.ending:
                    fields = await self.apart(fields_of, request, body, file, self.settings.limits)
                    del body  # its fields are all that is needed
                    yield fields
            except TimeoutError:
                if not request.state.ending.expired():
                    raise
                what = f"the request was not done within {seconds:g} seconds"
                raise Problem("deadline", what, hint="try again later, or with smaller pictures") from None

    async def _first(self, ending: asyncio.Timeout, *awaited: asyncio.Future[Any]) -> None:
        """Wait for one of them. What waits for a worker that starts again has more time, at most as much again."""
        spare = self.settings.limits.deadline
        while not (await asyncio.wait(awaited, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED))[0]:
            until = ending.when()
            if until is not None and not self.dispatcher.workers_ready and spare > 0:
                ending.reschedule(until + _LOOK)
                spare -= _LOOK

    async def compute(self, request: Request, task: Task) -> Answer:
        """A worker's answer. Raises Problem and FacesynthError; nothing is computed for a client that is gone."""
        answer_of = self.dispatcher.answer(task, client_of(request), session_of(request), request.state.turn)
        answering = asyncio.ensure_future(answer_of)
        leaving = asyncio.ensure_future(_left(request))
        try:
            await self._first(request.state.ending, answering, leaving)
            if not answering.done():
                raise Problem("gone", "the client left before its request was answered")
            answer, job = answering.result()
            request.state.timing = _timing(job)
            return answer
        finally:
            answering.cancel()
            leaving.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)


def studio_of(request: Request) -> Studio:
    """The studio of the server that a request came to."""
    studio: Any = request.app.state.studio
    assert isinstance(studio, Studio)
    return studio


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _timing(job: Job) -> str:
    now = asyncio.get_running_loop().time()
    began = job.began if job.began is not None else now
    wait, worked = 1000 * (began - job.arrived), 1000 * (now - began)
    return f'wait;dur={wait:.1f}, work;dur={worked:.1f};desc="in a batch of {job.batch}"'
