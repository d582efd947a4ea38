"""The fields that a label map may come in, as the API describes them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from facesynth.serving.openapi.components import BASE64, SCHEMA_NAMES, SHA256, whole
from facesynth.serving.openapi.operations import Field

LABEL_FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "labels": Field(
            BASE64,
            "A square label map: a PNG of ids or of exactly the palette's colours, or raw ids with width and height.",
            media="image/png, application/octet-stream",
        ),
        "width": Field(whole(8, 2048), "Of raw ids."),
        "height": Field(whole(8, 2048), "Of raw ids."),
        "labels_sha256": Field(SHA256, "In place of labels: the X-Labels of an earlier answer."),
        "schema": Field(SCHEMA_NAMES, "The order of ids, where the map does not say; celebamask-hq by default."),
    }
)
