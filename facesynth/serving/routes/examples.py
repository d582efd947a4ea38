"""GET examples: photos to begin with, of people who do not exist."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from facesynth.serving.openapi.operations import as_file, as_json, documented
from facesynth.serving.problems import Problem
from facesynth.weights import data_folder

router = APIRouter(prefix="/api/v1", default_response_class=Response, tags=["looking"])

EXAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "portrait-1": "a woman with curly hair",
        "portrait-2": "a face that is turned a little",
        "portrait-3": "a man with a beard",
        "portrait-4": "a woman with glasses and long hair",
        "two-people": "two people of different sizes",
    }
)
"""The bundled photos that are good to begin with, by name; networks drew all of them."""


@router.get("/examples", **documented("Photos to begin with; the people in them do not exist", as_json("Examples")))
async def examples() -> Response:
    """Names, addresses, and a few words."""
    told = [{"name": name, "url": f"/api/v1/examples/{name}.jpg", "about": about} for name, about in EXAMPLES.items()]
    return JSONResponse({"examples": told})


_NAME = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "enum": list(EXAMPLES)}}


@router.get("/examples/{name}.jpg", **documented("One of them, as JPEG", as_file("image/jpeg"), options=[_NAME],
                                                 problems=["not-found"]))  # fmt: skip
async def example(request: Request) -> Response:
    """The file as it is bundled."""
    name = request.path_params["name"]
    if name not in EXAMPLES:
        raise Problem(
            "not-found", "there is no such example", where=name[:80], hint=f"there are: {', '.join(EXAMPLES)}"
        )
    return FileResponse(data_folder("photos") / f"{name}.jpg", media_type="image/jpeg")
