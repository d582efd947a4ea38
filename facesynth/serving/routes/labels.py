"""GET labels: the classes, their colours and names; the page paints with what it reads here."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from facesynth.core.labels import FLIP_PAIRS, FLIP_TABLE, READABLE, SCHEMAS, STANDARD, Label
from facesynth.core.markup import colour
from facesynth.core.regions import REGIONS
from facesynth.serving.openapi.operations import as_json, documented

router = APIRouter(prefix="/api/v1", default_response_class=Response, tags=["looking"])


@router.get("/labels", **documented("The 19 labels: ids, names, colours, mirror images, schemas", as_json("Labels")))
async def labels() -> Response:
    """The same for every server."""
    return JSONResponse(document())


def document() -> dict[str, Any]:
    """What is told of the labels."""
    return {
        "schema": STANDARD,
        "labels": [
            {
                "id": int(label),
                "name": label.name.lower(),
                "title": READABLE[label],
                "colour": colour(label),
                "mirror": int(FLIP_TABLE[label]),
            }
            for label in Label
        ],
        "pairs": [[int(left), int(right)] for left, right in FLIP_PAIRS],
        "regions": {name: [int(label) for label in labels] for name, labels in REGIONS.items()},
        "schemas": {
            name: [Label(each).name.lower() for each in schema.to_standard.tolist()] for name, schema in SCHEMAS.items()
        },
    }
