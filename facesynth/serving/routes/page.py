"""The page and its files, and what is said of addresses where there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from facesynth.serving.problems import Problem

WEB = Path(str(resources.files("facesynth.serving"))) / "web"


_ALL = "/{path:path}"
"""What the page and its files answer."""


class Pages:
    """Answers what no other route does, with a file of web/ where one has that name. `routes` are the others."""

    def __init__(self, routes: list[BaseRoute]) -> None:
        self._routes = routes
        self._files = StaticFiles(directory=WEB, html=True, check_dir=False)

    async def answer(self, request: Request) -> Response:
        """Raise Problem `method` for an address that takes another one, `not-found` for nothing."""
        if _methods(self._routes, request.scope):
            raise Problem(
                "method", f"{request.method} is not taken here", where=request.url.path[:200], hint="see /docs"
            )
        path = request.path_params["path"]
        if request.method not in ("GET", "HEAD") or path.startswith("api/"):
            raise Problem("not-found", "there is nothing here", where=request.url.path[:200], hint="see /docs")
        response = await self._files.get_response(path or ".", request.scope)
        response.headers["cache-control"] = "no-cache"
        return response

    def add_to(self, app: Starlette) -> None:
        """Answer, in an application, whatever none of its routes does."""
        app.add_route(_ALL, self.answer, include_in_schema=False)


def allowed_methods(request: Request) -> str:
    """What the address of a request takes, as the header Allow has it."""
    routes = [route for route in request.app.routes if getattr(route, "path", None) != _ALL]
    return ", ".join(_methods(routes, request.scope) or ["GET", "HEAD"])


def _methods(routes: Sequence[BaseRoute], scope: Scope) -> list[str]:
    """The methods that some of the routes take at this address."""
    return [
        method
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
        if any(route.matches({**scope, "method": method})[0] == Match.FULL for route in routes)
    ]
