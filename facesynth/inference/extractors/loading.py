"""Extractors by choice: which class loads which."""

from __future__ import annotations

from facesynth.core.refs import Digest
from facesynth.inference.extractors.choice import Extractor
from facesynth.inference.extractors.features import FeatureExtractor, PairDistance
from facesynth.inference.extractors.inception import InceptionFeatures
from facesynth.inference.extractors.perceptual import Lpips, TrunkDistance
from facesynth.inference.extractors.trunk import TrunkFeatures


def load_features(chosen: Extractor, *, device: str = "auto", sha256: Digest | None = None) -> FeatureExtractor:
    """Load what describes pictures. Raises WeightsError, DependencyMissing or DeviceError; never fetches."""
    chosen.check()
    if chosen.is_inception:
        return InceptionFeatures.load(chosen.weights, device=device, sha256=sha256)
    return TrunkFeatures.load(chosen.weights, device=device, sha256=sha256)


def load_perceptual(chosen: Extractor, *, device: str = "auto", sha256: Digest | None = None) -> PairDistance:
    """Load what compares two pictures. Raises as `load_features` does."""
    chosen.check()
    if chosen.is_lpips:
        return Lpips.load(chosen.network, chosen.weights, device=device, sha256=sha256)
    return TrunkDistance.load(chosen.weights, device=device, sha256=sha256)
