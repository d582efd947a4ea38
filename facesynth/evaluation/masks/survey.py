"""Every mask of every layer over many pictures: how much it varies, which side of it is the face, how well it fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facesynth.core.labels import LabelMap
from facesynth.evaluation.masks.overlap import (
    AgainstChance,
    ChannelScores,
    Halves,
    Masks,
    Regions,
    against_chance,
    aligned,
    average_iou,
    constant_iou,
    polarity,
    score_channels,
)
from facesynth.evaluation.masks.regions import MAIN, REGIONS, centre, region_at
from facesynth.inference.conditions import Condition
from facesynth.inference.mask_reading import MaskedLayer, read_masks
from facesynth.inference.sampler import Sampler

_VALUES_AT_ONCE = 1 << 25


@dataclass(frozen=True, slots=True)
class Seen:
    """The pictures that are surveyed, and the label maps that they were parsed into: None where they were not."""

    sampler: Sampler
    seeds: Sequence[int]
    conditions: Sequence[Condition] | None = None
    labels: Sequence[LabelMap] | None = None
    _regions: dict[tuple[str, int], Regions] = field(init=False, default_factory=dict)

    def regions(self, name: str, side: int) -> Regions:
        """A region of all pictures at a layer's resolution, N×side×side."""
        if (name, side) not in self._regions:
            assert self.labels is not None
            at = [region_at(labels, REGIONS[name], side) for labels in self.labels]
            self._regions[name, side] = np.stack(at)
        return self._regions[name, side]

    def aligning(self, side: int) -> Regions:
        """The region that polarity is drawn by: the head, or the pictures' middle where nothing was parsed."""
        if self.labels is None:
            return np.broadcast_to(centre(side), (len(self.seeds), side, side))
        return self.regions(MAIN, side)


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel that was chosen by one half of the pictures, and what it does on the other."""

    index: int
    flipped: bool
    threshold: float
    chosen: float
    """Its mean IoU on the half that chose it."""
    scores: AgainstChance


@dataclass(frozen=True, slots=True)
class RegionFit:
    """How well a layer's masks fit a region: its best channel cut at 0.5, and cut at the best threshold."""

    pictures: int
    """Of the scoring half."""
    half: Channel
    best: Channel
    typical: float
    """The median channel's IoU, cut at 0.5."""
    constant: float
    average: float
    """The IoU of one fixed mask, the average of the regions on the choosing half."""


@dataclass(frozen=True, slots=True)
class LayerSurvey:
    """What was found of a layer: a number a mask, and a fit for each region that enough pictures show."""

    layer: MaskedLayer
    variation: NDArray[np.float64]
    """The mean over pictures of a mask's standard deviation over the picture."""
    flipped: NDArray[np.bool_]
    """Which masks are drawn turned over."""
    fits: Mapping[str, RegionFit]

    def varied(self, count: int) -> list[int]:
        """So many masks, or as many as there are, that vary most over the picture."""
        return most_varied(self.variation, count)

    def telling(self, count: int) -> list[int]:
        """So many masks to look at: the one that fits the head best, where that is known, and those that vary most."""
        first = [self.fits[MAIN].best.index] if MAIN in self.fits else []
        return list(dict.fromkeys([*first, *self.varied(count)]))[:count]


def most_varied(variation: NDArray[np.floating], count: int) -> list[int]:
    """The indices of so many of the largest numbers, or of all, the largest first."""
    return [int(index) for index in np.argsort(-variation, kind="stable")[:count]]


def survey(
    seen: Seen, layers: Sequence[MaskedLayer], on_pass: Callable[[], None] = lambda: None
) -> tuple[LayerSurvey, ...]:
    """Survey layers, in passes over all pictures that each hold a bounded number of values; `on_pass` hears of each."""
    return tuple(_survey(seen, layer, on_pass) for layer in layers)


def passes_of(layers: Sequence[MaskedLayer], pictures: int, *, parsed: bool) -> int:
    """How many passes over the pictures `survey` makes."""
    return sum(len(list(_portions(layer, pictures))) + parsed for layer in layers)


def _portions(layer: MaskedLayer, pictures: int) -> Iterator[range]:
    step = max(1, _VALUES_AT_ONCE // (pictures * layer.side**2))
    for first in range(0, layer.masks, step):
        yield range(first, min(first + step, layer.masks))


def _survey(seen: Seen, layer: MaskedLayer, on_pass: Callable[[], None]) -> LayerSurvey:
    names = REGIONS if seen.labels is not None else ()
    regions = {name: seen.regions(name, layer.side) for name in names}
    halves = {name: found for name, at in regions.items() if (found := Halves.of(at)) is not None}
    choosing = halves[MAIN].choosing if MAIN in halves else np.arange(len(seen.seeds))
    aligning = seen.aligning(layer.side)
    variation, flipped = [], []
    scores: dict[str, list[ChannelScores]] = {name: [] for name in halves}
    for portion in _portions(layer, len(seen.seeds)):
        masks = read_masks(seen.sampler, seen.seeds, seen.conditions, {layer.name: portion})[layer.name]
        variation.append(np.array([each.astype(np.float64).std((1, 2)).mean() for each in masks.swapaxes(0, 1)]))
        flipped.append(polarity(masks[choosing], aligning[choosing]))
        for name, half in halves.items():
            scores[name].append(score_channels(masks, regions[name], half))
        on_pass()
    fits = {}
    if halves:
        joined = {name: ChannelScores.joined(parts) for name, parts in scores.items()}
        fits = _fits(seen, layer, regions, halves, joined)
        on_pass()
    return LayerSurvey(layer, np.concatenate(variation), np.concatenate(flipped), fits)


def _fits(
    seen: Seen,
    layer: MaskedLayer,
    regions: Mapping[str, Regions],
    halves: Mapping[str, Halves],
    scores: Mapping[str, ChannelScores],
) -> dict[str, RegionFit]:
    winners = {name: (int(each.chosen_half.argmax()), int(each.chosen_best.argmax())) for name, each in scores.items()}
    channels = sorted({channel for pair in winners.values() for channel in pair})
    masks = read_masks(seen.sampler, seen.seeds, seen.conditions, {layer.name: channels})[layer.name]
    found = {}
    for name, (half, best) in winners.items():
        score, scoring = scores[name], halves[name].scoring
        at = regions[name][scoring]
        own = {channel: masks[scoring, channels.index(channel)] for channel in (half, best)}
        found[name] = RegionFit(
            pictures=len(scoring),
            half=_channel(half, score, 0.5, score.chosen_half, own[half], at),
            best=_channel(best, score, float(score.threshold[best]), score.chosen_best, own[best], at),
            typical=float(np.median(score.scored_half)),
            constant=constant_iou(at),
            average=average_iou(regions[name], halves[name]),
        )
    return found


def _channel(
    index: int, scores: ChannelScores, threshold: float, chosen: NDArray[np.float64], masks: Masks, regions: Regions
) -> Channel:
    """One channel's `masks`, N×side×side, as they were chosen, scored on these pictures."""
    flipped = bool(scores.flipped[index])
    cut = aligned(masks[:, None], np.array([flipped]))[:, 0] > threshold
    return Channel(index, flipped, threshold, float(chosen[index]), against_chance(cut, regions))
