"""POST paste: a painted face back into the photo that it was cut out of."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from facesynth.core.errors import InputError
from facesynth.core.faces import FEATHER, Similarity
from facesynth.core.images import Photo
from facesynth.serving.answers import MEDIA_TYPES, Form, chosen_format, encoded
from facesynth.serving.decoding import labels_of
from facesynth.serving.limits import photo_file
from facesynth.serving.openapi.components import BASE64, one
from facesynth.serving.openapi.label_fields import LABEL_FIELDS
from facesynth.serving.openapi.operations import COMPUTED, QUALITY, Body, Field, as_file, documented, option
from facesynth.serving.problems import Problem
from facesynth.serving.studio import studio_of
from facesynth.serving.worker.tasks import Paste

router = APIRouter(prefix="/api/v1", default_response_class=Response, tags=["painting"])

_FORMATS = ("png", "webp")
_FORMAT = option("format", {"type": "string", "enum": list(_FORMATS)}, "Of the answer, in place of Accept.")
_SIZE = {"type": "integer", "minimum": 16, "maximum": 2048}
_LARGEST_SCALE = 1000.0
"""Pixels of the photo for one of the crop: beyond, nothing would be seen of a face."""


@router.post(
    "/paste",
    **documented(
        "Blend a painted face into its photo",
        as_file("image/png", "image/webp"),
        body=Body(
            "photo",
            required={
                "photo": Field(BASE64, "The photo that align was given.", media="image/*"),
                "face": Field(BASE64, "The painted face, square, of any size.", media="image/*"),
                "transform": Field(one("Transform"), "What align told of the face."),
                "size": Field(_SIZE, "The side of the crop that align made."),
            },
            optional={
                **LABEL_FIELDS,
                "feather": Field({"type": "number", "minimum": 0, "maximum": 0.5}, "The share of the side over which "
                                 "the face fades into the photo; 0.1 by default."),
                "format": Field(_FORMAT["schema"], _FORMAT["description"]),
                "quality": Field(QUALITY["schema"], QUALITY["description"]),
            },
        ),
        options=[_FORMAT, QUALITY],
        problems=[*COMPUTED, "bad-image", "bad-labels", "bad-input", "unknown-labels", "not-square", "too-many-pixels",
                  "format"],
        about="The client sends the photo again, because the server keeps none. With the face's label map the photo "
        "keeps its own background and clothes. As WebP it has at most 16,383 pixels on a side.",
    ),
)  # fmt: skip
async def paste(request: Request) -> Response:
    """Answers with the photo, the face in it."""
    studio = studio_of(request)
    limits = studio.settings.limits
    async with studio.fields(request, "photo") as fields:
        form = Form(chosen_format(request, fields, _FORMATS), fields.integer("quality", 1, 100) or 90)
        photo, face = await studio.apart(fields.file, "photo"), await studio.apart(fields.file, "face")
        transform = _similarity(fields.json("transform"))
        size, feather = fields.integer("size", 16, 2048), fields.number("feather", 0, 0.5, FEATHER)
        if size is None:
            raise Problem("bad-field", "the side of the crop is missing", where="size")
        labels = await studio.apart(labels_of, fields, limits, studio.labels)
        fields.done()
        task = Paste(
            await studio.apart(photo_file, photo, "photo", limits),
            await studio.apart(photo_file, face, "face", limits),
            transform,
            size,
            labels.labels if labels else None,
            feather,
        )
        picture = await studio.compute(request, task)
        assert isinstance(picture, Photo)
        told = {"transform": transform.matrix.tolist(), "size": size, "feather": feather}
        body = await studio.apart(encoded, picture, form, told)
    return Response(body, media_type=MEDIA_TYPES[form.format], headers={"vary": "Accept"})


def _similarity(told: Any) -> Similarity:
    """The map from a crop to its photo. Raises Problem for what is none, or beyond all photos."""
    hint = "send what align told of the face"
    try:
        matrix = np.array(told, dtype=np.float64)
        if not (np.abs(matrix) < 1e6).all():
            raise ValueError("its numbers are out of bounds")
        found = Similarity(matrix)
    except InputError as error:
        raise Problem("bad-field", error.what, where="transform", hint=hint) from None
    except (TypeError, ValueError) as error:
        raise Problem(
            "bad-field", f"this is no map from a crop to a photo ({error})", where="transform", hint=hint
        ) from None
    if not 1 / _LARGEST_SCALE <= found.scale <= _LARGEST_SCALE:
        raise Problem("bad-field", f"it scales by {found.scale:g}", where="transform", hint=hint)
    return found
