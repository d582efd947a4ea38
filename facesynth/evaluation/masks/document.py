"""What was found of masks, as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

from facesynth.evaluation.masks.findings import RULE, MaskFindings, verdict
from facesynth.evaluation.masks.regions import MAIN, REGIONS, REGIONS_TOLD
from facesynth.evaluation.masks.survey import Channel, LayerSurvey, RegionFit

FORMAT = "facesynth-masks-1"


def masks_json(findings: MaskFindings) -> str:
    """All that was found as a JSON document; scores are 0..1. `regions` are empty where nothing was parsed."""
    parsed = findings.parser is not None
    document = {
        "format": FORMAT,
        "headline": findings.headline(),
        "generator": {
            "name": findings.generator,
            "sha256": findings.sha256,
            "normalisation": findings.normalisation,
            "size": findings.size,
        },
        "parser": {"name": findings.parser, "sha256": findings.parser_sha256} if parsed else None,
        "seeds": list(findings.seeds),
        "polarity": f"the side that is larger in the parsed {MAIN}"
        if parsed
        else "the side that is larger in the middle",
        "rule": RULE,
        "regions": {name: REGIONS_TOLD[name] for name in REGIONS} if parsed else {},
        "best": {name: _best(findings, name) for name in REGIONS} if parsed else {},
        "layers": [_layer(layer, findings) for layer in findings.layers],
        "settings": dict(findings.settings),
        "versions": dict(findings.versions),
    }
    text = json.dumps(_plain(document), indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _best(findings: MaskFindings, region: str) -> Mapping[str, Any] | None:
    found = findings.best(region)
    if found is None:
        return None
    layer, fit = found
    return {"layer": layer.layer.name, "verdict": verdict(fit, region), **_fit(fit)}


def _layer(survey: LayerSurvey, findings: MaskFindings) -> Mapping[str, Any]:
    return {
        **dataclasses.asdict(survey.layer),
        "drawn": list(findings.drawn.get(survey.layer.name, ())),
        "variation": survey.variation.round(6).tolist(),
        "turned_over": survey.flipped.tolist(),
        "regions": {name: _fit(fit) for name, fit in survey.fits.items()},
    }


def _fit(fit: RegionFit) -> Mapping[str, Any]:
    return {
        "pictures": fit.pictures,
        "best_threshold": _channel(fit.best),
        "at_half": _channel(fit.half),
        "median_at_half": fit.typical,
        "constant": fit.constant,
        "fixed": fit.average,
    }


def _channel(channel: Channel) -> Mapping[str, Any]:
    return {
        "mask": channel.index,
        "turned_over": channel.flipped,
        "threshold": channel.threshold,
        "iou_choosing": channel.chosen,
        "iou": channel.scores.own,
        "chance": channel.scores.others,
        "difference": channel.scores.difference,
        "standard_error": channel.scores.error,
        "pictures_above_chance": channel.scores.wins,
        "beyond_chance": channel.scores.beyond_chance,
    }


def _plain(value: Any) -> Any:
    """Numbers to six decimals, and null for what is none."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
