"""`facesynth evaluate samples`: the pictures of a generator without label maps against real images, as sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import Any

import numpy as np

from facesynth.core.images import Photo
from facesynth.core.refs import Origin, Ref, sha256_bytes, short
from facesynth.datasets.image_sets import ImageSet, PackedImages, chosen, packed_images
from facesynth.evaluation.pictures.cases import Case, CasePictures
from facesynth.evaluation.pictures.measures import NO_REFERENCE, Measure, Number, Reference, score, score_over_seeds
from facesynth.evaluation.pictures.results import PictureEvaluation, Score
from facesynth.evaluation.pictures.set_scores import SEED, check_counts, compare_sets, references, set_measures
from facesynth.evaluation.pictures.subjects import PicturesSubject, RealSet
from facesynth.jobs.evaluate.label_makers import network
from facesynth.jobs.evaluate.passes import Passes
from facesynth.jobs.evaluate.recipes import run_folder
from facesynth.jobs.evaluate.sample_stages import RealImages, SampledStages
from facesynth.jobs.evaluate.sampled_pictures import Conditions, Painting, Sampling, drawn
from facesynth.jobs.execution import Execution
from facesynth.report import installed_versions

ON_SHEET = 12
"""Pictures on the contact sheet: those of the first seeds, whatever they look like."""
_LOOKED_AT = 16
"""Real images whose own sizes are told."""


def evaluate_samples(
    real: RealImages,
    stages: SampledStages,
    sampling: Sampling,
    execution: Execution,
    *,
    settings: Mapping[str, Any],
) -> PictureEvaluation:
    """Paint sets of seeds, and score each as a set against as many real images, which `set_scores.SEED` draws.

    All that is computed goes through the store: an evaluation that was stopped goes on. UsageError where there are too
    few for a metric, InputError for a real image that cannot be read.
    """
    metrics, size = stages.scoring.metrics, stages.told.spec.size
    indices = list(drawn(real.images, sampling.count, SEED))
    check_counts(metrics, {f"a set of {sampling.told()}": sampling.count, str(real.folder): len(indices)})
    passes = Passes(execution)
    painting = Painting(stages.paint, Conditions(stages.told, real.images), passes)
    photos = chosen(real.images, indices)
    shown: dict[int, Photo] = {}
    execution.progress.begin(len(indices), f"read {real.folder}")
    known = _Told(execution)
    with packed_images(
        photos, size, execution.store, fit="crop", workers=execution.workers, on_packed=known.advance
    ) as packed:
        digest = packed.digest
        numbers, against = _compared(stages, sampling, painting, _items(photos, packed, real), shown)
    measures = set_measures(metrics, stages.scoring.extractor)
    scores = [
        _score(measure, {seed: found[kind] for seed, found in numbers.items()}, against.get(kind, NO_REFERENCE))
        for kind, measure in measures.items()
    ]
    features = stages.scoring.extractor
    generator = stages.paint.weights["generator"]
    cases = tuple(Case(name=f"seed {seed}", look=partial(CasePictures, own=picture)) for seed, picture in shown.items())
    return PictureEvaluation(
        subject=PicturesSubject(
            kind="generator",
            name=stages.name,
            size=(size, size),
            count=sampling.count * sampling.trials,
            sha256=generator,
            precision=stages.precision,
            device=passes.device(stages.scoring.device),
            of_seeds=True,
        ),
        real=RealSet(
            data=f"{real.folder}, part {real.part}",
            count=len(indices),
            sizes=_sizes(photos),
            digest=digest,
        ),
        protocol=tuple(_protocol(real, len(indices), digest, painting.conditions, sampling)),
        scores=tuple(scores),
        networks=(
            network("generator", stages.name, generator),
            network("features", features.weights, features.sha256),
        ),
        cases=cases,
        sheet=tuple(case.name for case in cases),
        run=run_folder(stages.name),
        settings=settings,
        versions=installed_versions(),
    )


def _compared(
    stages: SampledStages,
    sampling: Sampling,
    painting: Painting,
    photos: Iterator[tuple[Ref[Photo], None]],
    shown: dict[int, Photo],
) -> tuple[dict[int, dict[str, Number]], dict[str, Reference]]:
    """What each set of seeds comes to, by its first seed, and the real images against themselves."""
    passes, metrics = painting.passes, stages.scoring.metrics
    store, progress = passes.execution.store, passes.execution.progress
    progress.begin(sampling.count, "describe real images")
    stage = stages.scoring.features((stages.told.spec.size, stages.told.spec.size))
    found: dict[int, dict[str, Number]] = {}
    with (
        store.workplace() as place,
        closing(passes.feature_set(stage, photos, place / "real", keep_moments=True)) as real,
    ):
        for number, seeds in enumerate(sampling.sets):
            progress.begin(len(seeds), f"paint and describe seeds {seeds.start} to {seeds.stop - 1}")
            pictures = painting.pictures(seeds, shown.__setitem__, look_at=0 if number else ON_SHEET)
            with store.workplace() as own, closing(passes.feature_set(stage, pictures, own / "set")) as generated:
                found[seeds.start] = compare_sets(metrics, real, generated, passes.compare_sets)
        return found, references(metrics, real, sampling.count, passes.compare_sets)


def _score(measure: Measure, numbers: Mapping[int, Number], reference: Reference) -> Score:
    if len(numbers) == 1:
        (number,) = numbers.values()
        return score(measure, "pictures", number, reference)
    over = f"{len(numbers)} sets of seeds"
    return dataclasses.replace(score_over_seeds(measure, numbers, reference), setting="pictures", sd_over=over)


def _items(photos: ImageSet, packed: PackedImages, real: RealImages) -> Iterator[tuple[Ref[Photo], None]]:
    """The real images at the generator's size, known by their pixels."""
    for index in range(len(packed)):
        pixels = np.array(packed.images[index])
        digest = sha256_bytes(str(pixels.shape).encode() + pixels.tobytes())
        yield Ref(digest, Origin(f"{real.folder}/{photos.name(index)}"), partial(Photo, pixels)), None


def _sizes(photos: ImageSet) -> tuple[tuple[int, int], ...]:
    """The sizes at which some of the real images lie."""
    step = max(1, len(photos) // _LOOKED_AT)
    return tuple(sorted({photos.read(index).size for index in range(0, len(photos), step)}))


def _protocol(real: RealImages, count: int, digest: str, conditions: Conditions, sampling: Sampling) -> Iterator[str]:
    size = conditions.told.spec.size
    yield f"pictures of {size}×{size}; real images of another size are cut to the square in the middle and resized"
    yield (
        f"a picture a seed, {sampling.told()}, {conditions.protocol()}; "
        f"{count:,} of {len(real.images):,} real images, drawn by seed {SEED}, sha256 {short(digest)}"
    )
    if sampling.trials > 1:
        told = ", ".join(f"{seeds.start} to {seeds.stop - 1}" for seeds in sampling.sets)
        yield f"{sampling.trials} sets of seeds, {told}; ± is the sample sd over them, of one and the same training"


@dataclasses.dataclass(slots=True)
class _Told:
    """How many real images are read, told as it grows."""

    execution: Execution
    done: int = 0

    def advance(self, done: int, total: int) -> None:
        self.execution.progress.advance(done - self.done)
        self.done = done
