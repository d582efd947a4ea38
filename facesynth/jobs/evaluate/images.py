"""`facesynth evaluate images`: a folder of generated pictures against a folder of real ones."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from facesynth.core.errors import UsageError
from facesynth.core.image_files import read_photo
from facesynth.core.images import Photo
from facesynth.core.refs import Item, short
from facesynth.datasets.fitting import fits
from facesynth.evaluation.pictures.cases import Case, CasePictures
from facesynth.evaluation.pictures.feature_sets import FeatureSet
from facesynth.evaluation.pictures.measures import NO_REFERENCE, Measure, score, unrelated_reference
from facesynth.evaluation.pictures.pair_measures import IDENTITY, likeness_measure, perceptual_measure, scores_of
from facesynth.evaluation.pictures.picture_scores import PictureScores, spread_over
from facesynth.evaluation.pictures.results import PictureEvaluation, Score
from facesynth.evaluation.pictures.set_scores import check_counts, compare_sets, references, set_measures
from facesynth.evaluation.pictures.subjects import GIVEN, NetworkUsed, PicturesSubject, RealSet
from facesynth.inference.extractors.choice import DESCRIPTOR
from facesynth.jobs.evaluate.cases import ON_SHEET, shown_names
from facesynth.jobs.evaluate.label_makers import network
from facesynth.jobs.evaluate.pair_passes import Shared, compared
from facesynth.jobs.evaluate.pair_stages import PairStages
from facesynth.jobs.evaluate.passes import Passes
from facesynth.jobs.evaluate.picture_folders import PictureFolder, Seen, check_partners, look_through
from facesynth.jobs.evaluate.picture_items import resized
from facesynth.jobs.execution import Execution
from facesynth.report import installed_versions
from facesynth.stages.features import FeaturesStage


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageStages:
    """What scores: `features` for a size (width, height) that pictures are brought to, and `metrics` of SET_METRICS
    over them; `pairs` for pictures of one name, None where they have nothing to do with each other.
    """

    metrics: Sequence[str]
    features: Callable[[tuple[int, int]], FeaturesStage]
    pairs: PairStages | None = None
    device: str = "auto"

    @property
    def chosen(self) -> list[str]:
        """All metrics as a user calls them."""
        if self.pairs is None:
            return [*self.metrics]
        found = [*self.metrics, *(["lpips"] if self.pairs.extractors else []), *self.pairs.measures]
        return [*found, "identity"] if self.pairs.identity else found


def evaluate_images(
    generated: PictureFolder,
    real: PictureFolder,
    stages: ImageStages,
    execution: Execution,
    *,
    settings: Mapping[str, Any],
) -> PictureEvaluation:
    """Score the generated pictures as a set, and with `stages.pairs` each against the real one of its name.

    All that is computed goes through the store: an evaluation that was stopped goes on. A picture that cannot be read
    is left out and listed. UsageError for pictures without a partner, of several sizes, of other shapes than the real
    ones, and for fewer than a metric needs.
    """
    if stages.pairs is not None:
        check_partners(generated, real)
    check_counts(stages.metrics, {str(generated.folder): len(generated), str(real.folder): len(real)})
    passes = Passes(execution)
    pictures, photos = (look_through(folder, passes) for folder in (generated, real))
    if stages.pairs is not None:
        pictures, photos = pictures.among(photos), photos.among(pictures)
    if not fits(photos.size, pictures.size):
        told = " and ".join(f"{one.folder} {one.size[0]}×{one.size[1]}" for one in (pictures, photos))
        raise UsageError(f"pictures of different shapes: {told}", hint="cut them alike first")
    check_counts(stages.metrics, {"what could be used": min(len(pictures.files), len(photos.files))})
    if stages.pairs is not None:
        stages.pairs.check_size(pictures.size, str(pictures.folder))

    scores = _set_scores(pictures, photos, stages, passes)
    found = PictureScores(pictures.files.names)
    measures = [] if stages.pairs is None else _pair_measures(stages.pairs)
    if stages.pairs is not None:
        unrelated = _score_pairs(pictures, photos, stages.pairs, passes, found)
        for measure in measures:
            if (number := found.number(measure, GIVEN)) is not None:
                apart = unrelated_reference(unrelated.get(measure.key))
                scores.append(score(measure, "pictures", number, apart))
    extremes = tuple(one for measure in measures if (one := found.extremes(measure, "pictures")) is not None)
    sheet = spread_over(pictures.files.names, ON_SHEET)
    shown = shown_names(sheet, extremes)
    return PictureEvaluation(
        subject=PicturesSubject(
            kind="pictures",
            name=str(generated.folder),
            size=pictures.size,
            count=len(pictures.files),
            device=passes.device(stages.device),
        ),
        real=RealSet(data=str(real.folder), count=len(photos.files), sizes=(photos.size,), digest=photos.digest),
        protocol=tuple(_protocol(pictures, photos, paired=stages.pairs is not None)),
        scores=tuple(scores),
        networks=tuple(_networks(stages)),
        rows=found.rows(),
        cases=tuple(_case(pictures, photos, name, stages) for name in pictures.files if name in shown),
        sheet=sheet,
        extremes=extremes,
        left_out=tuple(passes.left_out.values()),
        warnings=tuple(found.silent(measures, [GIVEN])),
        settings=settings,
        versions=installed_versions(),
    )


def _set_scores(pictures: Seen, photos: Seen, stages: ImageStages, passes: Passes) -> list[Score]:
    if not stages.metrics:
        return []
    stage = stages.features(pictures.size)

    def features(seen: Seen, folder: Path) -> FeatureSet:
        passes.execution.progress.begin(len(seen.files), f"features of {seen.folder}")
        items = ((item, None) for _, item in seen.items())
        return passes.feature_set(stage, items, folder, keep_moments=seen is photos)

    with (
        passes.execution.store.workplace() as place,
        closing(features(photos, place / "real")) as real,
        closing(features(pictures, place / "generated")) as generated,
    ):
        numbers = compare_sets(stages.metrics, real, generated, passes.compare_sets)
        against = references(stages.metrics, real, len(generated), passes.compare_sets)
    measures = set_measures(stages.metrics, stage.extractor)
    return [
        score(measure, "pictures", numbers[kind], against.get(kind, NO_REFERENCE)) for kind, measure in measures.items()
    ]


def _score_pairs(
    pictures: Seen, photos: Seen, stages: PairStages, passes: Passes, found: PictureScores
) -> dict[str, array[float]]:
    """Put each picture's scores into `found`; returns what different real pictures score, by key."""

    def real(photo: Item[Photo]) -> Shared[Photo]:
        return Shared(resized(photo, pictures.size))

    passes.execution.progress.begin(len(pictures.files), "compare pairs")
    pairs = (
        ((Shared(picture), real(photos.item(name))), place) for place, (name, picture) in enumerate(pictures.items())
    )
    with closing(compared(passes, stages, pairs)) as results:
        for place, scores in results:
            found.put(place, GIVEN, scores_of(scores(), stages.extractors, identity=stages.identity))
    unrelated: dict[str, array[float]] = {}
    passes.execution.progress.begin(len(photos.files) // 2, "compare different real pictures")
    others = (((real(one), real(other)), None) for one, other in photos.halves())
    with closing(compared(passes, stages, others, known=(0, 1))) as results_apart:
        for _, scores in results_apart:
            for key, value in scores_of(scores(), stages.extractors, identity=stages.identity).items():
                if value is not None:
                    unrelated.setdefault(key, array("d")).append(value)
    return unrelated


def _pair_measures(stages: PairStages) -> list[Measure]:
    """What the stages measure, in the order it is shown in."""
    found = [*map(perceptual_measure, stages.extractors), *map(likeness_measure, stages.measures)]
    return [*found, IDENTITY] if stages.identity else found


def _networks(stages: ImageStages) -> Iterator[NetworkUsed]:
    if stages.metrics:
        extractor = stages.features((1, 1)).extractor
        yield network("features", extractor.weights, extractor.sha256)
    if stages.pairs is not None:
        for extractor in stages.pairs.extractors:
            yield network("perceptual", extractor.weights, extractor.sha256)
        if stages.pairs.descriptor is not None:
            yield network("identity", DESCRIPTOR, stages.pairs.descriptor)


def _case(pictures: Seen, photos: Seen, name: str, stages: ImageStages) -> Case:
    picture, photo = pictures.files[name], photos.files[name] if stages.pairs is not None else None
    return Case(
        name=name,
        real_file=None if photo is None else str(photo),
        generated_file=str(picture),
        look=partial(_look, picture, photo),
    )


def _look(picture: Path, photo: Path | None) -> CasePictures:
    return CasePictures(real=None if photo is None else read_photo(photo), own=read_photo(picture))


def _protocol(pictures: Seen, photos: Seen, *, paired: bool) -> Iterator[str]:
    (width, height), real = pictures.size, photos.size
    brought = f"real ones of {real[0]}×{real[1]} brought to that size (Lanczos, antialiased)"
    yield f"pictures of {width}×{height}, {'real ones too' if real == pictures.size else brought}"
    yield "each picture against the real one of its name" if paired else "two sets, not paired"
    yield f"generated pictures' sha256 {short(pictures.digest)}, real ones' {short(photos.digest)}"
