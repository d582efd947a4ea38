"""How well masks overlap with regions, channel by channel: chosen on one half of the pictures, scored on the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Masks = NDArray[np.floating]
"""N×K×side×side in 0..1."""
Regions = NDArray[np.bool_]
"""N×side×side."""

_SHARES = (0.05, *np.arange(0.1, 0.95, 0.1).tolist(), 0.95)
"""Of a channel's values, that lie below the thresholds that are tried."""
_SHOWN = 0.01
"""The share of a picture from which on it shows a region: less is what a parser sees in noise."""
_ENOUGH = 4096
"""Values that a channel's quantiles are taken of."""


@dataclass(frozen=True, slots=True)
class Halves:
    """Which pictures choose polarity, threshold and channel, and which ones score what was chosen."""

    choosing: NDArray[np.int64]
    scoring: NDArray[np.int64]

    @classmethod
    def of(cls, regions: Regions) -> Halves | None:
        """Every other picture that shows the region, more of it than specks; None where a half has fewer than two."""
        shown = np.flatnonzero(regions.mean((1, 2)) >= _SHOWN)
        return cls(shown[0::2], shown[1::2]) if len(shown) >= 4 else None


@dataclass(frozen=True, slots=True)
class ChannelScores:
    """Of K channels, each K values: with polarity and thresholds chosen on one half, and IoU on both."""

    flipped: NDArray[np.bool_]
    """Where 1-m overlaps more with the region than m."""
    threshold: NDArray[np.float64]
    """Of the aligned mask, the best of those tried on the choosing half."""
    chosen_half: NDArray[np.float64]
    chosen_best: NDArray[np.float64]
    """Mean IoU on the choosing half, cut at 0.5 and at `threshold`."""
    scored_half: NDArray[np.float64]
    scored_best: NDArray[np.float64]
    """The same on the scoring half."""

    @classmethod
    def joined(cls, parts: Sequence[ChannelScores]) -> ChannelScores:
        """Those of several portions of a layer's channels, in order."""
        names = [each.name for each in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True, slots=True)
class AgainstChance:
    """One channel's masks on the scoring half: its IoU with its own pictures, and with all the others'.

    The masks of other pictures are random ones of the right area, shape and place: chance. `difference` is the mean
    over pictures of own minus others', `error` its standard error, `wins` the share of pictures where it is positive.
    """

    own: float
    others: float
    difference: float
    error: float
    wins: float

    @property
    def beyond_chance(self) -> bool:
        """Whether masks follow their own pictures: by more than two standard errors."""
        return self.difference > 2 * self.error


def polarity(masks: Masks, regions: Regions) -> NDArray[np.bool_]:
    """Of each channel, whether 1-m overlaps more with the region: m is on the average larger outside of it than inside.

    Which side of a mask is 1 is arbitrary (swapping it with w₁ and w₂ changes nothing), so that only a viewer decides.
    """
    values, inside = masks.astype(np.float32), regions.astype(np.float32)
    within = np.einsum("nkhw,nhw->k", values, inside) / max(1.0, inside.sum())
    without = np.einsum("nkhw,nhw->k", values, 1 - inside) / max(1.0, (1 - inside).sum())
    flipped: NDArray[np.bool_] = within < without
    return flipped


def aligned(masks: Masks, flipped: NDArray[np.bool_]) -> Masks:
    """Masks with those channels turned over, in their own precision."""
    turned: Masks = np.where(flipped[:, None, None], masks.dtype.type(1) - masks, masks)
    return turned


def iou(masks: NDArray[np.bool_], regions: Regions) -> NDArray[np.float64]:
    """Intersection over union of each mask with its region: N×side×side both → N; 0 where both are empty."""
    both, either = (masks & regions).sum((1, 2)), (masks | regions).sum((1, 2))
    overlap: NDArray[np.float64] = both / np.maximum(1, either)
    return overlap


def score_channels(masks: Masks, regions: Regions, halves: Halves) -> ChannelScores:
    """Choose and score every channel by itself. No number of the scoring half has a say in any choice."""
    flipped = polarity(masks[halves.choosing], regions[halves.choosing])
    rows = []
    for channel in range(masks.shape[1]):
        own = aligned(masks[:, channel : channel + 1], flipped[channel : channel + 1])[:, 0]
        chosen, scored = own[halves.choosing], own[halves.scoring]
        cuts = _thresholds(chosen)
        tried = [_mean_iou(chosen, cut, regions[halves.choosing]) for cut in cuts]
        best = int(np.argmax(tried))
        half, at_best = (_mean_iou(scored, cut, regions[halves.scoring]) for cut in (0.5, cuts[best]))
        rows.append((cuts[best], _mean_iou(chosen, 0.5, regions[halves.choosing]), tried[best], half, at_best))
    columns = np.array(rows, dtype=np.float64).reshape(-1, 5).T
    return ChannelScores(flipped, *columns)


def against_chance(masks: NDArray[np.bool_], regions: Regions) -> AgainstChance:
    """Compare one channel's aligned, cut masks, N×side×side, with their own regions and with all others'."""
    count = len(masks)
    flat, wanted = masks.reshape(count, -1).astype(np.float32), regions.reshape(count, -1).astype(np.float32)
    both = flat @ wanted.T
    either = flat.sum(1)[:, None] + wanted.sum(1)[None] - both
    overlap = (both / np.maximum(1, either)).astype(np.float64)
    own = overlap.diagonal()
    others = (overlap.sum(0) - own) / (count - 1)
    difference = own - others
    return AgainstChance(
        own=float(own.mean()),
        others=float(others.mean()),
        difference=float(difference.mean()),
        error=float(difference.std(ddof=1) / np.sqrt(count)),
        wins=float((difference > 0).mean()),
    )


def constant_iou(regions: Regions) -> float:
    """The IoU of masks that are 1 everywhere: the region's share of the picture."""
    return float(regions.mean((1, 2)).mean())


def average_iou(regions: Regions, halves: Halves) -> float:
    """The IoU of one fixed mask, where the choosing half shows the region more often than not, on the scoring half."""
    usual = regions[halves.choosing].mean(0) > 0.5
    return float(iou(np.broadcast_to(usual, regions[halves.scoring].shape), regions[halves.scoring]).mean())


def _mean_iou(masks: Masks, threshold: float, regions: Regions) -> float:
    return float(iou(masks > threshold, regions).mean())


def _thresholds(masks: Masks) -> list[float]:
    """0.5, and what parts of a channel's values lie below."""
    values = masks.reshape(-1).astype(np.float64)
    return [0.5, *np.quantile(values[:: max(1, len(values) // _ENOUGH)], _SHARES).tolist()]
