"""What compares two pictures: a stage a measure, so that one more or less leaves what is cached of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import UsageError
from facesynth.core.images import Photo
from facesynth.core.refs import Digest
from facesynth.inference.extractors.choice import DESCRIPTOR, LPIPS_SMALLEST, Extractor
from facesynth.metrics.paired import SSIM_SMALLEST
from facesynth.stages.base import Stage
from facesynth.stages.face_descriptor import FaceDescriptorStage
from facesynth.stages.pair_scores import MEASURES, Likeness, LikenessStage, PerceptualStage


@dataclass(frozen=True, slots=True, kw_only=True)
class PairStages:
    """The stages that two pictures of one size are compared by; `faces` describes each picture alone, once."""

    likeness: tuple[LikenessStage, ...] = ()
    perceptual: tuple[PerceptualStage, ...] = ()
    faces: Stage[Photo, NDArray[np.float64]] | None = None

    @property
    def measures(self) -> tuple[Likeness, ...]:
        """Those of MEASURES that are measured."""
        return tuple(stage.measure for stage in self.likeness)

    @property
    def extractors(self) -> tuple[Extractor, ...]:
        """What tells how different two pictures look."""
        return tuple(stage.extractor for stage in self.perceptual)

    @property
    def identity(self) -> bool:
        """Whether face descriptors are compared."""
        return self.faces is not None

    def check_size(self, size: tuple[int, int], where: str) -> None:
        """Raise UsageError where pictures of that (width, height) are too small for a measure."""
        smallest = {"ssim": SSIM_SMALLEST} if "ssim" in self.measures else {}
        if any(extractor.is_lpips for extractor in self.extractors):
            smallest["lpips"] = LPIPS_SMALLEST
        for metric, side in smallest.items():
            if min(size) < side:
                what = f"{metric} needs pictures of at least {side}×{side} pixels, these are {size[0]}×{size[1]}"
                raise UsageError(what, where=where, hint=f"leave {metric} out with --metrics, or give larger ones")

    @property
    def descriptor(self) -> Digest | None:
        """The sha256 of the face descriptor's weights; None where it is not compared."""
        return None if self.faces is None else self.faces.weights[DESCRIPTOR]

    @property
    def looks_alone(self) -> PairStages:
        """The perceptual distances alone, by the same stages: their networks are loaded once."""
        return replace(self, likeness=(), faces=None)

    def check(self) -> None:
        """See that all that is needed is here. Raises WeightsMissing, WeightsDamaged or DependencyMissing."""
        for stage in self.likeness:
            _ = stage.config
        for extractor in self.extractors:
            extractor.check()


def pair_stages(
    *,
    measures: Sequence[Likeness] = MEASURES,
    perceptual: Sequence[str] = (),
    identity: bool = False,
    device: str = "auto",
    batch_size: int | None = None,
) -> PairStages:
    """Stages for some of MEASURES, for what `choose_perceptual` takes, and for face descriptors.

    Raises UsageError for what means nothing or comes twice, and where nothing is asked for.
    """
    found = PairStages(
        likeness=tuple(LikenessStage(measure) for measure in measures),
        perceptual=tuple(PerceptualStage(name, device, batch_size) for name in perceptual),
        faces=FaceDescriptorStage() if identity else None,
    )
    names = Counter([*measures, *(extractor.name for extractor in found.extractors)])
    if twice := [name for name, count in names.items() if count > 1]:
        raise UsageError(f"{twice[0]} is named twice")
    if not (names or identity):
        raise UsageError("no measure is named", hint=f"name one of {', '.join(MEASURES)}")
    return found
