"""Looks at what a generator in training paints of held-out faces: is it parsed as it was asked for, is it like faces?

It is not the judge of `evaluate`, which takes no part in training, nor in choosing its best moment.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from facesynth import weights
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.inference.extractors.choice import Extractor, choose_features
from facesynth.inference.extractors.features import FeatureExtractor
from facesynth.inference.extractors.loading import load_features
from facesynth.inference.parser import Parser
from facesynth.metrics.frechet import frechet_distance
from facesynth.metrics.moments import Moments
from facesynth.metrics.segmentation import ConfusionMatrix
from facesynth.training.initial import learnable
from facesynth.training.runs.settings import Watch

OWN_FEATURES = "parser"
_FEWEST = 2  # faces of which a covariance can be made


class Onlooker:
    """Parses painted pictures again, and compares their features with those of the photos."""

    def __init__(
        self,
        faces: frozenset[int],
        parser: Callable[[Sequence[Photo]], Sequence[LabelMap]],
        features: FeatureExtractor | None = None,
        measure: str = "frechet",
    ) -> None:
        """`faces` are the numbers of the held-out faces to look at; `measure` is what the distance of features is."""
        self._faces, self._parser, self._features, self._measure = faces, parser, features, measure
        self._photos = _Side()
        self._painted = _Side()
        self._known: set[int] = set()

    def look(self, first: int, pairs: Sequence[tuple[Photo, LabelMap]], painted: Sequence[Photo]) -> None:
        """Look at faces number `first` and after, with what was painted from their label maps.

        Photos and label maps are brought to the painted pictures' size, so that the parser sees as much of both. A
        photo is looked at once and remembered.
        """
        chosen = [index for index in range(len(pairs)) if first + index in self._faces]
        truths = [pairs[index][1].resized(*painted[index].size) for index in chosen]
        self._add(self._painted, [painted[index] for index in chosen], truths)
        fresh = [
            (index, truth) for index, truth in zip(chosen, truths, strict=True) if first + index not in self._known
        ]
        photos = [pairs[index][0].resized(*painted[index].size) for index, _ in fresh]
        self._add(self._photos, photos, [truth for _, truth in fresh])
        self._known |= {first + index for index, _ in fresh}

    def scores(self) -> dict[str, float]:
        """What was seen since the last call, by name; empty where nothing was."""
        painted, self._painted = self._painted, _Side()
        if not painted.agreement.pixels:
            return {}
        scores: dict[str, float] = {}
        for name, side in (("reparse", painted), ("reparse_photos", self._photos)):
            scores[f"validation/{name}/pixel_accuracy"] = side.agreement.pixel_accuracy
            scores[f"validation/{name}/mean_iou"] = side.agreement.mean_iou
        ours, theirs = self._photos.moments, painted.moments
        if ours is not None and theirs is not None and min(ours.count, theirs.count) >= _FEWEST:
            scores[f"validation/{self._measure}"] = frechet_distance(ours, theirs)
        return scores

    def _add(self, side: _Side, pictures: Sequence[Photo], truths: Sequence[LabelMap]) -> None:
        if not pictures:
            return
        for truth, parsed in zip(truths, self._parser(pictures), strict=True):
            side.agreement.add(truth, parsed)
        if self._features is not None:
            found = np.stack([each.features for each in self._features(pictures)])
            side.moments = side.moments or Moments(found.shape[1])
            side.moments.add(found)


class _Side:
    """What is known of the painted pictures, or of the photos."""

    def __init__(self) -> None:
        self.agreement = ConfusionMatrix()
        self.moments: Moments | None = None


def onlooker(
    watch: Watch, held_out: int, seed: int, base: Path, device: str, on_note: Callable[[str], None]
) -> Onlooker | None:
    """The onlooker of a run with so many held-out faces; None where there is nobody to look at.

    A relative file is looked for from `base`. Raises ConfigError for a judge, and as loading does. Without
    torch-fidelity features are not compared, which is noted.
    """
    if not watch.faces or not held_out:
        return None
    parser_name = watch.parser or weights.default_name("parser")
    path, sha256 = learnable(parser_name, base)
    chosen = np.random.default_rng(seed).permutation(held_out)[: watch.faces]
    faces = frozenset(int(index) for index in chosen)
    parser = Parser.load(path, device=device, precision="float32", engine="eager", sha256=sha256)
    if watch.features is None:
        return Onlooker(faces, parser)
    if importlib.util.find_spec("torch_fidelity") is None:
        on_note("no Fréchet distance while training: torch-fidelity is not installed; pip install facesynth[metrics]")
        return Onlooker(faces, parser)
    described, measure = watched_features(watch.features, base, parser_name)
    return Onlooker(faces, parser, load_features(described, device=device), measure)


def watched_features(features: str, base: Path, parser: str | None = None) -> tuple[Extractor, str]:
    """What pictures are described by while training, and what the Fréchet distance of that is called.

    `parser` is whose features are meant by that word, of the bundled one where None. Raises ConfigError for a judge.
    """
    described = _described(features, parser or weights.default_name("parser"), base)
    fid = described.is_inception and described.is_published
    return described, "fid" if fid else f"frechet/{described.name}"


def _described(features: str, parser: str, base: Path) -> Extractor:
    name = parser if features == OWN_FEATURES else features
    if name.partition(":")[0] == "inception":
        return choose_features(name)
    name = weights.default_name("judge") if name == "judge" else name  # which is then refused
    path, _ = learnable(name, base)
    return choose_features(name if name in weights.manifest() else str(path))
