"""How a server that is told to stop does so: who was let in is answered, and a second Ctrl-C ends the wait."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send

from facesynth.serving.studio import Studio

_SOON = 2.0
"""Seconds for answers that are ready to be sent."""


class StoppingServer(uvicorn.Server):
    """Uvicorn, which has the queue finished at the signal: by itself it would cancel all requests first."""

    def __init__(self, config: uvicorn.Config) -> None:
        """`config` is of an application made by `create_app`."""
        super().__init__(config)
        self._scope: Scope = {}
        app: Any = config.app

        async def remembering(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                self._scope = scope
            await app(scope, receive, send)

        config.app = remembering

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer who was let in as long as the limits allow, or until a second signal; then end the workers."""
        studio = self._scope["app"].state.studio  # Starlette says there who has answered
        assert isinstance(studio, Studio)
        finishing = asyncio.create_task(self._finish(studio))
        await super().shutdown(sockets)
        if self.force_exit:
            finishing.cancel()
            studio.dispatcher.abandon()
            await self._close_lines(_SOON)
            if not self.lifespan.shutdown_event.is_set():
                await self.lifespan.shutdown()
        await asyncio.gather(finishing, return_exceptions=True)

    async def _finish(self, studio: Studio) -> None:
        seconds, begun = studio.settings.limits.stop_seconds, time.monotonic()
        await studio.dispatcher.finish()
        await self._close_lines(max(_SOON, begun + seconds - time.monotonic()))

    async def _close_lines(self, seconds: float) -> None:
        """Wait for answers to be sent, and close the lines of those whose requests are not complete by then."""
        if tasks := list(self.server_state.tasks):
            await asyncio.wait(tasks, timeout=seconds)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if tasks := list(self.server_state.tasks):
            await asyncio.wait(tasks, timeout=_SOON)
