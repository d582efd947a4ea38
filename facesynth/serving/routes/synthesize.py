"""POST synthesize: a label map and a style in, a painted face out."""

from __future__ import annotations

import base64
import json

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from facesynth.core.images import Photo
from facesynth.core.styles import Style
from facesynth.serving.answers import MEDIA_TYPES, Form, encoded, form_of
from facesynth.serving.decoding import KnownLabels, labels_of
from facesynth.serving.documents import check_noise, check_origin, document, parameters
from facesynth.serving.openapi.components import SHA256, nullable, one, record, whole
from facesynth.serving.openapi.label_fields import LABEL_FIELDS
from facesynth.serving.openapi.operations import (
    COMPUTED,
    LABELS,
    QUALITY,
    SCHEMA,
    SIZE,
    Body,
    Field,
    as_file,
    as_json,
    documented,
    option,
)
from facesynth.serving.problems import Problem
from facesynth.serving.studio import Studio, studio_of
from facesynth.serving.worker.tasks import Generator, Paint

router = APIRouter(prefix="/api/v1", default_response_class=Response, tags=["painting"])

_FORMATS = ("png", "webp", "json")
_FORMAT = option("format", {"type": "string", "enum": list(_FORMATS)}, "Of the answer, in place of Accept.")
_SEED = whole(0, 2**63 - 1)
_TINY = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAADklEQVR4nGNgQAOM9OUDAARYAAnJtmd0AAAAAElFTkSuQmCC"
_BODY = Body(
    "labels",
    optional={
        **LABEL_FIELDS,
        "seed": Field(_SEED, "The style of a seed; 0 where there is no style either.", example=7),
        "style": Field(one("Style"), "The style; excludes seed."),
        "size": Field(SIZE["schema"], SIZE["description"]),
        "format": Field(_FORMAT["schema"], _FORMAT["description"]),
        "quality": Field(QUALITY["schema"], QUALITY["description"]),
        "document": Field({"type": "string", "enum": ["facesynth-picture-1"]}, "Of a document: what it is."),
        "noise_seed": Field(nullable(_SEED), "Of a document: the seed of its noise, which its style means."),
        "weights": Field(record({}, {"generator": SHA256}), "Of a document: the generator that painted it."),
    },
    raw=("application/octet-stream", "image/png"),
    either=("labels", "labels_sha256"),
    examples={
        "seed": {"labels": _TINY, "seed": 7},
        "between two": {"labels": _TINY, "style": {"mix": [{"seed": 7}, {"seed": 8}], "t": 0.3}},
    },
)


@router.post(
    "/synthesize",
    **documented(
        "Paint a face from a label map, in a style",
        as_file("image/png", "image/webp") | as_json("Painted"),
        body=_BODY,
        options=[
            option("width", whole(8, 2048), "Of raw ids."),
            option("height", whole(8, 2048), "Of raw ids."),
            option("seed", _SEED, "The style of a seed."),
            SIZE, SCHEMA, _FORMAT, QUALITY,
        ],
        problems=[*COMPUTED, "bad-labels", "bad-image", "bad-style", "bad-input", "superseded", "unknown-style",
                  "unknown-labels", "other-weights", "too-many-pixels", "format"],
        headers={
            **LABELS,
            "X-Style": {**SHA256, "description": "The style's digest, to be sent as a style by its digest."},
            "X-Cached": {"type": "integer", "enum": [0, 1], "description": "1 where it had been painted before."},
        },
        about="The picture says that it is synthetic, and by what it was made. In JSON it comes with its document, "
        "which this route takes as a body as it is, to paint the same picture again.",
    ),
)  # fmt: skip
async def synthesize(request: Request) -> Response:
    """Answers with the picture; what was painted before is not painted again."""
    studio = studio_of(request)
    async with studio.fields(request, "labels") as fields:
        generator = studio.loaded.generator
        form = form_of(request, fields, _FORMATS)
        told_noise = check_origin(fields, generator)
        labels = await studio.apart(labels_of, fields, studio.settings.limits, studio.labels)
        style = await studio.apart(studio.reader_of_styles.of, fields)
        fields.done()
        check_noise(told_noise, style)
        if labels is None:
            raise Problem("bad-field", "the label map is missing", where="labels", hint="see /docs")
        digest = await studio.apart(style.digest)
        studio.styles.put(digest, style)
        key = (labels.digest, digest, generator.sha256)
        picture, cached = studio.pictures.get(key), True
        if picture is None:
            picture, cached = await _painted(studio, request, labels, style), False
            studio.pictures.put(key, picture)
        studio.metrics.cached += cached
        body = await studio.apart(_answer, picture, labels, style, generator, form)
    headers = {"x-labels": labels.digest, "x-style": digest, "x-cached": str(int(cached)), "vary": "Accept"}
    return Response(body, media_type=MEDIA_TYPES[form.format], headers=headers)


async def _painted(studio: Studio, request: Request, labels: KnownLabels, style: Style) -> Photo:
    picture = await studio.compute(request, Paint(labels.labels, style))
    assert isinstance(picture, Photo)
    return picture


def _answer(picture: Photo, labels: KnownLabels, style: Style, generator: Generator, form: Form) -> bytes:
    size = form.size or picture.width
    told = parameters(labels.digest, style, size, generator.sha256)
    file = encoded(picture.resized(size, size), form, told)
    if form.format != "json":
        return file
    whole_document = document(labels.labels, style, size, generator.sha256)
    return json.dumps({"picture": base64.b64encode(file).decode("ascii"), "document": whole_document}).encode()
