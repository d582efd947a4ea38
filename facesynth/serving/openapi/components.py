"""The schemas of the API's documents, in JSON Schema's words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from facesynth.core.labels import LABEL_NAMES, NUM_LABELS, SCHEMAS
from facesynth.core.regions import REGIONS
from facesynth.serving.problems import PROBLEMS

Schema = dict[str, Any]

SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
BASE64: Schema = {"type": "string", "contentEncoding": "base64"}


def one(schema: str) -> Schema:
    """A reference to one of the schemas below."""
    return {"$ref": f"#/components/schemas/{schema}"}


def record(required: Mapping[str, Any], optional: Mapping[str, Any] | None = None, **more: Any) -> Schema:
    """An object of these properties and no others."""
    properties = {**required, **(optional or {})}
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        **more,
    }


def listed(items: Schema, least: int = 0, most: int | None = None) -> Schema:
    """An array."""
    return {"type": "array", "items": items, "minItems": least, **({} if most is None else {"maxItems": most})}


def whole(least: int, most: int | None = None) -> Schema:
    """A whole number."""
    return {"type": "integer", "minimum": least, **({} if most is None else {"maximum": most})}


def nullable(schema: Schema) -> Schema:
    """The schema, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
_POINT = listed(NUMBER, 2, 2)
_SEED = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
_STYLE_PARTS = listed({"type": "object", "properties": {"weight": NUMBER}, "required": ["weight"]}, 1)

SCHEMAS_BY_NAME: Mapping[str, Schema] = MappingProxyType(
    {
        "Problem": record(
            {
                "type": TEXT,
                "title": TEXT,
                "status": whole(400, 599),
                "code": {"type": "string", "enum": list(PROBLEMS)},
                "what": TEXT,
                "where": nullable(TEXT),
                "hint": nullable(TEXT),
                "request": TEXT,
            },
            description="What went wrong, where, and what to do next (RFC 9457).",
        ),
        "StyleFile": record(
            {"format": {"type": "string", "enum": ["facesynth-style-1", "facesynth-style-2"]},
             "components": _STYLE_PARTS},
            {"regions": {"type": "object", "additionalProperties": _STYLE_PARTS}},
            description="A style as encode gives it: a weighted sum of seeds and of codes that an encoder read.",
        ),
        "Style": {
            "description": "A style: a seed, the mean, one that encode gave, whole or by its digest, a mix of two, or "
            "one with regions in other styles.",
            "anyOf": [
                record({"seed": _SEED}),
                record({"mean": {"type": "boolean", "enum": [True]}}),
                record({"digest": SHA256}),
                one("StyleFile"),
                record({"mix": listed(one("Style"), 2, 2), "t": {"type": "number", "minimum": 0, "maximum": 1}}),
                record({"base": one("Style"),
                        "regions": {"type": "object", "propertyNames": {"enum": list(REGIONS)},
                                    "additionalProperties": one("Style")}}),
            ],
            "example": {"mix": [{"seed": 7}, {"seed": 8}], "t": 0.3},
        },
        "Labels": record(
            {
                "schema": TEXT,
                "labels": listed(
                    record({"id": whole(0, NUM_LABELS - 1), "name": {"type": "string", "enum": list(LABEL_NAMES)},
                            "title": TEXT, "colour": {"type": "string", "pattern": "^#[0-9a-f]{6}$"},
                            "mirror": whole(0, NUM_LABELS - 1)}),
                    NUM_LABELS, NUM_LABELS,
                ),
                "pairs": listed(listed(whole(0, NUM_LABELS - 1), 2, 2)),
                "regions": {"type": "object", "additionalProperties": listed(whole(0, NUM_LABELS - 1), 1)},
                "schemas": {"type": "object", "additionalProperties": listed(TEXT, NUM_LABELS, NUM_LABELS)},
            }
        ),
        "Weights": record(
            {
                "device": nullable(TEXT),
                "precision": nullable(TEXT),
                "batch_size": nullable(whole(1)),
                "loaded": nullable(one("Loaded")),
                "weights": listed(
                    record({"name": TEXT, "kind": TEXT, "file": TEXT, "bytes": nullable(whole(0)),
                            "sha256": nullable(SHA256), "licence": TEXT, "about": TEXT, "present": FLAG,
                            "loaded": FLAG})
                ),
            }
        ),
        "Loaded": record(
            {
                "generator": record({"name": TEXT, "sha256": SHA256, "size": whole(1), "style_channels": whole(0),
                                     "style_regions": FLAG, "noise": FLAG, "encoder": FLAG}),
                "parser": record({"name": TEXT, "sha256": SHA256, "engine": TEXT}),
                "landmarks": record({"name": TEXT, "weights": {"type": "object", "additionalProperties": TEXT}}),
            },
            description="What the workers compute with.",
        ),
        "Examples": record({"examples": listed(record({"name": TEXT, "url": TEXT, "about": TEXT}))}),
        "Health": record({"alive": FLAG}),
        "Ready": record({"ready": FLAG}),
        "Faces": record(
            {
                "width": whole(1),
                "height": whole(1),
                "faces": listed(
                    record(
                        {"face": BASE64, "size": whole(16, 2048),
                         "box": record({"x": NUMBER, "y": NUMBER, "width": NUMBER, "height": NUMBER}),
                         "corners": listed(_POINT, 4, 4), "landmarks": listed(_POINT, 68, 68),
                         "transform": one("Transform"), "score": nullable(NUMBER)}
                    ),
                    1,
                ),
            }
        ),
        "Transform": {
            **listed(listed(NUMBER, 3, 3), 2, 2),
            "description": "2×3: a pixel of the crop (x, y, 1) → a pixel of the photo; a similarity.",
            "example": [[0.8, 0.1, 120.5], [-0.1, 0.8, 88.0]],
        },
        "Confidence": record(
            {"pixels": NUMBER},
            {"mean_part": NUMBER, "parts": {"type": "object", "additionalProperties": NUMBER}, "unlikeness": NUMBER},
            description="How sure the parser is, 0 to 1: of the pixels, of the parts, on average and each by its name; "
            "and how unlike the faces that it learned from this one is, where that is known.",
        ),
        "Parsed": record(
            {"labels": BASE64, "width": whole(1), "height": whole(1), "confidence": nullable(one("Confidence")),
             "warnings": listed(TEXT)}
        ),
        "Encoded": record({"style": one("StyleFile"), "digest": SHA256}),
        "Document": record(
            {
                "document": {"type": "string", "enum": ["facesynth-picture-1"]},
                "labels": BASE64,
                "style": one("StyleFile"),
                "noise_seed": nullable(_SEED),
                "size": whole(16, 2048),
                "weights": record({"generator": SHA256}),
            },
            description="All that a picture is made of: synthesize takes it as it is and paints the same picture.",
        ),
        "Painted": record({"picture": BASE64, "document": one("Document")}),
    }
)  # fmt: skip

SCHEMA_NAMES: Schema = {"type": "string", "enum": list(SCHEMAS)}
