"""From settings to a server that listens: its socket, its graceful stop."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Callable

from facesynth.core.errors import DependencyMissing, FacesynthError
from facesynth.serving.settings import Settings

_LONGER = 10
"""Seconds that uvicorn waits beyond those in which the queue is finished: what cannot be is answered too."""


def serve(
    settings: Settings,
    *,
    begin: Callable[[], None] | None = None,
    listening: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish what runs.

    `begin` is called in each worker first, `listening` with the page's address. Raises DependencyMissing without the
    extra `serve`, FacesynthError where the port is taken, and what keeps the workers from getting ready.
    """
    try:
        import fastapi  # noqa: F401
        import python_multipart  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise DependencyMissing((error.name or "fastapi").partition(".")[0], "serve") from error
    from facesynth.serving.app import create_app
    from facesynth.serving.lines import TimedLines
    from facesynth.serving.stopping import StoppingServer

    failures: list[FacesynthError] = []

    def fail(error: FacesynthError) -> None:
        failures.append(error)
        server.should_exit = True

    with bound(settings.host, settings.port) as listener:
        app = create_app(settings, begin=begin, on_failure=fail)
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http=TimedLines,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=round(settings.limits.stop_seconds) + _LONGER,
        )
        server = StoppingServer(config)
        listening(address(settings, listener.getsockname()[1]))
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn passes on what asked it to stop, once it has
            server.run(sockets=[listener])
    if failures:
        raise failures[0]


def address(settings: Settings, port: int) -> str:
    """Where a browser finds the page; a token travels behind the #, which no browser sends."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    host = f"[{host}]" if ":" in host else host
    token = f"#token={settings.token}" if settings.token else ""
    return f"http://{host}:{port}/{token}"


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens at an address. Raises FacesynthError where that cannot be had."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "this cannot be a name"
        raise FacesynthError(f"there is no such host ({why})", where=host, hint="use 127.0.0.1") from error
    try:
        # On Windows SO_REUSEADDR would let two servers share a port.
        alone = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
        listener.setsockopt(socket.SOL_SOCKET, alone, 1)
        listener.bind(place)
        listener.listen()  # from here on clients wait, and are not refused, until the server has started
    except OSError as error:
        listener.close()
        where = f"{host}:{port}"
        if error.errno == errno.EADDRINUSE:
            hint = f"is facesynth serve running already? Otherwise choose another: --port {port + 1}"
            raise FacesynthError("this port is in use", where=where, hint=hint) from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise FacesynthError("this port is for administrators", where=where, hint="use --port 7860") from error
        hint = "use --host 127.0.0.1, or an address of this machine"
        raise FacesynthError(f"cannot listen ({error.strerror})", where=where, hint=hint) from error
    return listener
