"""POST align: a photo in, its faces out."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from facesynth.core.faces import Face
from facesynth.core.image_files import encode_png
from facesynth.serving.limits import photo_file
from facesynth.serving.openapi.components import BASE64
from facesynth.serving.openapi.operations import COMPUTED, SIZE, Body, Field, as_json, documented, option
from facesynth.serving.studio import studio_of
from facesynth.serving.worker.tasks import Align, Aligned

router = APIRouter(prefix="/api/v1", default_response_class=Response, tags=["painting"])

_FACES, _FRAMES = ("all", "largest", "center"), ("ffhq", "celeba-hq")
_BODY = Body(
    "photo",
    required={"photo": Field(BASE64, "A photo with faces.", media="image/*")},
    optional={
        "size": Field(SIZE["schema"], "Side of the crops in pixels; 512 by default."),
        "faces": Field({"type": "string", "enum": list(_FACES)}, "Which faces; all by default."),
        "frame": Field({"type": "string", "enum": list(_FRAMES)}, "Whose recipe places them; ffhq by default."),
    },
    raw=("image/jpeg", "image/png", "image/webp"),
)


@router.post(
    "/align",
    **documented(
        "Find the faces of a photo and cut each out, square and upright",
        as_json("Faces"),
        body=_BODY,
        options=[option(name, field.schema, field.about) for name, field in _BODY.optional.items()],
        problems=[*COMPUTED, "bad-image", "too-many-pixels", "no-face"],
    ),
)
async def align(request: Request) -> Response:
    """Answers with the crops, and with the way from each back into the photo, which is not kept."""
    studio = studio_of(request)
    async with studio.fields(request, "photo") as fields:
        data, digest = await studio.apart(fields.file_and_digest, "photo")
        size = fields.integer("size", 16, 2048) or 512
        faces, frame = fields.choice("faces", _FACES, "all"), fields.choice("frame", _FRAMES, "ffhq")
        fields.done()
        key = ("align", digest, size, faces, frame)
        if (found := studio.documents.get(key)) is None:
            photo = await studio.apart(photo_file, data, "photo", studio.settings.limits)
            aligned = await studio.compute(request, Align(photo, size, frame, faces))
            assert isinstance(aligned, Aligned)
            found = await studio.apart(_document, aligned)
            studio.documents.put(key, found)
        else:
            studio.metrics.cached += 1
    return Response(found, media_type="application/json")


def _document(aligned: Aligned) -> bytes:
    width, height = aligned.size
    return json.dumps({"width": width, "height": height, "faces": [_face(face) for face in aligned.faces]}).encode()


def _face(face: Face) -> dict[str, Any]:
    assert face.landmarks is not None and face.to_source is not None
    points = face.landmarks.points
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    ends = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * face.size - 0.5
    return {
        "face": base64.b64encode(encode_png(face.photo)).decode("ascii"),
        "size": face.size,
        "box": {"x": left, "y": top, "width": right - left, "height": bottom - top},
        "corners": face.to_source.apply(ends).tolist(),
        "landmarks": points.tolist(),
        "transform": face.to_source.matrix.tolist(),
        "score": face.score,
    }
