"""Label maps, from the fields that they come in. All of it is safe in a thread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import LabelMapError
from facesynth.core.label_files import decode_label_map
from facesynth.core.labels import SCHEMAS, STANDARD, LabelMap
from facesynth.core.refs import sha256_bytes
from facesynth.serving.body.fields import Fields
from facesynth.serving.limits import check_pixels
from facesynth.serving.memory_cache import MemoryCache
from facesynth.serving.problems import Problem
from facesynth.serving.settings import Limits

SMALLEST_SIDE = 8
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class KnownLabels:
    """A label map, and the sha256 of its side and ids, by which a client may name it later."""

    labels: LabelMap
    digest: str

    @property
    def held(self) -> int:
        """Bytes in memory."""
        return self.labels.ids.nbytes + 200


def known(labels: LabelMap) -> KnownLabels:
    """The label map with its digest."""
    return KnownLabels(labels, sha256_bytes(labels.width.to_bytes(4, "big") + labels.ids.tobytes()))


def labels_of(fields: Fields, limits: Limits, cache: MemoryCache[KnownLabels]) -> KnownLabels | None:
    """The label map of a request, None where it sends none; it is square and in the standard order.

    As a PNG, as raw ids with `width` and `height`, or by `labels_sha256`. Raises Problem, LabelMapError, ImageError.
    """
    schema = fields.text("schema")
    if schema is not None and schema not in SCHEMAS:
        raise Problem("bad-field", f"{schema!r} is none of: {', '.join(SCHEMAS)}", where="schema")
    size = [fields.integer(name, SMALLEST_SIDE, limits.label_side) for name in ("width", "height")]
    data, digest = fields.file_or_none("labels"), fields.text("labels_sha256")
    if data is None and digest is None:
        return None
    if data is None or digest is not None:
        if data is not None:
            raise Problem("bad-field", "labels and labels_sha256 exclude one another", where="labels_sha256")
        if (found := cache.get(digest)) is None:
            raise Problem("unknown-labels", "this label map is not known here", hint="send it whole")
        return found
    key = (sha256_bytes(data), schema, *size)
    if (found := cache.get(key)) is None:
        found = known(_decoded(data, schema, size, limits))
        cache.put(key, found)
    cache.put(found.digest, found)
    return found


def _decoded(data: bytes, schema: str | None, size: list[int | None], limits: Limits) -> LabelMap:
    width, height = size
    if data.startswith(_PNG) or (width is None and height is None):
        check_pixels(data, "labels", limits.label_side**2)
        labels = decode_label_map(data, "labels", schema=schema)
        if (width or labels.width, height or labels.height) != (labels.width, labels.height):
            raise LabelMapError(f"the label map is {labels.width}×{labels.height}, not {width}×{height}", where="width")
    else:
        if width is None or height is None or len(data) != width * height:
            what = f"{len(data)} bytes are not one id for each of {width or '?'}×{height or '?'} pixels"
            raise LabelMapError(what, where="labels", hint="send a PNG, or raw ids with width and height")
        labels = _of_ids(np.frombuffer(data, dtype=np.uint8).reshape(height, width), schema or STANDARD)
    if labels.width != labels.height or not SMALLEST_SIDE <= labels.width <= limits.label_side:
        what = (
            f"the label map is {labels.width}×{labels.height}; a face is square, {SMALLEST_SIDE} to {limits.label_side}"
        )
        raise LabelMapError(what, where="labels")
    return labels


def _of_ids(ids: NDArray[np.uint8], schema: str) -> LabelMap:
    try:
        return LabelMap.from_ids(ids, schema)
    except LabelMapError as error:
        raise LabelMapError(error.what, where="labels", hint=error.hint) from None
