"""How a residual generator in training does: features of its pictures against those of training images, and a sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from facesynth.core.images import Photo
from facesynth.core.sheets import contact_sheet
from facesynth.datasets.image_sets import PackedImages
from facesynth.inference.conditions import Condition
from facesynth.inference.extractors.features import FeatureExtractor, PictureFeatures
from facesynth.inference.sampler import Sampler
from facesynth.metrics.frechet import frechet_distance
from facesynth.metrics.inception_score import FEWEST_A_PART, InceptionScore
from facesynth.metrics.moments import Moments
from facesynth.models.resnet_gan.generator import ResnetGenerator
from facesynth.training.runs.spn import SpnRun
from facesynth.training.spn.choosing import limited

_AT_ONCE = 64
_FEWEST = 2  # pictures of which a covariance can be made
_SPLITS = 10
_COLUMNS, _ROWS = 8, 10  # of a sheet


@dataclass(frozen=True, slots=True)
class Comparison:
    """What describes pictures, and the name of the Fréchet distance of its features."""

    features: FeatureExtractor
    measure: str


class SampleScorer:
    """Scores a generator by pictures of the seeds 0, 1, …, whose classes or attributes the seeds draw, too."""

    def __init__(
        self, config: SpnRun, images: PackedImages, device: torch.device, compared: Comparison | None = None
    ) -> None:
        self._spec, self._images, self._device, self._compared = config.generator, images, device, compared
        taken = limited(len(images), config.data.limit, config.seed)
        order = np.random.default_rng([config.seed, len(images), 1]).permutation(len(taken))
        self._items: NDArray[np.int64] = taken[order]
        self._count = min(config.watch.images, len(taken))
        self._real: Moments | None = None

    def scores(self, generator: ResnetGenerator) -> dict[str, float]:
        """Fréchet distance, how diverse pictures are, and the Inception Score where features are Inception's.

        `diversity` is the mean squared distance of two generated pictures' features over that of two training images'.
        """
        if self._compared is None or self._count < _FEWEST:
            return {}
        if self._real is None:
            self._real, _ = self._moments(self._training)
        sampler = self._sampler(generator)
        made, score = self._moments(lambda seeds: self._sampled(sampler, seeds))
        scores = {f"validation/{self._compared.measure}": frechet_distance(self._real, made)}
        if (spread := float(np.trace(self._real.covariance))) > 0:
            scores["validation/diversity"] = float(np.trace(made.covariance)) / spread
        return scores if score is None else scores | {"validation/inception_score": score}

    def sheet(self, generator: ResnetGenerator) -> Photo:
        """Pictures of fixed seeds in a square; of a class a row, or with the attributes of a training image a row."""
        sampler, size = self._sampler(generator), self._spec.size
        names: list[str] = []
        rows: list[Sequence[Photo]] = []
        for row in range(min(_ROWS, self._spec.classes) if self._spec.classes else _COLUMNS):
            seeds = list(range(row * _COLUMNS, (row + 1) * _COLUMNS))
            conditions: list[Condition] | None = None
            if self._spec.classes and self._multi:
                conditions = [self._attributes(row)] * _COLUMNS
            elif self._spec.classes:
                seeds, conditions = list(range(_COLUMNS)), [row] * _COLUMNS
                names.append(self._images.classes[row] if self._images.classes else str(row))
            rows.append(sampler(seeds, conditions, batch_size=_COLUMNS))
        return contact_sheet(rows, cell=max(size, 32), row_titles=names)

    @property
    def _multi(self) -> bool:
        return self._images.targets is not None and self._images.targets.ndim == 2

    def _sampler(self, generator: ResnetGenerator) -> Sampler:
        return Sampler(generator, self._spec, classes=self._images.classes, device=self._device)

    def _sampled(self, sampler: Sampler, seeds: Sequence[int]) -> list[Photo]:
        conditions = None
        if self._spec.classes and self._multi:
            conditions = [self._attributes(seed) for seed in seeds]
        return sampler(seeds, conditions, batch_size=_AT_ONCE)

    def _training(self, numbers: Sequence[int]) -> list[Photo]:
        return [Photo(np.array(self._images.images[self._items[number]])) for number in numbers]

    def _attributes(self, seed: int) -> Condition:
        """Those of a training image: as together they make sense."""
        assert self._images.targets is not None
        weights: list[float] = self._images.targets[self._items[seed % len(self._items)]].astype(float).tolist()
        return weights

    def _moments(self, pictures: Callable[[Sequence[int]], list[Photo]]) -> tuple[Moments, float | None]:
        """Of the features of pictures number 0 to the last, and the Inception Score where there are logits."""
        assert self._compared is not None
        moments: Moments | None = None
        score: InceptionScore | None = None
        for group in _groups(self._count):
            described = self._compared.features(pictures(group))
            rows = np.stack([each.features for each in described])
            moments = moments or Moments(rows.shape[1])
            moments.add(rows)
            if (logits := _logits(described)) is not None:
                score = score or InceptionScore(self._count, _SPLITS if self._count >= _SPLITS * FEWEST_A_PART else 1)
                score.add(logits)
        assert moments is not None
        return moments, None if score is None else score.result().mean


def _groups(count: int) -> Iterator[list[int]]:
    rest = iter(range(count))
    return iter(lambda: list(islice(rest, _AT_ONCE)), [])


def _logits(described: Sequence[PictureFeatures]) -> NDArray[np.float32] | None:
    found = [each.logits for each in described if each.logits is not None]
    return np.stack(found) if found else None
