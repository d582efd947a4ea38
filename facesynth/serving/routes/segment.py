"""POST segment: an aligned face in, its label map out."""

from __future__ import annotations

import base64
import json

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from facesynth.core.label_files import encode_label_map
from facesynth.core.labels import SCHEMAS, STANDARD
from facesynth.serving.answers import MEDIA_TYPES, chosen_format
from facesynth.serving.decoding import known
from facesynth.serving.limits import photo_file
from facesynth.serving.openapi.components import BASE64, SCHEMA_NAMES, whole
from facesynth.serving.openapi.operations import (
    COMPUTED,
    LABELS,
    SCHEMA,
    Body,
    Field,
    as_file,
    as_json,
    documented,
    option,
)
from facesynth.serving.studio import studio_of
from facesynth.serving.worker.tasks import Parsed, Segment

router = APIRouter(prefix="/api/v1", default_response_class=Response, tags=["painting"])

_FORMATS = ("png", "json", "raw")
_FORMAT = {"type": "string", "enum": list(_FORMATS)}


@router.post(
    "/segment",
    **documented(
        "Parse an aligned face into its label map",
        as_file("image/png", "application/octet-stream") | as_json("Parsed"),
        body=Body(
            "face",
            required={"face": Field(BASE64, "An aligned face, square.", media="image/*")},
            optional={"format": Field(_FORMAT, "Of the answer."), "schema": Field(SCHEMA_NAMES, "The order of ids.")},
            raw=("image/jpeg", "image/png", "image/webp"),
        ),
        options=[option("format", _FORMAT, "Of the answer, in place of Accept."), SCHEMA],
        problems=[*COMPUTED, "bad-image", "too-many-pixels", "not-square", "format"],
        headers={
            **LABELS,
            "X-Width": {**whole(1), "description": "Pixels, of raw ids too."},
            "X-Height": {**whole(1), "description": "Pixels, of raw ids too."},
        },
        about="As a palette PNG of ids; as raw ids, their size in X-Width and X-Height; or in JSON with how sure the "
        "parser is.",
    ),
)
async def segment(request: Request) -> Response:
    """Answers with a label map of the face's own size."""
    studio = studio_of(request)
    async with studio.fields(request, "face") as fields:
        data, digest = await studio.apart(fields.file_and_digest, "face")
        chosen = chosen_format(request, fields, _FORMATS)
        schema = fields.choice("schema", tuple(SCHEMAS), STANDARD)
        fields.done()
        key = ("segment", digest)
        if (parsed := studio.parsed.get(key)) is None:
            face = await studio.apart(photo_file, data, "face", studio.settings.limits)
            found = await studio.compute(request, Segment(face))
            assert isinstance(found, Parsed)
            parsed = found
            studio.parsed.put(key, parsed)
        else:
            studio.metrics.cached += 1
        labels = await studio.apart(known, parsed.labels)
        studio.labels.put(labels.digest, labels)
        body = await studio.apart(_answer, parsed, chosen, schema)
    width, height = parsed.labels.width, parsed.labels.height
    headers = {"x-width": str(width), "x-height": str(height), "x-labels": labels.digest, "vary": "Accept"}
    return Response(body, media_type=MEDIA_TYPES[chosen], headers=headers)


def _answer(parsed: Parsed, chosen: str, schema: str) -> bytes:
    labels = parsed.labels
    if chosen == "raw":
        return labels.to_ids(schema).tobytes()
    file = encode_label_map(labels, schema=schema)
    if chosen == "png":
        return file
    return json.dumps(
        {
            "labels": base64.b64encode(file).decode("ascii"),
            "width": labels.width,
            "height": labels.height,
            "confidence": parsed.confidence,
            "warnings": list(parsed.warnings),
        }
    ).encode()
