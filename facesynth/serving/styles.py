"""Styles, from the fields that they come in, as /docs says that they are written. All of it is safe in a thread."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from facesynth.core.errors import StyleError
from facesynth.core.regions import REGIONS, region_named
from facesynth.core.styles import MAX_SEED, Style
from facesynth.serving.body.fields import Fields
from facesynth.serving.memory_cache import MemoryCache
from facesynth.serving.problems import Problem
from facesynth.serving.worker.tasks import Generator

_DEEPEST = 4
_SOURCES = 64
"""Of one style, its regions' too: each seed draws noise of its own, which takes the painter a millisecond."""


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
        style = self._read(told, where, depth)
        if (sources := _sources(style)) > _SOURCES:
            what = f"this style is made of {sources} others, {_SOURCES} are the most"
            raise Problem("bad-style", what, where=where, hint="mix fewer")
        return style

    def _read(self, told: Any, where: str, depth: int) -> Style:
        if depth > _DEEPEST or not isinstance(told, dict):
            what = f"styles lie in one another {_DEEPEST} deep" if depth > _DEEPEST else "a JSON object is wanted"
            raise Problem("bad-style", what, where=where)
        if "format" in told:
            return Style.from_json(json.dumps(told))
        if told.keys() == {"mix", "t"} and isinstance(told["mix"], list) and len(told["mix"]) == 2:
            a, b = (self.read(part, f"{where}.mix.{index}", depth + 1) for index, part in enumerate(told["mix"]))
            if told["t"] is None:
                raise Problem("bad-field", "a number from 0 to 1 is wanted", where="t")
            return Style.mix(a, b, Fields(told).number("t", 0, 1, 0))
        if told.keys() == {"base", "regions"} and isinstance(told["regions"], dict):
            return self._with_regions(told, where, depth)
        if told.keys() == {"seed"}:
            if (seed := Fields(told).integer("seed", 0, MAX_SEED)) is None:
                raise Problem("bad-field", f"a whole number from 0 to {MAX_SEED} is wanted", where="seed")
            return Style.from_seed(seed)
        if told.keys() == {"mean"} and told["mean"] is True:
            return self._mean()
        if told.keys() == {"digest"} and isinstance(told["digest"], str):
            if (found := self.remembered.get(told["digest"])) is None:
                raise Problem("unknown-style", "this style is not known here", where=where, hint="send it whole")
            return found
        hint = (
            'write {"seed": 7}, {"mean": true}, {"digest": …}, {"mix": [A, B], "t": 0.5}, {"base": A, "regions": {…}}'
        )
        raise Problem("bad-style", f"this is no style: it has {_names(told)}", where=where, hint=hint)

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


def _names(told: dict[str, Any]) -> str:
    """What an object's fields are called, in words."""
    return ", ".join(name[:40] for name in sorted(told)[:8]) or "nothing"


def _sources(style: Style) -> int:
    """How many sources the sums of a style have, its regions' too."""
    return len(style.components) + sum(len(parts) for _, parts in style.regions)


def noise_seed_of(style: Style) -> int | None:
    """The seed of the noise that goes with a style: a seed's own, 0 for a face's; None where several are mixed."""
    seeds = {getattr(source, "seed", 0) for _, source in style.components}
    return next(iter(seeds)) if len(seeds) == 1 else None
