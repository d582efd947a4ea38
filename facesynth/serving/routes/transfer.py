"""POST transfer: a face in the style of another, or of several others' regions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from facesynth.core.images import Photo
from facesynth.core.refs import sha256_bytes
from facesynth.core.regions import REGIONS
from facesynth.serving.answers import MEDIA_TYPES, encoded, form_of
from facesynth.serving.decoding import labels_of
from facesynth.serving.limits import photo_file
from facesynth.serving.openapi.components import BASE64
from facesynth.serving.openapi.label_fields import LABEL_FIELDS
from facesynth.serving.openapi.operations import COMPUTED, QUALITY, SIZE, Body, Field, as_file, documented, option
from facesynth.serving.problems import Problem
from facesynth.serving.studio import studio_of
from facesynth.serving.worker.tasks import Transfer

router = APIRouter(prefix="/api/v1", default_response_class=Response, tags=["painting"])

_FORMATS, _FACES = ("png", "webp"), ("largest", "all", "center")
_FORMAT = option("format", {"type": "string", "enum": list(_FORMATS)}, "Of the answer, in place of Accept.")
_BODY = Body(
    "content",
    optional={
        "content": Field(BASE64, "The photo whose faces are painted.", media="image/*"),
        **LABEL_FIELDS,
        "style": Field(BASE64, "A photo whose largest face gives the style.", media="image/*"),
        "regions": Field(
            {"type": "object", "propertyNames": {"enum": list(REGIONS)}, "additionalProperties": BASE64},
            "Photos that give the style of a region each, by its name; in a form they are parts: region.hair.",
        ),
        "region.hair": Field(BASE64, "A photo that gives the style of the hair, and so on for other regions.",
                             media="image/*"),
        "strength": Field({"type": "number", "minimum": 0, "maximum": 1}, "0 is the content's own style, 1 all of the "
                          "other; 1 by default."),
        "faces": Field({"type": "string", "enum": list(_FACES)}, "Which of the content's faces; the largest."),
        "paste_back": Field({"type": "boolean"}, "Answer with the whole photo, the faces painted."),
        "size": Field(SIZE["schema"], "Side of a painted face; the generator's own by default."),
        "format": Field(_FORMAT["schema"], _FORMAT["description"]),
        "quality": Field(QUALITY["schema"], QUALITY["description"]),
    },
)  # fmt: skip


@router.post(
    "/transfer",
    **documented(
        "Paint a photo's face, or a label map, in the style of another photo's face",
        as_file("image/png", "image/webp"),
        body=_BODY,
        options=[_FORMAT, SIZE, QUALITY],
        problems=[*COMPUTED, "bad-image", "bad-labels", "bad-style", "bad-input", "unknown-labels", "no-face",
                  "no-encoder", "too-many-pixels", "format"],
        about="With paste_back the answer is the whole photo; as WebP it has at most 16,383 pixels on a side.",
    ),
)  # fmt: skip
async def transfer(request: Request) -> Response:
    """Answers with the painted face, or with the photo that it is pasted back into."""
    studio = studio_of(request)
    limits, loaded = studio.settings.limits, studio.loaded
    async with studio.fields(request, "content") as fields:
        form = form_of(request, fields, _FORMATS)
        strength, faces = fields.number("strength", 0, 1, 1), fields.choice("faces", _FACES, "largest")
        paste_back = fields.flag("paste_back")
        content = await studio.apart(fields.file_or_none, "content")
        style = await studio.apart(fields.file_or_none, "style")
        regions = await studio.apart(fields.files_by_name, "region.", "regions")
        labels = await studio.apart(labels_of, fields, limits, studio.labels)
        fields.done()
        _check(content is not None, labels is not None, style is not None or bool(regions), paste_back)
        if unknown := sorted(regions.keys() - REGIONS.keys()):
            hint = f"use one of: {', '.join(REGIONS)}"
            raise Problem("bad-field", f"unknown region {unknown[0]!r}", where="regions", hint=hint)
        if regions and not loaded.generator.style_regions:
            hint = "serve a generator that has styles per region"
            raise Problem("bad-style", "this generator has one style for the whole face", where="regions", hint=hint)

        def task() -> Transfer:
            source = labels.labels if labels else photo_file(content or b"", "content", limits)
            named = [(name, photo_file(data, f"region.{name}", limits)) for name, data in regions.items()]
            named.sort(key=lambda one: -len(REGIONS[one[0]]))  # `nose` counts beside `skin`, which holds it
            others = tuple((REGIONS[name], photo) for name, photo in named)
            wanted = None if style is None else photo_file(style, "style", limits)
            return Transfer(source, wanted, others, strength, faces, paste_back)

        picture = await studio.compute(request, await studio.apart(task))
        assert isinstance(picture, Photo)
        if form.size and not paste_back:
            picture = await studio.apart(picture.resized, form.size, form.size)

        def told() -> dict[str, Any]:
            return {
                "strength": strength,
                "faces": faces,
                "weights": {"generator": loaded.generator.sha256, "parser": loaded.parser_sha256},
                "labels_sha256": labels and labels.digest,
                "content_sha256": content and sha256_bytes(content),
                "style_sha256": style and sha256_bytes(style),
                "regions_sha256": {name: sha256_bytes(data) for name, data in regions.items()},
            }

        body = await studio.apart(lambda painted: encoded(painted, form, told()), picture)
    return Response(body, media_type=MEDIA_TYPES[form.format], headers={"vary": "Accept"})


def _check(content: bool, labels: bool, style: bool, paste_back: bool) -> None:
    """Raise Problem unless there is one content, and a style."""
    if content == labels:
        raise Problem("bad-field", "send either a photo or a label map", where="content")
    if not style:
        raise Problem("bad-field", "there is no style to paint in", where="style", hint="send a photo of a face")
    if labels and paste_back:
        raise Problem("bad-field", "a label map has no photo to be pasted back into", where="paste_back")
