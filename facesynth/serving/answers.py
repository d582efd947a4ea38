"""Pictures as answers: in the form that was asked for, marked as synthetic, and telling by what they were made."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image
from starlette.requests import Request

from facesynth.core.image_files import SYNTHETIC_TEXT, encode_png
from facesynth.core.images import Photo
from facesynth.serving.body.fields import Fields
from facesynth.serving.problems import Problem

MEDIA_TYPES: Mapping[str, str] = {
    "png": "image/png",
    "webp": "image/webp",
    "json": "application/json",
    "raw": "application/octet-stream",
}
SIZES = (16, 2048)
"""The least and the most that a picture may be wide."""

_EXIF_UNICODE = b"UNICODE\x00"
_QUALITY = 90
_WEBP_SIDE = 16_383
"""Pixels: the most that a WebP file can be wide or high."""


@dataclass(frozen=True, slots=True)
class Form:
    """In what form a picture is wanted: its format, the quality of WebP, and its side, None for the network's own."""

    format: str
    quality: int = _QUALITY
    size: int | None = None


def form_of(request: Request, fields: Fields, formats: Sequence[str]) -> Form:
    """The form that a request asks for, by its fields and Accept. Raises Problem."""
    return Form(
        chosen_format(request, fields, formats),
        fields.integer("quality", 1, 100) or _QUALITY,
        fields.integer("size", *SIZES),
    )


def chosen_format(request: Request, fields: Fields, formats: Sequence[str]) -> str:
    """The format that is asked for by `format`, else by Accept, else the first one. Raises Problem `format`."""
    if "format" in fields:
        return fields.choice("format", formats, formats[0])
    accept = request.headers.get("accept", "*/*")
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    best, chosen = 0.0, ""
    for name in formats:
        fitting = [(_closeness(pattern, MEDIA_TYPES[name]), quality) for pattern, quality in ranges]
        closeness, wanted = max(fitting, default=(0, 0.0))  # of ranges as close as one another the best counts
        wanted = wanted if closeness else 0.0
        if wanted > best:
            best, chosen = wanted, name
    if not chosen and ranges:
        told = ", ".join(MEDIA_TYPES[name] for name in formats)
        raise Problem("format", f"the answer is one of: {told}", where="Accept")
    return chosen or formats[0]


def _range(part: str) -> tuple[str, float]:
    pattern, *options = (piece.strip().lower() for piece in part.split(";"))
    quality = next((option[2:] for option in options if option.startswith("q=")), "1")
    try:
        return pattern, float(quality)
    except ValueError:
        return pattern, 0.0


def _closeness(pattern: str, media_type: str) -> int:
    """How closely a range of Accept names a media type, 0 where it does not: the closest one counts (RFC 9110)."""
    return {"*/*": 1, f"{media_type.partition('/')[0]}/*": 2, media_type: 3}.get(pattern, 0)


def encoded(picture: Photo, form: Form, parameters: Mapping[str, Any]) -> bytes:
    """A painted picture as a file that says that it is synthetic, and by what parameters it was made.

    Raises Problem `format` for a picture that is too wide or too high for WebP.
    """
    if form.format == "webp" and max(picture.width, picture.height) > _WEBP_SIDE:
        what = f"{picture.width}×{picture.height} is more than the {_WEBP_SIDE:,} pixels that WebP has on a side"
        raise Problem("format", what, where="format", hint="ask for PNG: format=png")
    text = {**SYNTHETIC_TEXT, "Parameters": json.dumps(parameters, sort_keys=True, separators=(",", ":"))}
    if form.format != "webp":
        return encode_png(picture, text)
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = text["Software"]
    exif[ExifTags.Base.ImageDescription] = text["Synthetic"]
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = _EXIF_UNICODE + text["Parameters"].encode("utf-16-be")
    stream = io.BytesIO()
    Image.fromarray(picture.pixels).save(stream, "WEBP", quality=form.quality, method=2, exif=exif)
    return stream.getvalue()
