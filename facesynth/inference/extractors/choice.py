"""What pictures are compared by, by name: which weights each needs, and what its scores may be called. No torch."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from facesynth import weights
from facesynth.core.errors import DependencyMissing, UsageError, WeightsMissing
from facesynth.core.refs import Digest, short

FEATURES = ("inception", "judge")
"""Words for features of a picture; the name or the file of a parser's weights is one too, one of BACKBONES, and
`inception:FILE`."""
BACKBONES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "mobilenet-v2-imagenet": ("mobilenet-v2", "ImageNet's mean and sd"),
        "efficientnet-lite0-imagenet": ("efficientnet-lite0", "(pixel - 127) / 128"),
    }
)
"""Weights of image classifiers, for pictures that are no faces: which trunk they are of, how it normalises pictures."""
# 1,500 of CIFAR-10's images against as many others, mobilenet-v2: blurred by 0.7 pixels they were 2.8 times as far
# apart as untouched ones at 128, and 2.0 times at 64; with noise of 8 levels 6.1 and 4.1 times, without half of the
# classes 1.34 and 1.25 times.
BACKBONE_SIZE = 128
"""The side in pixels that pictures are resized to for a backbone; whoever changes it raises FeaturesStage.version."""
PERCEPTUAL = ("lpips-alex", "lpips-vgg", "judge")
"""Words for a perceptual distance of two pictures; what else there is: as for features, and `lpips-alex:FILE`."""
LPIPS_SMALLEST = 32
"""The side in pixels below which LPIPS' networks have nothing left to compare."""
DESCRIPTOR = "dlib-face-descriptor"
"""The weights of the face descriptor that tells whose face it is."""

Network = Literal["inception", "lpips-alex", "lpips-vgg", "trunk", "backbone"]

# The field's own networks: the weights that each is published with.
_PUBLISHED: Mapping[str, tuple[Network, str]] = MappingProxyType(
    {
        "inception": ("inception", "inception-fid"),
        "lpips-alex": ("lpips-alex", "alexnet-imagenet"),
        "lpips-vgg": ("lpips-vgg", "vgg16-imagenet"),
    }
)
_IN_WORDS: Mapping[Network, str] = MappingProxyType(
    {"inception": "InceptionV3 2015-12-05", "lpips-alex": "LPIPS 0.1, AlexNet", "lpips-vgg": "LPIPS 0.1, VGG16"}
)
_TRUNKS = ("parser", "judge")
_OWN: tuple[Network, ...] = ("trunk", "backbone")
"""Networks that this project computes itself, by names that are not the field's."""


@dataclass(frozen=True, slots=True)
class Extractor:
    """A network and the weights (name or file) that it is loaded from; cheap to make, loads nothing."""

    network: Network
    weights: str
    for_pairs: bool = False
    """Whether it compares two pictures, or describes one."""

    @property
    def is_inception(self) -> bool:
        """Whether it is the network that FID, KID and Inception Score are made with; its answers have logits then."""
        return self.network == "inception"

    @property
    def is_lpips(self) -> bool:
        """Whether it is one of LPIPS' networks."""
        return self.network.startswith("lpips")

    @property
    def is_published(self) -> bool:
        """Whether these are the field's own network and weights, so that a score may bear its published name."""
        if self.network in _OWN:
            return False
        _, name = _PUBLISHED[self.network]
        return self.weights == name or self.sha256 == weights.entry_of(name).sha256

    @property
    def sha256(self) -> Digest:
        """The sha256 of its weights. Raises WeightsMissing where a file is not there."""
        return weights.sha256_of(self.weights)

    @property
    def digests(self) -> Mapping[str, Digest]:
        """The sha256 of every weights file that its answers depend on, by role. Raises WeightsMissing."""
        found: dict[str, Digest] = {self.network: self.sha256}
        return (
            found | {f"{self.network}-linear": weights.sha256_of(f"{self.network}-linear")} if self.is_lpips else found
        )

    @property
    def name(self) -> str:
        """What it is called in results: `inception`, `lpips-alex`, or what its weights are called."""
        if self.network in _OWN:
            return Path(self.weights).stem if self.weights not in weights.manifest() else self.weights
        return self.network if self.is_published else f"{self.network} with {Path(self.weights).name}"

    @property
    def protocol(self) -> str:
        """How it is computed, in words that another could do the same by. Raises DependencyMissing."""
        told = f"{self.name} (sha256 {short(self.sha256)})"
        if self.network == "trunk" and self.for_pairs:
            return f"squared difference of the maps of {told}'s trunk, each place at unit length, mean over the maps"
        if self.network == "trunk":
            return f"means of the maps of {told}'s trunk, pictures resized to its input (Lanczos)"
        if self.network == "backbone":
            trunk, normalised = BACKBONES[self.weights]
            resized = f"pictures resized to {BACKBONE_SIZE}×{BACKBONE_SIZE} (Lanczos)"
            return f"means of the maps of {told}'s trunk ({trunk}), {resized}, normalised by {normalised}"
        others = "" if self.is_published else f", weights of {Path(self.weights).name} (sha256 {short(self.sha256)})"
        if self.is_lpips:
            return f"{_IN_WORDS[self.network]} by {self._package}, pictures at their size{others}"
        return f"{_IN_WORDS['inception']} by {self._package}, 299×299 TF1 bilinear, uint8 in{others}"

    @property
    def library(self) -> Mapping[str, str]:
        """The package that computes it and its version, part of every key: {} for a trunk. Raises DependencyMissing."""
        if self.network in _OWN:
            return {}
        package = "torchmetrics" if self.is_lpips else "torch-fidelity"
        return {package: library_version(package)}

    @property
    def _package(self) -> str:
        return " ".join(f"{package} {version}" for package, version in self.library.items())

    def called(self, published: str, plain: str) -> str:
        """The name of a score over it: `published` ("FID") for the field's own weights, or `plain` over its name."""
        return published if self.is_published else f"{plain} over {self.name}"

    def check(self) -> None:
        """See that all it needs is here. Raises WeightsMissing, WeightsDamaged or DependencyMissing: what to run."""
        _ = self.library
        if self.is_lpips:
            weights.locate(f"{self.network}-linear")
        try:
            weights.locate(self.weights)
        except WeightsMissing as error:
            if self.network in _OWN or self.weights not in weights.manifest():
                raise
            option, score = ("--perceptual", "LPIPS") if self.for_pairs else ("--features", "FID")
            other = f"for a distance over other features, which is not {score}: {option} judge"
            raise WeightsMissing(
                f"{score} needs the weights {self.weights}, which are not on this disk",
                hint=f"{weights.entry_of(self.weights).how_to_get}; or, {other}",
            ) from error


def choose_features(name: str) -> Extractor:
    """`inception`, `inception:FILE`, `judge`, a backbone, or a parser's weights by name or file → what describes a
    picture.

    Raises UsageError for what is none of these.
    """
    return Extractor("backbone", name) if name in BACKBONES else _chosen(name, FEATURES, for_pairs=False)


def choose_perceptual(name: str) -> Extractor:
    """`lpips-alex`, `lpips-vgg`, either with `:FILE`, `judge`, or a parser's weights → what compares two pictures.

    Raises as `choose_features` does.
    """
    return _chosen(name, PERCEPTUAL, for_pairs=True)


def _chosen(name: str, words: tuple[str, ...], *, for_pairs: bool) -> Extractor:
    word, colon, file = name.partition(":")
    if word in words and word in _PUBLISHED:
        network, published = _PUBLISHED[word]
        if colon and not file:
            raise UsageError(f"{name!r} names no file", hint=f"use {word}:FILE, or {word} alone")
        return Extractor(network, file or published, for_pairs)
    chosen = weights.default_name("judge") if name == "judge" else name
    entry = weights.manifest().get(chosen)
    others = () if for_pairs else BACKBONES
    known = f"use {', '.join((*words, *others))}, or the weights of a parser"
    if chosen in _PUBLISHED or (entry is not None and entry.kind not in _TRUNKS):
        raise UsageError(f"{name!r} cannot {'compare' if for_pairs else 'describe'} pictures", hint=known)
    if entry is None and not Path(chosen).is_file():
        raise UsageError(f"{name!r} is neither known here nor a file", hint=known)
    return Extractor("trunk", chosen, for_pairs)


def library_version(package: str) -> str:
    """The version of a package of the extra `metrics`. Raises DependencyMissing; imports nothing."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError as error:
        raise DependencyMissing(package, "metrics") from error
