"""GET weights: which are known, which lie here, and which paint."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from facesynth.core.refs import Digest
from facesynth.serving.openapi.operations import as_json, documented
from facesynth.serving.studio import studio_of
from facesynth.serving.worker.tasks import Loaded
from facesynth.weights import WeightsFile, candidates, manifest

router = APIRouter(prefix="/api/v1", default_response_class=Response, tags=["looking"])


@router.get("/weights", **documented("The weights: names, kinds, sizes, sha256, licences, what is loaded",
                                     as_json("Weights")))  # fmt: skip
async def weights(request: Request) -> Response:
    """What is loaded is null until the server is ready."""
    studio = studio_of(request)
    loaded = studio.dispatcher.loaded
    rows = await studio.apart(lambda: [*_rows(manifest().values(), _used(loaded))])
    return JSONResponse(
        {
            "device": loaded and loaded.device,
            "precision": loaded and loaded.precision,
            "batch_size": loaded and loaded.batch_size,
            "loaded": loaded and _told(loaded),
            "weights": rows,
        }
    )


def _told(loaded: Loaded) -> dict[str, Any]:
    return {
        "generator": dataclasses.asdict(loaded.generator),
        "parser": {"name": loaded.parser, "sha256": loaded.parser_sha256, "engine": loaded.engine},
        "landmarks": {"name": loaded.landmarks, "weights": dict(loaded.weights)},
    }


def _used(loaded: Loaded | None) -> set[Digest]:
    return {loaded.generator.sha256, loaded.parser_sha256, *loaded.weights.values()} if loaded else set()


def _rows(entries: Iterable[WeightsFile], used: set[Digest]) -> Iterable[dict[str, Any]]:
    for entry in entries:
        yield {
            "name": entry.name,
            "kind": entry.kind,
            "file": entry.file,
            "bytes": entry.size,
            "sha256": entry.sha256,
            "licence": entry.licence,
            "about": entry.about,
            "present": next(iter(candidates(entry)), None) is not None,
            "loaded": entry.sha256 in used,
        }
