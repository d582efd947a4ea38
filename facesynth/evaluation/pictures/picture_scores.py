"""What single pictures scored, gathered measure by measure, and the best and the worst of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from statistics import fmean
from types import MappingProxyType

from facesynth.evaluation.pictures.measures import Measure, Number, mean_of
from facesynth.evaluation.pictures.pair_measures import why_without
from facesynth.evaluation.pictures.results import SHOWN, Extremes, PictureRow
from facesynth.evaluation.pictures.subjects import Setting, Variant


@dataclass(slots=True)
class PictureScores:
    """Every picture's own scores by key, in the order in which pictures were first heard of: numbers alone."""

    _found: dict[tuple[str, Variant], dict[str, float | None]] = field(default_factory=dict)

    def put(self, name: str, variant: Variant, scores: Mapping[str, float | None]) -> None:
        """Note some of a picture's scores; None where it has no such score."""
        self._found.setdefault((name, variant), {}).update(scores)

    def rows(self) -> tuple[PictureRow, ...]:
        """One a picture."""
        return tuple(
            PictureRow(name=name, setting=variant.setting, seed=variant.seed, scores=MappingProxyType(scores))
            for (name, variant), scores in self._found.items()
        )

    def number(self, measure: Measure, variant: Variant) -> Number | None:
        """The mean of one score over the pictures of a set that have it, and what is to be said of those without.

        None where no picture has it.
        """
        found = [value for _, of, value in self._of(measure.key) if of == variant]
        values = [value for value in found if value is not None]
        return mean_of(values, notes=why_without(measure, len(found) - len(values))) if values else None

    def silent(self, measures: Iterable[Measure], variants: Iterable[Variant]) -> Iterator[str]:
        """What has to be said of measures that no picture of a set has a score by."""
        for measure, variant in product(measures, variants):
            found = [value for _, of, value in self._of(measure.key) if of == variant]
            if found and all(value is None for value in found):
                (why,) = why_without(measure, len(found))
                yield f"no {measure.label} ({variant}): {why}"

    def extremes(self, measure: Measure, setting: Setting) -> Extremes | None:
        """The best and the worst faces by a measure; None where no picture has a score of its own by it."""
        found: dict[str, list[float]] = defaultdict(list)
        for name, variant, value in self._of(measure.key):
            if variant.setting == setting and value is not None:
                found[name].append(value)
        means = [(fmean(values) * (1 if measure.better == "lower" else -1), name) for name, values in found.items()]
        if not means:
            return None
        best, worst = sorted(means)[:SHOWN], sorted(means, key=lambda one: (-one[0], one[1]))[:SHOWN]
        return Extremes(
            key=measure.key,
            label=measure.label,
            setting=setting,
            best=tuple(name for _, name in best),
            worst=tuple(name for _, name in worst),
        )

    def _of(self, key: str) -> Iterator[tuple[str, Variant, float | None]]:
        for (name, variant), scores in self._found.items():
            if key in scores:
                yield name, variant, scores[key]


def spread_over(names: list[str], count: int) -> tuple[str, ...]:
    """So many of the names, evenly spread over them in their order: those of a contact sheet."""
    if len(names) <= count:
        return tuple(names)
    return tuple(names[index * (len(names) - 1) // (count - 1)] for index in range(count))
