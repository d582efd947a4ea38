"""The passes over a generator's pictures: features of sets, what the judge sees, pairs with photos, seeds apart."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import combinations, islice
from typing import TypeVar

from facesynth.core.faces import Face
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Item
from facesynth.core.styles import Style
from facesynth.datasets.ahead import ordered_ahead
from facesynth.evaluation.pictures.fidelity import Fidelity, numbers_of, reparsed
from facesynth.evaluation.pictures.generator_scores import Unrelated
from facesynth.evaluation.pictures.measures import Number, Reference
from facesynth.evaluation.pictures.pair_measures import COLOUR, CONTRAST, PairScores, scores_of
from facesynth.evaluation.pictures.picture_scores import PictureScores
from facesynth.evaluation.pictures.region_style import LookDistance, RegionTotals, look_of
from facesynth.evaluation.pictures.set_scores import compare_sets, references
from facesynth.evaluation.pictures.subjects import Setting, Variant
from facesynth.inference.extractors.choice import Extractor
from facesynth.jobs.evaluate.held_faces import HeldFace
from facesynth.jobs.evaluate.pair_passes import Both, Shared, compared
from facesynth.jobs.evaluate.pair_stages import PairStages
from facesynth.jobs.evaluate.picture_items import Made, as_face, resized
from facesynth.jobs.evaluate.repainting import Repainting
from facesynth.metrics.diversity import mean_pairwise
from facesynth.metrics.segmentation import ConfusionMatrix
from facesynth.pipeline import feeding
from facesynth.stages.base import Stage
from facesynth.stages.features import FeaturesStage

T = TypeVar("T")
R = TypeVar("R")
In = TypeVar("In")
Out = TypeVar("Out")


_Two = tuple[tuple[Shared[Photo], Shared[Photo]], tuple[HeldFace, HeldFace]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorStages:
    """What paints and what scores. `features` is made for a size (width, height) that pictures are brought to.

    `pairs` compares a picture with its photo, and by its perceptual distances two pictures of one label map.
    `encode_regions` is there for a generator that has a style for each region. `precision` is that of painting.
    """

    encode: Stage[Face, Style]
    synthesize: Stage[tuple[LabelMap, Style], Photo]
    judge: Stage[Face, LabelMap]
    features: Callable[[tuple[int, int]], FeaturesStage]
    pairs: PairStages
    encode_regions: Stage[tuple[Face, LabelMap], Style] | None = None
    precision: str = "float32"
    device: str = "auto"

    @property
    def extractor(self) -> Extractor:
        """What describes pictures for the scores of sets."""
        return self.features((1, 1)).extractor


def score_sets(
    painted: Repainting, stage: FeaturesStage, metrics: Sequence[str]
) -> tuple[dict[Variant, dict[str, Number]], dict[str, Reference]]:
    """Each variant's pictures as a set against the photos, and the photos against themselves."""
    passes, found = painted.passes, {}
    store = passes.execution.store
    passes.execution.progress.begin(painted.count, "features of photos")
    photos = ((face.photo(), None) for face in painted.faces)
    with (
        store.workplace() as place,
        closing(passes.feature_set(stage, photos, place / "real", keep_moments=True)) as real,
    ):
        for variant in painted.variants:
            passes.execution.progress.begin(painted.count, f"features {variant}")
            pictures = ((picture, None) for _, picture in painted.pictures(variant))
            with store.workplace() as own, closing(passes.feature_set(stage, pictures, own / "set")) as generated:
                found[variant] = compare_sets(metrics, real, generated, passes.compare_sets)
        return found, references(metrics, real, painted.count, passes.compare_sets)


def score_fidelity(painted: Repainting, judge: Stage[Face, LabelMap], scores: PictureScores) -> Fidelity:
    """What the judge sees in each picture, and in the photos at the pictures' size, against the label maps."""
    found = Fidelity()

    def seen(
        what: str, pictures: Iterable[tuple[Item[Photo], HeldFace]]
    ) -> Generator[tuple[HeldFace, ConfusionMatrix], None, None]:
        faces = ((as_face(picture), face) for picture, face in pictures)
        yield from _each(
            painted, f"judge {what}", judge, faces, lambda labels, face: reparsed(face.labels().load(), labels)
        )

    for variant in painted.variants:
        for face, matrix in seen(str(variant), ((picture, face) for face, picture in painted.pictures(variant))):
            found.matrices[variant].counts += matrix.counts
            own = numbers_of(matrix)
            scores.put(face.place, variant, {key: own[key] for key in ("miou", "accuracy")})
    photos = ((resized(face.photo(), painted.size), face) for face in painted.faces)
    for _, matrix in seen("of photos", photos):
        found.photos.counts += matrix.counts
    return found


@dataclass(frozen=True, slots=True)
class Likeness:
    """What pairs of a picture and its photo came to beside their own scores; `sizes` are those of the photos."""

    regions: Mapping[Setting, RegionTotals]
    sizes: tuple[tuple[int, int], ...]


def score_pairs(painted: Repainting, stages: PairStages, scores: PictureScores) -> Likeness:
    """Each picture against the photo whose label map it is."""
    regions: dict[Setting, RegionTotals] = defaultdict(RegionTotals)
    sizes: set[tuple[int, int]] = set()

    def noted(photo: Photo) -> Photo:
        sizes.add(photo.size)
        return photo

    for number, variant in enumerate(painted.variants):
        both = (
            ((Shared(picture), Shared(resized(Made(face.photo(), noted), painted.size))), (face, face))
            for face, picture in painted.pictures(variant)
        )
        known = (1,) if number else ()
        for face, one in _compared(painted, f"compare {variant}", stages, both, painted.count, known):
            regions[variant.setting].add(one.look)
            scores.put(face.place, variant, one.scores)
    return Likeness(regions, tuple(sorted(sizes)))


def score_unrelated(painted: Repainting, stages: PairStages) -> Unrelated:
    """Each photo of the dataset's first half against the one at the same place of its second half."""
    values: dict[str, array[float]] = defaultdict(_column)
    regions, half = RegionTotals(), painted.count // 2

    def photo(face: HeldFace) -> Shared[Photo]:
        return Shared(resized(face.photo(), painted.size))

    others = zip(islice(painted.faces, half), islice(painted.faces, half, 2 * half), strict=True)
    both = (((photo(one), photo(other)), (one, other)) for one, other in others)
    for _, found in _compared(painted, "compare photos of different faces", stages, both, half, (0, 1)):
        regions.add(found.look)
        for key, value in found.scores.items():
            if value is not None:
                values[key].append(value)
    return Unrelated(values=values, regions=regions)


def score_diversity(painted: Repainting, stages: PairStages) -> dict[str, array[float]]:
    """The mean distance of all pairs of seeds by extractor, a value a label map; nothing for a single seed."""
    variants = [variant for variant in painted.variants if variant.seed is not None]
    found: dict[str, array[float]] = defaultdict(_column)
    pairs = list(combinations(range(len(variants)), 2))
    if not pairs:
        return found

    def both() -> Generator[tuple[Both, tuple[int, int]], None, None]:
        with ExitStack() as stack:
            streams = [stack.enter_context(closing(painted.pictures(variant))) for variant in variants]
            for row in zip(*streams, strict=True):
                pictures = [Shared(picture) for _, picture in row]
                for first, second in pairs:
                    yield (pictures[first], pictures[second]), (first, second)

    distances: dict[str, dict[tuple[int, int], float]] = defaultdict(dict)
    painted.passes.execution.progress.begin(len(pairs) * painted.count, "compare seeds")
    with closing(compared(painted.passes, stages.looks_alone, both())) as results:
        for pair, scores in results:
            for name, value in scores().perceptual.items():
                distances[name][pair] = value
                if pair == pairs[-1]:
                    found[name].append(mean_pairwise(distances.pop(name)))
    return found


@dataclass(frozen=True, slots=True)
class _Compared:
    """A pair's own scores by key, and how far its looks are apart."""

    scores: dict[str, float | None]
    look: LookDistance


def _compared(
    painted: Repainting,
    what: str,
    stages: PairStages,
    both: Iterable[_Two],
    count: int,
    known: Collection[int],
) -> Generator[tuple[HeldFace, _Compared], None, None]:
    """Each first face with how its picture compares with the second one's, region by region too (in threads)."""

    def work(one: tuple[_Two, Callable[[], PairScores]]) -> _Compared:
        (pictures, faces), scores = one
        looks = [look_of(picture.load(), face.labels().load()) for picture, face in zip(pictures, faces, strict=True)]
        look = LookDistance.between(*looks)
        found = scores_of(scores(), stages.extractors, identity=stages.identity)
        return _Compared(found | {COLOUR.key: look.colour, CONTRAST.key: look.contrast}, look)

    def given() -> Generator[tuple[Both, _Two], None, None]:
        with feeding(both) as source:
            for two in source:
                yield two[0], two

    execution = painted.passes.execution
    execution.progress.begin(count, what)
    with closing(compared(painted.passes, stages, given(), known=known)) as results:
        for ((_, faces), _), made in ordered_ahead(results, work, workers=execution.workers, name="score"):
            yield faces[0], made


def _column() -> array[float]:
    return array("d")


def _each(
    painted: Repainting,
    what: str,
    stage: Stage[In, Out],
    items: Iterable[tuple[Item[In], T]],
    work: Callable[[Out, T], R],
) -> Generator[tuple[T, R], None, None]:
    """What came along with each item, and what `work` (in threads) makes of the stage's result and that."""
    execution = painted.passes.execution
    execution.progress.begin(painted.count, what)
    with closing(painted.passes.scored(stage, items)) as results:
        done = ordered_ahead(results, lambda one: work(one[0].load(), one[1]), workers=execution.workers, name="score")
        for (_, along), made in done:
            yield along, made
