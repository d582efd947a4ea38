"""The Inception Score: how sure the classifier is of each picture, and how evenly the pictures fill its classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, xlogy

from facesynth.core.errors import UsageError
from facesynth.metrics.features import Features, checked_features
from facesynth.metrics.spread import MeanSd

FEWEST_A_PART = 5
"""A score is refused over parts of fewer pictures: over n of them it is n at most, and over a single one always 1."""


class InceptionScore:
    """exp(E KL(p(y|x) ‖ p(y))) over `splits` parts of a set (Salimans et al. 2016), of logits that come in blocks.

    Equals torch-fidelity's over the same logits in the same order, `shuffle_seed` included (None: the parts follow the
    order). Holds splits×K sums and one number a picture. Raises UsageError where `count` is below
    FEWEST_A_PART for each of several splits, and where there are no splits or no pictures.
    """

    def __init__(self, count: int, splits: int = 10, shuffle_seed: int | None = 2020) -> None:
        fewest = 1 if splits == 1 else FEWEST_A_PART * splits
        if splits < 1 or count < fewest:
            raise UsageError(
                f"{count} pictures cannot be split into {splits} parts for an Inception Score",
                hint=f"give at least {max(fewest, 1)} pictures",
            )
        places = np.arange(count)
        if shuffle_seed is not None:  # torch-fidelity's own generator: another would give other parts
            places[np.random.RandomState(shuffle_seed).permutation(count)] = np.arange(count)
        ends = np.arange(1, splits + 1) * count // splits
        self._parts = np.searchsorted(ends, places, side="right")
        self._splits = splits
        self._added = 0
        self._entropies = np.zeros(splits)  # sums of Σ p log p
        self._chances: NDArray[np.float64] | None = None  # sums of p: splits×K

    def add(self, logits: Features) -> None:
        """Add the next N×K logits. Raises ValueError for more rows than announced or another K, FacesynthError: NaN."""
        rows = checked_features(logits, "the set", first_row=self._added, dim=self._classes)
        parts = self._parts[self._added : self._added + len(rows)]
        if len(parts) < len(rows):
            raise ValueError(f"{self._added + len(rows)} logits came where {len(self._parts)} were announced")
        if self._chances is None:
            self._chances = np.zeros((self._splits, rows.shape[1]))
        logs = log_softmax(rows.astype(np.float64), axis=1)
        chances = np.exp(logs)
        np.add.at(self._chances, parts, chances)
        np.add.at(self._entropies, parts, (chances * logs).sum(axis=1))
        self._added += len(rows)

    def result(self) -> MeanSd:
        """Mean and sample sd over the parts, 1 to K. Raises ValueError while fewer logits came than announced."""
        if self._chances is None or self._added < len(self._parts):
            raise ValueError(f"{self._added} logits came where {len(self._parts)} were announced")
        sizes = np.bincount(self._parts, minlength=self._splits)
        marginals = self._chances / sizes[:, None]
        divergences = self._entropies / sizes - xlogy(marginals, marginals).sum(axis=1)
        return MeanSd.of(np.exp(divergences))

    @property
    def _classes(self) -> int | None:
        return None if self._chances is None else self._chances.shape[1]


def small_parts_warning(count: int, splits: int, classes: int) -> str | None:
    """Words that must stand beside an Inception Score over parts of fewer pictures than there are classes, else None.

    Over n pictures a score is n at most: such parts cannot show how evenly pictures fill the classes.
    """
    if count // splits >= classes:
        return None
    return (
        f"{count // splits} pictures in each of {splits} parts cannot fill {classes} classes: the Inception Score is "
        "biased downwards, compare it only with one over as many pictures"
    )
