"""How well label maps agree: one confusion matrix over all pixels, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facesynth.core.labels import LABEL_NAMES, NUM_LABELS, LabelMap


@dataclass(slots=True)
class ConfusionMatrix:
    """Counts of pixels by (true label, predicted label): 19×19 int64, summed over all pairs that were added."""

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((NUM_LABELS, NUM_LABELS), dtype=np.int64))

    def add(self, truth: LabelMap, predicted: LabelMap) -> None:
        """Add one pair of label maps of the same size."""
        if truth.ids.shape != predicted.ids.shape:
            raise ValueError(f"label maps differ in size: {truth.ids.shape} and {predicted.ids.shape}")
        pairs = truth.ids.ravel().astype(np.int64) * NUM_LABELS + predicted.ids.ravel()
        self.counts += np.bincount(pairs, minlength=NUM_LABELS**2).reshape(NUM_LABELS, NUM_LABELS)

    @property
    def pixel_accuracy(self) -> float:
        """The share of pixels with the right label, 0..1; NaN when nothing was added."""
        total = self.counts.sum()
        return float(np.trace(self.counts) / total) if total else float("nan")

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union a label (19 floats); NaN for a label that neither side holds."""
        union = self.counts.sum(0) + self.counts.sum(1) - np.diag(self.counts)
        return _ratio(np.diag(self.counts), union)

    @property
    def f1(self) -> NDArray[np.float64]:
        """F1 (Dice) a label (19 floats); NaN for a label that neither side holds."""
        return _ratio(2 * np.diag(self.counts), self.counts.sum(0) + self.counts.sum(1))

    @property
    def mean_iou(self) -> float:
        """The mean of `iou` over the labels that occur."""
        return _mean(self.iou)

    @property
    def mean_f1(self) -> float:
        """The mean of `f1` over the 18 foreground labels that occur."""
        return _mean(self.f1[1:])

    def summary(self) -> dict[str, float]:
        """Return pixel accuracy, mean IoU, mean foreground F1 and each label's IoU, by name."""
        scores = {"pixel_accuracy": self.pixel_accuracy, "mean_iou": self.mean_iou, "mean_f1": self.mean_f1}
        return scores | {f"iou/{name}": float(value) for name, value in zip(LABEL_NAMES, self.iou, strict=True)}


def _ratio(numerator: NDArray[np.int64], denominator: NDArray[np.int64]) -> NDArray[np.float64]:
    result = np.full(NUM_LABELS, np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result


def _mean(values: NDArray[np.float64]) -> float:
    present = values[~np.isnan(values)]
    return float(present.mean()) if present.size else float("nan")
