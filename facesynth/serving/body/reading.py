"""A body's bytes: counted while they arrive, so that none is larger than allowed, and all together neither."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from starlette.requests import ClientDisconnect, Request

from facesynth.serving.problems import Problem
from facesynth.serving.settings import Limits


class HeldBytes:
    """How many bytes of bodies are in memory, as they came over the line or leave by it. Only the loop touches it.

    What is made of a body while it is read and passed to a worker (text, fields, a task) is up to three times as much
    for a moment, and not counted.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.held = 0

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """The whole body, which counts as held inside the block.

        Raises Problem: too-large, by what is announced or by what arrives; slow-body; busy where others hold too much;
        gone; media-type for a compressed one.
        """
        _check_announced(request, self._limits)
        counted = 0
        try:
            pieces = bytearray()
            try:
                async with asyncio.timeout(self._limits.body_seconds):
                    async for piece in request.stream():
                        counted += len(piece)
                        self.held += len(piece)
                        if counted > self._limits.body_bytes:
                            raise too_large(self._limits)
                        if self.held > self._limits.held_bytes:
                            raise Problem("busy", "other requests fill the memory that is kept for bodies and answers")
                        pieces += piece
            except TimeoutError:
                what = f"the body took more than {self._limits.body_seconds:g} seconds"
                raise Problem("slow-body", what, hint="send a smaller picture") from None
            except ClientDisconnect:
                raise Problem("gone", "the client left while it sent the body") from None
            whole = [bytes(pieces)]
            del pieces
            yield whole.pop()  # nothing here holds it: it goes when the block lets go of it
        finally:
            self.held -= counted

    @contextmanager
    def answer(self, size: int) -> Iterator[None]:
        """An answer of so many bytes counts as held inside the block: it is never refused, but keeps others out."""
        self.held += size
        try:
            yield
        finally:
            self.held -= size


def too_large(limits: Limits) -> Problem:
    """What is said of a body beyond the limit."""
    most = limits.body_bytes / (1 << 20)
    return Problem("too-large", f"the body has more than {most:g} MiB", hint="send a smaller picture, as JPEG")


def _check_announced(request: Request, limits: Limits) -> None:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > 18 or int(announced) > limits.body_bytes):
        raise too_large(limits)
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise Problem("media-type", f"a body that is compressed by {coding!r} is not taken", hint="send it as it is")
