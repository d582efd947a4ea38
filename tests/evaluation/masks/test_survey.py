"""A survey of a generator's masks, against masks that are known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from facesynth.core.labels import Label, LabelMap
from facesynth.evaluation.masks import survey as module
from facesynth.evaluation.masks.document import masks_json
from facesynth.evaluation.masks.findings import MaskFindings, verdict
from facesynth.evaluation.masks.page import masks_page
from facesynth.evaluation.masks.regions import MAIN, centre
from facesynth.evaluation.masks.survey import LayerSurvey, Seen, passes_of, survey
from facesynth.inference.mask_reading import masked_layers, read_masks
from facesynth.inference.sampler import Sampler
from tests.tiny_generators import tiny_generator, tiny_spec

SPEC = tiny_spec()
SEEDS = tuple(range(24))
LAYER, CHANNEL, CUT = "blocks.1.norm_1", 2, 0.5


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    return Sampler(tiny_generator(SPEC), SPEC, device="cpu")


@pytest.fixture(scope="module")
def labels(sampler: Sampler) -> list[LabelMap]:
    """Label maps whose heads are where one channel's mask is among the upper 40 % of its values."""
    masks = read_masks(sampler, SEEDS, None, {LAYER: [CHANNEL]})[LAYER][:, 0]
    heads: NDArray[np.bool_] = masks > np.quantile(masks.astype(float), 0.6)
    return [LabelMap(np.where(head, Label.SKIN, Label.BACKGROUND).astype(np.uint8)) for head in heads]


@pytest.fixture(scope="module")
def surveyed(sampler: Sampler, labels: list[LabelMap]) -> tuple[LayerSurvey, ...]:
    return survey(Seen(sampler, SEEDS, labels=labels), masked_layers(sampler))


def findings(surveyed: tuple[LayerSurvey, ...], parser: str | None = "a parser") -> MaskFindings:
    drawn = {each.layer.name: each.varied(2) for each in surveyed}
    return MaskFindings("tiny", "0" * 64, "spn", 16, SEEDS, surveyed, drawn, parser, parser and "1" * 64)


def test_the_channel_that_is_the_head_is_found(surveyed: tuple[LayerSurvey, ...]) -> None:
    found = findings(surveyed).best(MAIN)
    assert found is not None
    layer, fit = found
    assert (layer.layer.name, fit.best.index) == (LAYER, CHANNEL) and fit.pictures >= 8
    assert fit.best.scores.own > 0.8 > max(fit.best.scores.others, fit.average, fit.constant)
    assert fit.best.scores.beyond_chance and verdict(fit, MAIN) == "masks find the head"
    assert layer.telling(3)[0] == CHANNEL and len(set(layer.telling(3))) == 3


def test_the_verdict_says_no_more_than_the_numbers(surveyed: tuple[LayerSurvey, ...]) -> None:
    found = findings(surveyed).best(MAIN)
    assert found is not None
    _, fit = found

    def told(pictures: int = fit.pictures, average: float = fit.average, **scores: float) -> str:
        best = replace(fit.best, scores=replace(fit.best.scores, **scores))
        return verdict(replace(fit, best=best, pictures=pictures, average=average), "hair")

    assert told() == "masks find the hair"
    assert "too few pictures" in told(pictures=7)
    assert "no better than other pictures' masks" in told(difference=0.1, error=0.06)
    assert "one fixed mask fits it as well" in told(average=1.0)
    assert "loosely" in told(own=max(0.45, fit.constant + 0.01))


def test_what_is_found_does_not_depend_on_how_much_is_held_at_once(
    sampler: Sampler, labels: list[LabelMap], surveyed: tuple[LayerSurvey, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []
    monkeypatch.setattr(module, "_VALUES_AT_ONCE", 2 * len(SEEDS) * 16**2)
    layers = masked_layers(sampler)
    again = survey(Seen(sampler, SEEDS, labels=labels), layers, lambda: passes.append(1))
    assert len(passes) == passes_of(layers, len(SEEDS), parsed=True) > 2 * len(layers)
    for one, other in zip(again, surveyed, strict=True):
        assert one.fits == other.fits
        np.testing.assert_array_equal(one.flipped, other.flipped)
        np.testing.assert_allclose(one.variation, other.variation)


def test_without_label_maps_masks_are_turned_to_the_middle(sampler: Sampler) -> None:
    [layer] = survey(Seen(sampler, SEEDS), masked_layers(sampler)[-1:])
    masks = read_masks(sampler, SEEDS, None, {layer.layer.name: range(layer.layer.masks)})[layer.layer.name]
    assert not layer.fits and layer.telling(2) == layer.varied(2)
    disc = centre(layer.layer.side)
    inside, outside = (masks[:, :, where].astype(float).mean((0, 2)) for where in (disc, ~disc))
    assert np.array_equal(inside < outside, layer.flipped) and 0 < layer.flipped.sum() < layer.layer.masks
    spread = masks.astype(float).std((2, 3)).mean(0)
    assert layer.varied(2) == np.argsort(-spread, kind="stable")[:2].tolist()


def test_pictures_without_faces_leave_nothing_to_compare_with(sampler: Sampler) -> None:
    nobody = [LabelMap(np.zeros((16, 16), dtype=np.uint8))] * len(SEEDS)
    found = findings(survey(Seen(sampler, SEEDS, labels=nobody), masked_layers(sampler)))
    assert found.best(MAIN) is None and "no head in enough of the 24 pictures" in found.headline()
    assert list(found.table()) == [found.headline()]
    assert json.loads(masks_json(found))["best"][MAIN] is None
    assert "no head" in masks_page(found, {})


def test_the_document_holds_what_the_table_tells(surveyed: tuple[LayerSurvey, ...]) -> None:
    found = findings(surveyed)
    told = json.loads(masks_json(found))
    best = told["best"][MAIN]
    assert best["layer"] == LAYER and best["best_threshold"]["mask"] == CHANNEL and best["verdict"] in told["headline"]
    table = list(found.table())
    [row] = [line for line in table[: len(surveyed) + 2] if line.startswith(LAYER)]
    for key in ("iou", "chance"):
        assert f"{best['best_threshold'][key]:.3f}" in row
    assert table[-1] == found.headline() and len(told["layers"]) == len(surveyed)
    assert [len(each["variation"]) for each in told["layers"]] == [each.layer.masks for each in surveyed]
    page = masks_page(found, {})
    assert found.headline().split(":")[0] in page and f"<b>{best['best_threshold']['iou']:.3f}</b>" in page


def test_without_a_parser_it_says_that_nothing_was_compared(sampler: Sampler) -> None:
    found = findings(survey(Seen(sampler, SEEDS), masked_layers(sampler)), parser=None)
    told = json.loads(masks_json(found))
    assert told["parser"] is None and told["regions"] == {} and "nothing was parsed" in told["headline"]
    assert "nothing was parsed" in masks_page(found, {})
