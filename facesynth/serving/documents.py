"""The document that a picture is made of, and painted from again: label map, style, noise, weights; never a photo."""

from __future__ import annotations

import base64
import json
from typing import Any

from facesynth.core.label_files import encode_label_map
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Digest
from facesynth.core.styles import Style
from facesynth.serving.body.fields import Fields
from facesynth.serving.problems import Problem
from facesynth.serving.styles import noise_seed_of
from facesynth.serving.worker.tasks import Generator

FORMAT = "facesynth-picture-1"


def document(labels: LabelMap, style: Style, size: int, generator: Digest) -> dict[str, Any]:
    """What synthesize takes as it is, to paint the same picture; `generator` is the sha256 of its weights."""
    return {
        "document": FORMAT,
        "labels": base64.b64encode(encode_label_map(labels)).decode("ascii"),
        "style": json.loads(style.to_json()),
        "noise_seed": noise_seed_of(style),
        "size": size,
        "weights": {"generator": generator},
    }


def parameters(labels: Digest, style: Style, size: int, generator: Digest) -> dict[str, Any]:
    """What a picture tells of itself: as the document, but the label map by its sha256."""
    return {
        "labels_sha256": labels,
        "style": json.loads(style.to_json()),
        "noise_seed": noise_seed_of(style),
        "size": size,
        "weights": {"generator": generator},
    }


def check_origin(fields: Fields, generator: Generator) -> int | None:
    """Take from a document what tells of its origin, and return its noise seed, None where it tells none.

    Raises Problem: other-weights where the picture was painted by another generator, bad-field for what is no document.
    """
    weights = fields.mapping("weights")
    told = weights.pop("generator", None)
    if weights or not isinstance(told, str | None):
        raise Problem("bad-field", 'it is written {"generator": sha256}', where="weights")
    if told not in (None, generator.sha256):
        hint = "serve the generator that it was painted by, or leave weights out"
        raise Problem("other-weights", f"the picture was painted by {told[:12]}", where="weights.generator", hint=hint)
    fields.choice("document", (FORMAT,), FORMAT)
    return fields.integer("noise_seed", 0, 2**63 - 1)


def check_noise(told: int | None, style: Style) -> None:
    """Raise Problem where a document's noise is not what its style means."""
    if told is not None and told != noise_seed_of(style):
        hint = "the noise goes with the style: leave noise_seed out"
        raise Problem(
            "bad-field", f"this style has the noise of seed {noise_seed_of(style)}", where="noise_seed", hint=hint
        )
