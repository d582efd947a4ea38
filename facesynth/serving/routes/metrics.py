"""GET metrics: what the server counts, for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from facesynth.serving.metrics import MEDIA_TYPE
from facesynth.serving.openapi.operations import documented
from facesynth.serving.studio import studio_of

router = APIRouter(default_response_class=Response, tags=["running"])


@router.get("/metrics", **documented("Counts, for Prometheus", {"text/plain": {"schema": {"type": "string"}}}))
async def metrics(request: Request) -> Response:
    """Requests, latencies, the queue, batches, workers, memory."""
    studio = studio_of(request)
    now = {
        "computing": studio.dispatcher.computing,
        "queue_depth": studio.dispatcher.waiting,
        "workers_ready": studio.dispatcher.workers_ready,
        "body_bytes_held": studio.bodies.held,
        "cache_bytes_held": studio.bytes_cached,
    }
    return Response(studio.metrics.text(now), media_type=MEDIA_TYPE)
