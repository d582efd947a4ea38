"""The passes over a generator's pictures: features of sets, what the judge sees, pairs with photos, seeds apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from facesynth.core.faces import Face
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Item, PairRef, Ref
from facesynth.core.styles import Style
from facesynth.datasets.ahead import ordered_ahead
from facesynth.datasets.pairs import Pair
from facesynth.evaluation.pictures.fidelity import Fidelity, numbers_of, reparsed
from facesynth.evaluation.pictures.generator_scores import Unrelated
from facesynth.evaluation.pictures.measures import Number, Reference
from facesynth.evaluation.pictures.pair_measures import COLOUR, CONTRAST, scores_of
from facesynth.evaluation.pictures.picture_scores import PictureScores
from facesynth.evaluation.pictures.region_style import LookDistance, RegionTotals, look_of
from facesynth.evaluation.pictures.results import Setting
from facesynth.evaluation.pictures.set_scores import compare_sets, references
from facesynth.evaluation.pictures.variants import Variant
from facesynth.inference.extractors.choice import Extractor
from facesynth.jobs.evaluate.picture_items import LabelsOfPair, as_face, photo_of, resized
from facesynth.jobs.evaluate.repainting import Repainting
from facesynth.metrics.diversity import mean_pairwise
from facesynth.metrics.segmentation import ConfusionMatrix
from facesynth.stages.base import Stage
from facesynth.stages.features import FeaturesStage
from facesynth.stages.pair_scores import PairScores, PairScoresStage

T = TypeVar("T")
R = TypeVar("R")
In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorStages:
    """What paints and what scores. `features` is made for a size (width, height) that pictures are brought to.

    `pairs` compares a picture with its photo, `apart` two pictures by the same perceptual distances alone.
    `precision` is that of painting.
    """

    encode: Stage[Face, Style]
    synthesize: Stage[tuple[LabelMap, Style], Photo]
    judge: Stage[Face, LabelMap]
    features: Callable[[tuple[int, int]], FeaturesStage]
    pairs: PairScoresStage
    apart: PairScoresStage
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
    with TemporaryDirectory(prefix="facesynth-", ignore_cleanup_errors=True) as temporary:
        passes.execution.progress.begin(painted.count, "features of photos")
        photos = ((photo_of(pair), None) for pair in painted.pairs())
        real = passes.feature_set(stage, photos, Path(temporary) / "real")
        for variant in painted.variants:
            passes.execution.progress.begin(painted.count, f"features {variant}")
            pictures = ((picture, None) for _, picture in painted.pictures(variant))
            with TemporaryDirectory(prefix="facesynth-", ignore_cleanup_errors=True) as own:
                found[variant] = compare_sets(metrics, real, passes.feature_set(stage, pictures, Path(own) / "set"))
        return found, references(metrics, real, Path(temporary))


def score_fidelity(painted: Repainting, judge: Stage[Face, LabelMap], scores: PictureScores) -> Fidelity:
    """What the judge sees in each picture, and in the photos at the pictures' size, against the label maps."""
    found = Fidelity()

    def seen(
        what: str, pictures: Iterable[tuple[Item[Photo], Pair]]
    ) -> Generator[tuple[Pair, ConfusionMatrix], None, None]:
        faces = ((as_face(picture), pair) for picture, pair in pictures)
        yield from _each(painted, f"judge {what}", judge, faces, lambda labels, pair: reparsed(_labels(pair), labels))

    for variant in painted.variants:
        for pair, matrix in seen(str(variant), ((picture, pair) for pair, picture in painted.pictures(variant))):
            found.matrices[variant].counts += matrix.counts
            own = numbers_of(matrix)
            scores.put(pair.name, variant, {key: own[key] for key in ("miou", "accuracy")})
    photos = ((resized(photo_of(pair), painted.size), pair) for pair in painted.pairs())
    for _, matrix in seen("of photos", photos):
        found.photos.counts += matrix.counts
    return found


@dataclass(frozen=True, slots=True)
class Likeness:
    """What pairs of a picture and its photo came to beside their own scores; `sizes` are those of the photos."""

    regions: Mapping[Setting, RegionTotals]
    sizes: tuple[tuple[int, int], ...]


def score_pairs(painted: Repainting, stage: PairScoresStage, scores: PictureScores) -> Likeness:
    """Each picture against the photo whose label map it is."""
    regions: dict[Setting, RegionTotals] = defaultdict(RegionTotals)
    sizes: set[tuple[int, int]] = set()

    def compared(found: PairScores, along: tuple[Pair, Ref[Photo]]) -> _Compared:
        pair, picture = along
        photo, labels = photo_of(pair).identify().load(), _labels(pair)
        own = look_of(picture.load(), labels)
        return _Compared(found, LookDistance.between(own, look_of(photo.resized(*painted.size), labels)), photo.size)

    for variant in painted.variants:
        items = ((PairRef(picture, photo_of(pair)), (pair, picture)) for pair, picture in painted.pictures(variant))
        for (pair, _), one in _each(painted, f"compare {variant}", stage, items, compared):
            sizes.add(one.size)
            regions[variant.setting].add(one.look)
            scores.put(pair.name, variant, _own_scores(stage, one))
    return Likeness(regions, tuple(sorted(sizes)))


def score_unrelated(painted: Repainting, stage: PairScoresStage) -> Unrelated:
    """Each photo of the dataset's first half against the one at the same place of its second half."""
    values: dict[str, list[float]] = defaultdict(list)
    regions, half = RegionTotals(), painted.count // 2

    def compared(found: PairScores, along: tuple[Pair, Pair]) -> _Compared:
        looks = [look_of(photo_of(pair).identify().load().resized(*painted.size), _labels(pair)) for pair in along]
        return _Compared(found, LookDistance.between(*looks), painted.size)

    others = zip(islice(painted.pairs(), half), islice(painted.pairs(), half, 2 * half), strict=True)
    items = ((PairRef(resized(photo_of(one), painted.size), photo_of(other)), (one, other)) for one, other in others)
    for _, one in _each(painted, "compare photos of different faces", stage, items, compared, count=half):
        regions.add(one.look)
        for key, value in _own_scores(stage, one).items():
            if value is not None:
                values[key].append(value)
    return Unrelated(values=values, regions=regions)


def score_diversity(painted: Repainting, stage: PairScoresStage) -> dict[str, list[float]]:
    """The mean distance of all pairs of seeds by extractor, a value a label map; nothing for a single seed."""
    variants = [variant for variant in painted.variants if variant.seed is not None]
    found: dict[str, list[float]] = defaultdict(list)
    pairs = list(combinations(range(len(variants)), 2))
    if not pairs:
        return found

    def items() -> Generator[tuple[PairRef[Photo, Photo], tuple[int, int]], None, None]:
        with ExitStack() as stack:
            streams = [stack.enter_context(closing(painted.pictures(variant))) for variant in variants]
            for pictures in zip(*streams, strict=True):
                for first, second in pairs:
                    yield PairRef(pictures[first][1], pictures[second][1]), (first, second)

    distances: dict[str, dict[tuple[int, int], float]] = defaultdict(dict)
    count = len(pairs) * painted.count
    for pair, one in _each(painted, "compare seeds", stage, items(), lambda scores, _: scores, count=count):
        for name, value in one.perceptual.items():
            distances[name][pair] = value
            if pair == pairs[-1]:
                found[name].append(mean_pairwise(distances.pop(name)))
    return found


@dataclass(frozen=True, slots=True)
class _Compared:
    scores: PairScores
    look: LookDistance
    size: tuple[int, int]


def _own_scores(stage: PairScoresStage, one: _Compared) -> dict[str, float | None]:
    found = scores_of(one.scores, stage.extractors, identity=stage.identity)
    return found | {COLOUR.key: one.look.colour, CONTRAST.key: one.look.contrast}


def _labels(pair: Pair) -> LabelMap:
    return LabelsOfPair(pair).identify().load()


def _each(
    painted: Repainting,
    what: str,
    stage: Stage[In, Out],
    items: Iterable[tuple[Item[In], T]],
    work: Callable[[Out, T], R],
    *,
    count: int | None = None,
) -> Generator[tuple[T, R], None, None]:
    """What came along with each item, and what `work` (in threads) makes of the stage's result and that."""
    execution = painted.passes.execution
    execution.progress.begin(painted.count if count is None else count, what)
    with closing(painted.passes.scored(stage, items)) as results:
        done = ordered_ahead(results, lambda one: work(one[0].load(), one[1]), workers=execution.workers, name="score")
        for (_, along), made in done:
            yield along, made
