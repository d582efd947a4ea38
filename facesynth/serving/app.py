"""The application: routes, layers, and what happens when it starts and stops."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp

from facesynth import __version__
from facesynth.core.errors import FacesynthError
from facesynth.serving.body.reading import HeldBytes
from facesynth.serving.observing import Observing, as_problem
from facesynth.serving.openapi.components import SCHEMAS_BY_NAME
from facesynth.serving.openapi.page import docs_page
from facesynth.serving.problems import Problem, problem_of_status
from facesynth.serving.routes import (
    align,
    encode,
    examples,
    health,
    labels,
    metrics,
    paste,
    segment,
    synthesize,
    transfer,
    weights,
)
from facesynth.serving.routes.page import Pages, allowed_methods
from facesynth.serving.security import SESSION_HEADER, Guard
from facesynth.serving.sending import Sending
from facesynth.serving.settings import Settings
from facesynth.serving.slots import Slots
from facesynth.serving.studio import Studio
from facesynth.serving.worker.load import load_computing
from facesynth.serving.worker.process import Load

_ROUTES = (labels, weights, examples, align, segment, encode, synthesize, transfer, paste, health, metrics)
_ABOUT = (
    "Photos in, label maps and painted faces out. Every picture that is painted is synthetic, and says so. "
    "Errors are problem documents (RFC 9457). Nothing that is sent is kept on a disk; what was decoded, parsed or "
    "painted lately is kept in memory, within bounds, so that unchanged work is not done again."
)


def create_app(
    settings: Settings,
    *,
    load: Load = load_computing,
    begin: Callable[[], None] | None = None,
    on_failure: Callable[[FacesynthError], None] | None = None,
) -> ASGIApp:
    """The server as an ASGI application; its workers start with its lifespan.

    `load` makes what computes, in each worker, where `begin` is called first: functions that can be imported by name.
    `on_failure` is told where the workers cannot be made ready.
    """

    bodies = HeldBytes(settings.limits)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        studio = Studio(settings, load, bodies, begin)
        app.state.studio = studio
        outer.metrics = studio.metrics
        if on_failure is not None:
            studio.dispatcher.failure.add_done_callback(
                lambda failure: None if failure.cancelled() else on_failure(failure.result())
            )
        studio.dispatcher.start()
        try:
            yield
        finally:
            await studio.stop()

    app = FastAPI(
        title="facesynth",
        version=__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        default_response_class=Response,
    )
    for module in _ROUTES:
        app.include_router(module.router)
        for route in module.router.routes:
            # What is looked at by GET is by HEAD too: those who watch over servers ask so.
            if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
                app.add_api_route(
                    route.path, route.endpoint, methods=["HEAD"], include_in_schema=False, response_model=None
                )
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    app.add_exception_handler(Problem, _answered)
    app.add_exception_handler(FacesynthError, _answered)
    app.add_exception_handler(HTTPException, _answered)
    app.add_exception_handler(Exception, _answered)

    async def openapi_json(_: Request) -> Response:
        return JSONResponse(app.openapi())

    async def docs(_: Request) -> Response:
        return HTMLResponse(docs_page(app.openapi()))

    app.add_route("/openapi.json", openapi_json, methods=["GET"], include_in_schema=False)
    app.add_route("/docs", docs, methods=["GET"], include_in_schema=False)
    Pages(list(app.routes)).add_to(app)
    guarded: ASGIApp = Slots(Sending(Guard(app, settings), bodies), settings.limits.requests)
    if settings.origins:
        guarded = CORSMiddleware(
            guarded,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", SESSION_HEADER],
            expose_headers=["x-request-id", "server-timing", "x-labels", "x-style", "x-cached", "x-width", "x-height",
                            "retry-after"],
        )  # fmt: skip
    outer = Observing(guarded)
    return outer


def _described(app: FastAPI) -> dict[str, Any]:
    """The application's OpenAPI document, with the schemas that its routes name."""
    if app.openapi_schema is None:
        described = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        components = described.setdefault("components", {})
        components["schemas"] = {**SCHEMAS_BY_NAME}
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        described["security"] = [{}, {"token": []}]
        app.openapi_schema = described
    return app.openapi_schema


async def _answered(request: Request, error: Exception) -> Response:
    """A problem document for an error that a route has raised."""
    if isinstance(error, HTTPException):
        problem = problem_of_status(error.status_code, str(error.detail))
    else:
        problem = as_problem(error)
    body, headers = problem.body(request.state.request_id), problem.headers
    if problem.code == "method":
        headers["allow"] = allowed_methods(request)
    return Response(body, problem.status, headers=headers)
