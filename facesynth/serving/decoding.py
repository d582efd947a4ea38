"""Label maps and styles, from the fields that they come in. All of it is safe in a thread."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import LabelMapError, StyleError
from facesynth.core.label_files import decode_label_map
from facesynth.core.labels import SCHEMAS, STANDARD, LabelMap
from facesynth.core.refs import sha256_bytes
from facesynth.core.regions import REGIONS, region_named
from facesynth.core.styles import MAX_SEED, Style
from facesynth.serving.body.fields import Fields
from facesynth.serving.limits import check_pixels
from facesynth.serving.memory_cache import MemoryCache
from facesynth.serving.problems import Problem
from facesynth.serving.settings import Limits
from facesynth.serving.worker.tasks import Generator

SMALLEST_SIDE = 8
_DEEPEST = 4
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


@dataclass(frozen=True, slots=True)
class Styles:
    """What styles are read by: the loaded generator, and those that are remembered by their digests."""

    generator: Generator
    remembered: MemoryCache[Style]

    def of(self, fields: Fields) -> Style:
        """The style of a request: `seed`, or `style`, or else seed 0. Raises Problem, StyleError."""
        seed, told = fields.integer("seed", 0, MAX_SEED), fields.json("style")
        if told is not None and seed is not None:
            raise Problem("bad-field", "seed and style exclude one another", where="seed")
        try:
            style = Style.from_seed(seed or 0) if told is None else self.read(told)
            style.require(self.generator.sha256, self.generator.style_channels, regions=self.generator.style_regions)
        except StyleError as error:
            raise StyleError(error.what, where=error.where or "style", hint=error.hint) from None
        return style

    def read(self, told: Any, where: str = "style", depth: int = 0) -> Style:
        """A style as /docs says that it is written. Raises Problem, which names the part, and StyleError."""
        if depth > _DEEPEST or not isinstance(told, dict):
            what = f"styles lie in one another {_DEEPEST} deep" if depth > _DEEPEST else "a JSON object is wanted"
            raise Problem("bad-style", what, where=where)
        if "format" in told:
            return Style.from_json(json.dumps(told))
        if told.keys() == {"mix", "t"} and isinstance(told["mix"], list) and len(told["mix"]) == 2:
            a, b = (self.read(part, f"{where}.mix.{index}", depth + 1) for index, part in enumerate(told["mix"]))
            return Style.mix(a, b, Fields(told).number("t", 0, 1, 0))
        if told.keys() == {"base", "regions"} and isinstance(told["regions"], dict):
            return self._with_regions(told, where, depth)
        if told.keys() == {"seed"}:
            return Style.from_seed(Fields(told).integer("seed", 0, MAX_SEED) or 0)
        if told.keys() == {"mean"} and told["mean"] is True:
            return self._mean()
        if told.keys() == {"digest"} and isinstance(told["digest"], str):
            if (found := self.remembered.get(told["digest"])) is None:
                raise Problem("unknown-style", "this style is not known here", where=where, hint="send it whole")
            return found
        hint = (
            'write {"seed": 7}, {"mean": true}, {"digest": …}, {"mix": [A, B], "t": 0.5}, {"base": A, "regions": {…}}'
        )
        raise Problem("bad-style", f"this is no style: it has {sorted(told)}", where=where, hint=hint)

    def _with_regions(self, told: dict[str, Any], where: str, depth: int) -> Style:
        style = self.read(told["base"], f"{where}.base", depth + 1)
        if not self.generator.style_regions:
            hint = "serve a generator that has styles per region"
            raise Problem("bad-style", "this generator has one style for the whole face", where=where, hint=hint)
        # What has fewer labels comes last: `nose` counts beside `skin`, which holds it, in whatever order they come.
        for name in sorted(told["regions"], key=lambda name: -len(REGIONS.get(name, ()))):
            other = self.read(told["regions"][name], f"{where}.regions.{name}", depth + 1)
            style = style.with_regions(region_named(name), other)
        return style

    def _mean(self) -> Style:
        if self.generator.style_regions:
            return Style.from_regions({}, self.generator.sha256)
        return Style.from_code(np.zeros(self.generator.style_channels, dtype=np.float32), self.generator.sha256)


def noise_seed_of(style: Style) -> int | None:
    """The seed of the noise that goes with a style: a seed's own, 0 for a face's; None where several are mixed."""
    seeds = {getattr(source, "seed", 0) for _, source in style.components}
    return next(iter(seeds)) if len(seeds) == 1 else None
