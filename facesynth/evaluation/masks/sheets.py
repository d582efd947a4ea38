"""Contact sheets of what layers find: rows are seeds, columns channels, and a legend below says what colours mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw

from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.lettering import Line, line
from facesynth.core.sheets import contact_sheet
from facesynth.evaluation.masks.colours import (
    diverging,
    diverging_colours,
    enlarged,
    grey,
    grey_colours,
    mask_range,
    reach_of,
)
from facesynth.evaluation.masks.overlap import Masks, aligned
from facesynth.evaluation.masks.survey import LayerSurvey
from facesynth.inference.mask_reading import LayerFields

CELL = 128
_PAPER, _INK = (250, 250, 248), (45, 45, 50)
_TEXT, _BAR, _GAP = 13, 160, 8

Legend = tuple[Image.Image | None, str]
"""A colour bar, and what is said beside it."""


def layer_sheet(
    survey: LayerSurvey, channels: Sequence[int], fields: LayerFields, pictures: Sequence[Photo], seeds: Sequence[int]
) -> Photo:
    """One layer: a row a seed with its picture, then the chosen channels' masks, their γ, and their β.

    A mask that all channels share stands there once.
    """
    own = channels if survey.layer.masks > 1 else channels[:1]
    masks = _aligned(survey, channels, fields)[:, : len(own)]
    low, high = mask_range(masks)
    reaches = reach_of(fields.gamma), reach_of(fields.beta)
    rows = []
    for row, picture in enumerate(pictures):
        cells = [_shown(picture)]
        cells += [grey(each, low, high, CELL) for each in masks[row]]
        for values, reach in zip((fields.gamma, fields.beta), reaches, strict=True):
            cells += [diverging(each, reach, CELL) for each in values[row]]
        rows.append(cells)
    titles = ["picture", *(_mask_title(survey, channel) for channel in own)]
    titles += [f"{what} {channel}" for what in ("gamma", "beta") for channel in channels]
    legend = [
        (_grey_bar(), f"m, a mask: black {low:.2f}, white {high:.2f}; 1-m where the title says so"),
        (_diverging_bar(), f"gamma: blue -{reaches[0]:g}, white 0, red {reaches[0]:g}; beyond that as at the ends"),
        (_diverging_bar(), f"beta: blue -{reaches[1]:g}, white 0, red {reaches[1]:g}; beyond that as at the ends"),
    ]
    return _with_legend(_sheet(rows, titles, seeds), legend)


def overview_sheet(
    survey: LayerSurvey,
    channels: Sequence[int],
    fields: LayerFields,
    pictures: Sequence[Photo],
    seeds: Sequence[int],
    labels: Sequence[LabelMap] | None,
) -> Photo:
    """As the paper's figure 2: a layer's masks m and 1-m beside the pictures, and what they were parsed into."""
    masks = _aligned(survey, channels, fields)
    low, high = mask_range(np.concatenate([masks, 1 - masks]))
    rows = []
    for row, picture in enumerate(pictures):
        cells = [_shown(picture)]
        if labels is not None:
            cells.append(Photo(enlarged(labels[row].colours(), CELL)))
        for each in masks[row]:
            cells += [grey(each, low, high, CELL), grey(1 - each, low, high, CELL)]
        rows.append(cells)
    titles = ["picture", *(["parsed"] if labels is not None else [])]
    for channel in channels:
        titles += [f"m {channel}", f"1-m {channel}"]
    side = (
        "the side that is larger in the parsed head" if labels is not None else "the side that is larger in the middle"
    )
    told = f"layer {survey.layer.name}, {survey.layer.side}×{survey.layer.side}: black {low:.2f}, white {high:.2f}"
    legend = [(_grey_bar(), told), (None, f"which side of a mask is m and which 1-m is arbitrary: m is {side}")]
    return _with_legend(_sheet(rows, titles, seeds), legend)


def _aligned(survey: LayerSurvey, channels: Sequence[int], fields: LayerFields) -> Masks:
    return aligned(fields.mask, survey.flipped[[min(channel, survey.layer.masks - 1) for channel in channels]])


def _mask_title(survey: LayerSurvey, channel: int) -> str:
    mask = min(channel, survey.layer.masks - 1)
    return f"{'1-m' if survey.flipped[mask] else 'm'} {channel if survey.layer.masks > 1 else 'of all'}"


def _shown(picture: Photo) -> Photo:
    return Photo(enlarged(picture.pixels, CELL)) if picture.width < CELL else picture.resized(CELL, CELL)


def _sheet(rows: Sequence[Sequence[Photo]], titles: Sequence[str], seeds: Sequence[int]) -> Photo:
    return contact_sheet(rows, cell=CELL, titles=titles, row_titles=[f"seed {seed}" for seed in seeds])


def _grey_bar() -> Image.Image:
    levels = np.linspace(0, 1, _BAR)[None].repeat(_TEXT, axis=0)
    return Image.fromarray(grey_colours(levels, 0, 1))


def _diverging_bar() -> Image.Image:
    colours = diverging_colours(np.linspace(-1, 1, _BAR))
    return Image.fromarray(np.repeat(colours[None], _TEXT, axis=0))


def _with_legend(sheet: Photo, legend: Sequence[Legend]) -> Photo:
    """The sheet with these lines below it, on a wider one where they need it."""
    drawn = list(_lines(legend))
    width = max(sheet.width, *(round(left + told.width) + _GAP for _, left, told in drawn))
    step = _TEXT + _GAP
    whole = Image.new("RGB", (width, sheet.height + len(drawn) * step + _GAP), _PAPER)
    whole.paste(Image.fromarray(sheet.pixels), (0, 0))
    draw = ImageDraw.Draw(whole)
    for index, (bar, left, told) in enumerate(drawn):
        top = sheet.height + _GAP // 2 + index * step
        if bar is not None:
            whole.paste(bar, (_GAP, top))
        told.draw(draw, left, top + _TEXT / 2, _INK)
    return Photo(np.asarray(whole))


def _lines(legend: Sequence[Legend]) -> Iterator[tuple[Image.Image | None, float, Line]]:
    for bar, told in legend:
        yield bar, _GAP if bar is None else _GAP + _BAR + _GAP, line(told, _TEXT)
