"""How many requests are answered at once, and how many of them one address may hold."""

from __future__ import annotations

from collections import Counter

from starlette.types import ASGIApp, Receive, Scope, Send

from facesynth.serving.problems import Problem, answer_problem

FREE = frozenset({"/healthz", "/readyz"})
"""Who asks whether a server lives must hear it when it has much to do, or it is restarted for that."""


class Slots:
    """Lets `most` requests at once in, whatever they do, and answers the others that the server is busy.

    The last quarter is for addresses that hold less than a quarter: whoever opens as many lines as there are slots
    does not shut others out. No address is held to a quarter while there is room: behind a proxy, and on the machine
    itself, all come from one.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app, self._most = app, most
        self._now: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] != "http" or scope["path"] in FREE:
            await self.app(scope, receive, send)
            return
        address = scope["client"][0] if scope.get("client") else "?"
        if (problem := self._refused(address)) is not None:
            await answer_problem(problem, scope["state"]["request_id"], send)
            return
        self._now[address] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._now[address] -= 1
            if not self._now[address]:
                del self._now[address]

    def _refused(self, address: str) -> Problem | None:
        now, share = self._now.total(), self._most // 4
        if now >= self._most:
            return Problem("busy", f"{self._most} requests are being answered already")
        if now >= self._most - share and self._now[address] >= share:
            return Problem("busy", f"{self._now[address]} requests of this address are being answered already")
        return None
