"""What is told of a generator's masks: which fit which region best, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from facesynth.evaluation.masks.regions import MAIN, REGIONS
from facesynth.evaluation.masks.survey import LayerSurvey, RegionFit

_FEWEST = 8
"""Pictures of the scoring half below which a standard error says little."""
_FITS = 0.5
"""The IoU from which on one thing is said to be found by another, as detectors are scored."""

RULE = (
    "Polarity, threshold, channel and layer are chosen on every other picture of which the region is a hundredth or "
    "more, IoU is the mean over the others. chance: the same channel's masks on all other pictures' regions; fixed: "
    "one mask, where the choosing half shows the region more often than not; all: the region's share of the picture, "
    "the IoU of a mask that is 1 everywhere. +- is the standard error of own minus chance over pictures."
)


@dataclass(frozen=True, slots=True)
class MaskFindings:
    """All that was found. `parser` is None where nothing was parsed: then no layer has any fit."""

    generator: str
    sha256: str
    normalisation: str
    size: int
    seeds: tuple[int, ...]
    layers: tuple[LayerSurvey, ...]
    drawn: Mapping[str, Sequence[int]]
    """Layer → the channels that its sheet shows."""
    parser: str | None
    parser_sha256: str | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def best(self, region: str) -> tuple[LayerSurvey, RegionFit] | None:
        """The layer whose best channel fits a region best on the choosing half; None where too few pictures show it."""
        fitted = [(layer, layer.fits[region]) for layer in self.layers if region in layer.fits]
        return max(fitted, key=lambda pair: pair[1].best.chosen, default=None)

    def headline(self) -> str:
        """In a sentence, whether masks find the head."""
        if self.parser is None:
            return "nothing was parsed, so no mask was compared with a face"
        found = self.best(MAIN)
        if found is None:
            return f"the parser finds no head in enough of the {len(self.seeds)} pictures: nothing to compare with"
        layer, fit = found
        best, scores = fit.best, fit.best.scores
        return (
            f"{verdict(fit, MAIN)}: mask {best.index} of {layer.layer.name}, cut at {best.threshold:.2f}, has IoU "
            f"{scores.own:.3f} on {fit.pictures} pictures that did not choose it; chance {scores.others:.3f} "
            f"({scores.difference:+.3f} +- {scores.error:.3f}), one fixed mask {fit.average:.3f}, "
            f"all ones {fit.constant:.3f}"
        )

    def table(self) -> Iterator[str]:
        """Lines of text: of each region the layers, and for each of these its best mask; then the headline."""
        width = max(len(layer.layer.name) for layer in self.layers)
        for region in REGIONS:
            rows = [(layer, layer.fits[region]) for layer in self.layers if region in layer.fits]
            if not rows:
                continue
            scoring = max(fit.pictures for _, fit in rows)
            yield f"{region}: {scoring} of {len(self.seeds)} pictures score what about as many others chose"
            yield (f"{'LAYER':<{width}}  SIDE  MASK  CUT   IOU    CHANCE  OWN-CHANCE      FIXED  ALL    AT 0.5  MEDIAN")
            for layer, fit in rows:
                best, scores = fit.best, fit.best.scores
                yield (
                    f"{layer.layer.name:<{width}}  {layer.layer.side:>4}  {best.index:>4}  {best.threshold:.2f}  "
                    f"{scores.own:.3f}  {scores.others:.3f}   {scores.difference:+.3f} +- {scores.error:.3f}  "
                    f"{fit.average:.3f}  {fit.constant:.3f}  {fit.half.scores.own:.3f}   {fit.typical:.3f}"
                )
            yield ""
        yield self.headline()


def verdict(fit: RegionFit, region: str) -> str:
    """What the best channel of a layer does, in words."""
    scores = fit.best.scores
    if fit.pictures < _FEWEST:
        return f"too few pictures show the {region} to say whether masks find it"
    if not scores.beyond_chance:
        return f"masks fit the {region} no better than other pictures' masks do"
    if scores.own <= max(fit.average, fit.constant):
        return f"masks follow the {region}, but one fixed mask fits it as well"
    if scores.own < _FITS:
        return f"masks follow the {region} loosely"
    return f"masks find the {region}"
