"""Answers on their way out: piece by piece, no faster than they are read, and counted while they are held."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facesynth.serving.body.reading import HeldBytes

_PIECE = 64 << 10
"""As much as asyncio keeps for a line before it has the sender wait."""


class Sending:
    """Sends the bodies of `app` in pieces, each when most of the one before has left.

    Sent at once, an answer that nobody reads would lie in its line's own memory, which nobody counts, its request done.
    So the request stays open, and the bytes count as `held`, until it is read, or `TimedLines` closes the line.
    """

    def __init__(self, app: ASGIApp, held: HeldBytes) -> None:
        self.app, self._held = app, held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            body = message.get("body", b"")
            if message["type"] != "http.response.body" or len(body) <= _PIECE:
                await send(message)
                return
            with self._held.answer(len(body)):
                for start in range(0, len(body), _PIECE):
                    await send({**message, "body": body[start : start + _PIECE], "more_body": True})
                await send({**message, "body": b""})  # waits for the last piece too

        await self.app(scope, receive, sending)
