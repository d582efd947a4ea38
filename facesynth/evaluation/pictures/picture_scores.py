"""What single pictures scored, gathered measure by measure, and the best and the worst of them."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from itertools import product
from statistics import fmean
from types import MappingProxyType

from facesynth.core.errors import FacesynthError
from facesynth.evaluation.pictures.measures import Measure, Number, mean_of
from facesynth.evaluation.pictures.pair_measures import why_without
from facesynth.evaluation.pictures.results import SHOWN, Extremes, PictureRow
from facesynth.evaluation.pictures.subjects import Setting, Variant

_NONE = math.nan


@dataclass(slots=True)
class PictureScores:
    """Every picture's own scores, eight bytes each; a picture is known by the place of its name among `names`.

    A variant that has a score by some key of one picture has, or lacks, one of every picture.
    """

    names: Sequence[str]
    _columns: dict[Variant, dict[str, array[float]]] = field(default_factory=dict)

    def put(self, place: int, variant: Variant, scores: Mapping[str, float | None]) -> None:
        """Note some of a picture's scores; None: it has no such score. FacesynthError for one that is not finite."""
        columns = self._columns.setdefault(variant, {})
        for key, value in scores.items():
            if value is not None and not math.isfinite(value):
                raise FacesynthError(f"its score by {key} is not a finite number", where=self.names[place])
            if key not in columns:
                columns[key] = array("d", [_NONE]) * len(self.names)
            columns[key][place] = _NONE if value is None else value

    def rows(self) -> ScoredRows:
        """One a picture, made as they are asked for."""
        return ScoredRows(self)

    def number(self, measure: Measure, variant: Variant) -> Number | None:
        """The mean of one score over the pictures of a set that have it, and what is to be said of those without.

        None where no picture has it.
        """
        column = self._columns.get(variant, {}).get(measure.key, ())
        values = array("d", (value for value in column if not math.isnan(value)))
        return mean_of(values, notes=why_without(measure, len(column) - len(values))) if values else None

    def silent(self, measures: Iterable[Measure], variants: Iterable[Variant]) -> Iterator[str]:
        """What has to be said of measures that no picture of a set has a score by."""
        for measure, variant in product(measures, variants):
            column = self._columns.get(variant, {}).get(measure.key, ())
            if column and all(map(math.isnan, column)):
                (why,) = why_without(measure, len(column))
                yield f"no {measure.label} ({variant}): {why}"

    def extremes(self, measure: Measure, setting: Setting) -> Extremes | None:
        """The best and the worst faces by a measure; None where no picture has a score of its own by it."""
        columns = [
            of[measure.key] for variant, of in self._columns.items() if variant.setting == setting and measure.key in of
        ]
        sign = 1 if measure.better == "lower" else -1

        def ranked(sign: int) -> tuple[str, ...]:
            found = ((sign * mean, name) for mean, name in self._means(columns))
            return tuple(name for _, name in nsmallest(SHOWN, found))

        if not (best := ranked(sign)):
            return None
        return Extremes(key=measure.key, label=measure.label, setting=setting, best=best, worst=ranked(-sign))

    def _means(self, columns: Sequence[array[float]]) -> Iterator[tuple[float, str]]:
        """Each face's mean over its pictures that have a score, and its name."""
        for name, row in zip(self.names, zip(*columns, strict=True), strict=False):
            if values := [value for value in row if not math.isnan(value)]:
                yield fmean(values), name

    def _of(self, variant: Variant) -> Iterator[PictureRow]:
        columns = self._columns[variant]
        for name, row in zip(self.names, zip(*columns.values(), strict=True), strict=True):
            scores = {key: None if math.isnan(one) else one for key, one in zip(columns, row, strict=True)}
            yield PictureRow(name=name, setting=variant.setting, seed=variant.seed, scores=MappingProxyType(scores))


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """The rows of `scores`, variant by variant, none of them held."""

    scores: PictureScores

    def __len__(self) -> int:
        return len(self.scores.names) * len(self.scores._columns)

    def __iter__(self) -> Iterator[PictureRow]:
        for variant in self.scores._columns:
            yield from self.scores._of(variant)


def spread_over(names: Sequence[str], count: int) -> tuple[str, ...]:
    """So many of the names, evenly spread over them in their order: those of a contact sheet."""
    if len(names) <= count:
        return tuple(names)
    return tuple(names[index * (len(names) - 1) // (count - 1)] for index in range(count))
