"""POST encode: an aligned face in, its style out."""

from __future__ import annotations

import json

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from facesynth.core.styles import Style
from facesynth.serving.decoding import labels_of
from facesynth.serving.limits import photo_file
from facesynth.serving.openapi.components import BASE64
from facesynth.serving.openapi.label_fields import LABEL_FIELDS
from facesynth.serving.openapi.operations import COMPUTED, Body, Field, as_json, documented
from facesynth.serving.studio import studio_of
from facesynth.serving.worker.tasks import Encode

router = APIRouter(prefix="/api/v1", default_response_class=Response, tags=["painting"])


@router.post(
    "/encode",
    **documented(
        "Read the style of an aligned face",
        as_json("Encoded"),
        body=Body(
            "face",
            required={"face": Field(BASE64, "An aligned face, square.", media="image/*")},
            optional=LABEL_FIELDS,
            raw=("image/jpeg", "image/png", "image/webp"),
        ),
        problems=[*COMPUTED, "bad-image", "bad-labels", "unknown-labels", "too-many-pixels", "not-square",
                  "no-encoder"],
        about="An encoder that reads the style of each region needs to know where they are: it takes the label map "
        "that is sent along, or has the face parsed.",
    ),
)  # fmt: skip
async def encode(request: Request) -> Response:
    """Answers with the style; it is remembered by its digest for a while."""
    studio = studio_of(request)
    async with studio.fields(request, "face") as fields:
        data, face_digest = await studio.apart(fields.file_and_digest, "face")
        limits, generator = studio.settings.limits, studio.loaded.generator
        labels = await studio.apart(labels_of, fields, limits, studio.labels)
        fields.done()
        key = (
            "encode",
            face_digest,
            labels.digest if labels and generator.style_regions else None,
            generator.sha256,
        )
        style = studio.styles.get(key)
        if style is None:
            face = await studio.apart(photo_file, data, "face", limits)
            found = await studio.compute(request, Encode(face, labels.labels if labels else None))
            assert isinstance(found, Style)
            style = found
        else:
            studio.metrics.cached += 1
        studio.styles.put(key, style)
        digest = await studio.apart(style.digest)
        studio.styles.put(digest, style)
    return JSONResponse({"style": json.loads(style.to_json()), "digest": digest})
