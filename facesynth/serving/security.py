"""Who may call, and what browsers are told to keep out."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from facesynth.serving.problems import Problem, answer_problem
from facesynth.serving.settings import Settings

SESSION_HEADER = "x-studio-session"
_SESSION = re.compile("[A-Za-z0-9_-]{1,64}")

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "font-src 'self'",
        "media-src 'self' blob:",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

SAFE_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    }
)
"""What every answer carries."""


def client_of(request: Request) -> str:
    """Whose turn a request takes: its session's at its address, else the address's."""
    address = request.client.host if request.client else "?"
    return f"{address} {session_of(request) or ''}"


def session_of(request: Request) -> str | None:
    """The session that a page names. Raises Problem for what is no name."""
    name = request.headers.get(SESSION_HEADER)
    if name is not None and not _SESSION.fullmatch(name):
        raise Problem("bad-field", "a session is 1 to 64 of A-Z a-z 0-9 _ -", where="X-Studio-Session")
    return name


class Guard:
    """Refuses requests for other hosts, from other places' pages, and without the token. `app` sees the others.

    The page itself, its documentation and the health checks need no token: they tell nothing but, where the weights
    cannot be loaded, why. Metrics do.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a problem, which the layers around may add to, or pass the request on."""
        if scope["type"] == "http":
            try:
                self._check(scope["path"], Headers(scope=scope))
            except Problem as problem:
                await answer_problem(problem, scope["state"]["request_id"], send)
                return
        await self.app(scope, receive, send)

    def _check(self, path: str, headers: Headers) -> None:
        """Raise Problem."""
        self._check_host(headers)
        if path.startswith("/api/") or path == "/metrics":
            self._check_origin(headers)
            self._check_token(headers)

    def _check_host(self, headers: Headers) -> None:
        """A name that another place's DNS points at this machine is not ours: its pages would be of our origin."""
        if self._settings.local and _hostname(headers.get("host", "")) not in self._settings.names:
            what = f"this server goes by the names {', '.join(sorted(self._settings.names))}"
            raise Problem("host", what, where="Host", hint="to be reached by others: facesynth serve --host 0.0.0.0")

    def _check_origin(self, headers: Headers) -> None:
        origin = headers.get("origin")
        if origin is None or origin in self._settings.origins:
            return
        if _netloc(origin) != headers.get("host", ""):
            hint = "allow it by: facesynth serve --allow-origin ORIGIN"
            raise Problem("origin", "a page of another place sent this", where="Origin", hint=hint)

    def _check_token(self, headers: Headers) -> None:
        token = self._settings.token
        if token is None:
            return
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode("latin-1"), token.encode("latin-1")):
            hint = "send: Authorization: Bearer TOKEN"
            raise Problem("token", "this server answers those who have its token", where="Authorization", hint=hint)


def _netloc(origin: str) -> str:
    """The host and port of an origin; nothing where it is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
