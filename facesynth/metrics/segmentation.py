"""How well label maps agree: one confusion matrix over all pixels, and what follows from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from facesynth.core.labels import LABEL_NAMES, NUM_LABELS, Label, LabelMap

GROUPS: Mapping[str, tuple[Label, ...]] = MappingProxyType(
    {
        "eyes": (Label.L_EYE, Label.R_EYE),
        "brows": (Label.L_BROW, Label.R_BROW),
        "ears": (Label.L_EAR, Label.R_EAR),
        "lips": (Label.U_LIP, Label.L_LIP),
    }
)
"""Classes that are also scored as if they were one, so that mixing them up is no fault."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well two sides agree on one class: pixels that both call it so, that the truth does, the prediction does."""

    both: int
    truth: int
    predicted: int

    @property
    def iou(self) -> float:
        """Intersection over union; NaN for a class that neither side holds."""
        return _share(self.both, self.truth + self.predicted - self.both)

    @property
    def f1(self) -> float:
        """F1 (Dice); NaN for a class that neither side holds."""
        return _share(2 * self.both, self.truth + self.predicted)

    @property
    def precision(self) -> float:
        """The share of predicted pixels that are right; NaN where none is predicted."""
        return _share(self.both, self.predicted)

    @property
    def recall(self) -> float:
        """The share of true pixels that are found; NaN where there is none."""
        return _share(self.both, self.truth)


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
    def pixels(self) -> int:
        """How many pixels were compared."""
        return int(self.counts.sum())

    @property
    def pixel_accuracy(self) -> float:
        """The share of pixels with the right label, 0..1; NaN when nothing was added."""
        return _share(int(np.trace(self.counts)), self.pixels)

    def agreement(self, labels: Collection[int]) -> Agreement:
        """How well the sides agree on a label, or on several that are taken as one."""
        rows = np.array(sorted(labels), dtype=np.intp)
        return Agreement(
            both=int(self.counts[np.ix_(rows, rows)].sum()),
            truth=int(self.counts[rows].sum()),
            predicted=int(self.counts[:, rows].sum()),
        )

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union a label (19 floats); NaN for a label that neither side holds."""
        return np.array([self.agreement((label,)).iou for label in Label])

    @property
    def f1(self) -> NDArray[np.float64]:
        """F1 (Dice) a label (19 floats); NaN for a label that neither side holds."""
        return np.array([self.agreement((label,)).f1 for label in Label])

    @property
    def mean_iou(self) -> float:
        """The mean of `iou` over the labels that either side holds: one that is predicted alone counts as 0."""
        return _mean(self.iou)

    @property
    def mean_f1(self) -> float:
        """The mean of `f1` over those of the 18 foreground labels that either side holds."""
        return _mean(self.f1[1:])

    def summary(self) -> dict[str, float]:
        """Return pixel accuracy, mean IoU, mean foreground F1 and each label's IoU, by name."""
        scores = {"pixel_accuracy": self.pixel_accuracy, "mean_iou": self.mean_iou, "mean_f1": self.mean_f1}
        return scores | {f"iou/{name}": float(value) for name, value in zip(LABEL_NAMES, self.iou, strict=True)}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _mean(values: NDArray[np.float64]) -> float:
    present = values[~np.isnan(values)]
    return float(present.mean()) if present.size else float("nan")
