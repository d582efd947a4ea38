"""What the passes over a generator's pictures found, as scores: the settings apart, each with its references."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from facesynth.core.labels import Label
from facesynth.evaluation.pictures.fidelity import Fidelity, fidelity_measures, numbers_of
from facesynth.evaluation.pictures.measures import (
    NO_REFERENCE,
    Measure,
    Number,
    Reference,
    mean_of,
    score,
    score_over_seeds,
    unrelated_reference,
)
from facesynth.evaluation.pictures.pair_measures import (
    diversity_measure,
    pair_measures,
    perceptual_measure,
)
from facesynth.evaluation.pictures.picture_scores import PictureScores
from facesynth.evaluation.pictures.region_style import RegionTotals
from facesynth.evaluation.pictures.results import Extremes, RegionStyle, Score
from facesynth.evaluation.pictures.set_scores import set_measures
from facesynth.evaluation.pictures.subjects import OWN, Setting, Variant
from facesynth.inference.extractors.choice import Extractor

_NOT_MEANT = "by seed a picture is in another style than its photo's, and not meant to come near it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What is measured: by which metrics over which features, by which judge, which distances, whose face or not."""

    metrics: Sequence[str]
    features: Extractor
    judge: str
    size: tuple[int, int]
    perceptual: Sequence[Extractor]
    identity: bool
    doubts: Sequence[str] = ()

    @property
    def of_sets(self) -> dict[str, Measure]:
        """The measures of whole sets, by their kind."""
        return set_measures(self.metrics, self.features)

    @property
    def of_maps(self) -> list[Measure]:
        """The measures of label maps found again."""
        return fidelity_measures(self.judge, self.size)

    @property
    def of_pairs(self) -> list[Measure]:
        """The measures of pictures with their photos."""
        return pair_measures(self.perceptual, identity=self.identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrelated:
    """What different photos score: values by key, and styles by region."""

    values: Mapping[str, Sequence[float]]
    regions: RegionTotals

    def reference(self, measure: Measure) -> Reference:
        """Their mean by a measure."""
        return unrelated_reference(self.values.get(measure.key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the passes found. `sets` and `real` are `compare_sets`' and `references`'; `diversity` has, by the name of
    the distance, a value a label map.
    """

    variants: tuple[Variant, ...]
    count: int
    sets: Mapping[Variant, Mapping[str, Number]]
    real: Mapping[str, Reference]
    fidelity: Fidelity
    pictures: PictureScores
    regions: Mapping[Setting, RegionTotals]
    unrelated: Unrelated
    diversity: Mapping[str, Sequence[float]]

    def scores(self, measured: Measured) -> Iterator[Score]:
        """All scores, group by group."""
        for kind, measure in measured.of_sets.items():
            yield from self._both(measure, partial(self._of_set, kind), self.real.get(kind, NO_REFERENCE))
        doubt = "; ".join(measured.doubts) or None
        for measure in measured.of_maps:
            yield from self._both(measure, partial(self._of_maps, measure, doubt), self.fidelity.ceiling(measure))
        for measure in measured.of_pairs:
            yield from self._both(
                measure,
                partial(self.pictures.number, measure),
                self.unrelated.reference(measure),
                (_NOT_MEANT,),
            )
        for extractor in measured.perceptual:
            if values := self.diversity.get(extractor.name):
                reference = self.unrelated.reference(perceptual_measure(extractor))
                yield score(diversity_measure(extractor), "by seed", mean_of(values, "label maps"), reference)

    def extremes(self, measured: Measured) -> Iterator[Extremes]:
        """The best and the worst faces by each measure that tells of single pictures."""
        settings: tuple[Setting, ...] = ("own style", "by seed")
        for measure in (*measured.of_maps, *measured.of_pairs):
            for setting in settings:
                if (found := self.pictures.extremes(measure, setting)) is not None:
                    yield found

    def region_styles(self) -> tuple[RegionStyle, ...]:
        """The style of every region that some picture shows."""
        by_setting = {setting: totals.means() for setting, totals in self.regions.items()}
        unrelated = self.unrelated.regions.means()
        return tuple(
            RegionStyle(label=label, pictures=MappingProxyType(pictures), unrelated=unrelated.get(label))
            for label in Label
            if (pictures := {setting: means[label] for setting, means in by_setting.items() if label in means})
        )

    def _both(
        self,
        measure: Measure,
        number: Callable[[Variant], Number | None],
        reference: Reference,
        by_seed: tuple[str, ...] = (),
    ) -> Iterator[Score]:
        """A measure in own style, and by seed, of which `by_seed` is to be said; a setting without a number is out."""
        if (own := number(OWN)) is not None:
            yield score(measure, "own style", own, reference)
        found = {variant.seed: number(variant) for variant in self.variants}
        numbers = {seed: one for seed, one in found.items() if seed is not None and one is not None}
        if numbers:
            yield score_over_seeds(measure, numbers, reference, by_seed)

    def _of_set(self, kind: str, variant: Variant) -> Number:
        return self.sets[variant][kind]

    def _of_maps(self, measure: Measure, doubt: str | None, variant: Variant) -> Number:
        value = numbers_of(self.fidelity.matrices[variant])[measure.key]
        return Number(value=value, count=self.count, warning=doubt)
