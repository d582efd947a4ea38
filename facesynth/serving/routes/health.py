"""GET healthz and readyz: whether the server lives, and whether it can paint."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from facesynth.serving.openapi.operations import as_json, documented
from facesynth.serving.problems import Problem
from facesynth.serving.studio import studio_of

router = APIRouter(default_response_class=Response, tags=["running"])


@router.get("/healthz", **documented("Whether the server lives", as_json("Health")))
async def healthz() -> Response:
    """It answers, so it does."""
    return JSONResponse({"alive": True})


@router.get("/readyz", **documented("Whether it can paint", as_json("Ready"), problems=["not-ready"]))
async def readyz(request: Request) -> Response:
    """Ready once a worker has loaded and tried its networks, and while one lives."""
    dispatcher = studio_of(request).dispatcher
    if dispatcher.failure.done():
        error = dispatcher.failure.result()
        raise Problem("not-ready", error.what, where=error.where, hint=error.hint)
    if not dispatcher.workers_ready:
        raise Problem("not-ready", "no worker is ready yet", hint="try again in a moment")
    return JSONResponse({"ready": True})
