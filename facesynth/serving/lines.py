"""Lines that clients hold open: those on which no request comes are closed, and those whose answer is not read."""

from __future__ import annotations

import asyncio
import secrets

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from facesynth.serving.problems import Problem

HEAD_SECONDS = 10.0
"""For the head of a request to arrive; uvicorn itself waits for half a one for ever."""
READ_SECONDS = 30.0
"""For any of an answer to be read: then its line is cut off, and what was left of it is forgotten."""
_LOOKS = 3
"""In that time."""


class TimedLines(H11Protocol):
    """uvicorn's HTTP, with a time for heads and for answers to be read. For `uvicorn.Config(http=…)`."""

    _due: asyncio.TimerHandle | None = None
    _looking: asyncio.TimerHandle | None = None
    _unsent = 0
    _idle_looks = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first head is waited for from here on."""
        super().connection_made(transport)
        self._wait()
        self._look()

    def data_received(self, data: bytes) -> None:
        """A later head is waited for from its first byte on: between requests uvicorn has its own time."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._rest()
        elif self._due is None:
            self._wait()

    def resume_writing(self) -> None:
        """Most of what was to be sent has left."""
        self._unsent = 0
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._rest()
        if self._looking is not None:
            self._looking.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is answered as all errors are."""
        hint = "send HTTP/1.1; this port has no TLS"
        problem = Problem("bad-request", msg.rstrip(".").lower().replace("http", "HTTP"), hint=hint)
        body = problem.body(secrets.token_hex(8))
        headers = {**problem.headers, "content-length": str(len(body)), "connection": "close"}
        head = h11.Response(status_code=problem.status, headers=[*headers.items()], reason=b"Bad Request")
        for event in (head, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """There are no WebSockets here, and nothing is missing: the request is answered as if it had not asked."""

    def _wait(self) -> None:
        self._due = self.loop.call_later(HEAD_SECONDS, self._close)

    def _rest(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _close(self) -> None:
        self._due = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()

    def _look(self) -> None:
        """Look now and then whether what is to be sent grows less, also where the line is to be closed after that."""
        unsent = self.transport.get_write_buffer_size()
        self._idle_looks = self._idle_looks + 1 if unsent and unsent == self._unsent else 0
        self._unsent = unsent
        if self._idle_looks >= _LOOKS:
            self.transport.abort()
            return
        self._looking = self.loop.call_later(READ_SECONDS / _LOOKS, self._look)
