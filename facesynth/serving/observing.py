"""Around every request: an id, a clock, counts, safe headers, and an answer whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facesynth.core.errors import FacesynthError
from facesynth.serving.metrics import Metrics
from facesynth.serving.problems import Problem, answer_problem, problem_of
from facesynth.serving.security import SAFE_HEADERS

_log = logging.getLogger("facesynth.serving")
_LINGER_BYTES, _LINGER_SECONDS = 32 << 20, 2.0
_SILENT_SECONDS = 0.3
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})


class Observing:
    """The outermost layer. An error that nobody has made an answer of becomes one here, and is logged."""

    def __init__(self, app: ASGIApp) -> None:
        """`metrics` are those of the server, once it has started."""
        self.app = app
        self.metrics = Metrics()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and watch it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status, request_id = time.perf_counter(), 0, secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        body = _Body(scope, receive)

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
                headers["x-request-id"] = request_id
                if (timing := scope["state"].get("timing")) is not None:
                    headers["server-timing"] = timing
                if not body.complete:
                    headers["connection"] = "close"
            elif not body.complete and not message.get("more_body", False):
                await send({**message, "more_body": True})
                await body.drain()
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        try:
            await self.app(scope, body.receive, sending)
        except Exception as error:  # noqa: BLE001 - a client gets an answer, the log the trace
            if not isinstance(error, Problem | FacesynthError):
                _log.exception("request %s failed", request_id)
            if status:  # half an answer is sent: nothing can be added to it
                return
            await answer_problem(as_problem(error), request_id, sending)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            seconds = time.perf_counter() - start
            self.metrics.request(method, route, status, seconds)
            about = {"method": method, "route": route, "status": status, "seconds": round(seconds, 6), "id": request_id}
            _log.info("%s %s: %d", method, route, status, extra={"about": {"event": "request", **about}})


class _Body:
    """A request's body on its way in. What is refused before its body has arrived has its connection closed."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        headers = Headers(scope=scope)
        self.complete = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
        self._receive = receive

    async def receive(self) -> Message:
        """The next piece."""
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self.complete = True
        return message

    async def drain(self) -> None:
        """Let a little more of it pass by: a client that still sends when the line is cut never reads the answer."""
        passed = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while not self.complete and passed < _LINGER_BYTES:
                    async with asyncio.timeout(_SILENT_SECONDS):
                        passed += len((await self.receive()).get("body", b""))


def as_problem(error: Exception) -> Problem:
    """What an error is to a client."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, FacesynthError):
        return problem_of(error)
    hint = "the log has the details; please report them"
    return Problem("failed", f"unexpected {type(error).__name__}", hint=hint)
