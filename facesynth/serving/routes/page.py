"""The page and its files, and what is said of addresses where there is nothing."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.staticfiles import StaticFiles

from facesynth.serving.problems import Problem

WEB = Path(str(resources.files("facesynth.serving"))) / "web"


class Pages:
    """Answers what no other route does, with a file of web/ where one has that name. `routes` are the others."""

    def __init__(self, routes: list[BaseRoute]) -> None:
        self._routes = routes
        self._files = StaticFiles(directory=WEB, html=True, check_dir=False)

    async def answer(self, request: Request) -> Response:
        """Raise Problem `method` for an address that takes another one, `not-found` for nothing."""
        if any(route.matches(request.scope)[0] == Match.PARTIAL for route in self._routes):
            raise Problem(
                "method", f"{request.method} is not taken here", where=request.url.path[:200], hint="see /docs"
            )
        path = request.path_params["path"]
        if request.method not in ("GET", "HEAD") or path.startswith("api/"):
            raise Problem("not-found", "there is nothing here", where=request.url.path[:200], hint="see /docs")
        response = await self._files.get_response(path or ".", request.scope)
        response.headers["cache-control"] = "no-cache"
        return response
