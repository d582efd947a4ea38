"""A generator whose pictures are known: in own style the photo itself, by seed the same with its hair made a hat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from facesynth.core.faces import Face
from facesynth.core.image_files import decode_photo, encode_png
from facesynth.core.images import Photo
from facesynth.core.labels import Label, LabelMap
from facesynth.core.styles import Style
from facesynth.jobs.evaluate.generator_passes import GeneratorStages
from facesynth.jobs.evaluate.pair_stages import pair_stages
from facesynth.stages.base import FileCodec
from facesynth.stages.encode import EncodeStage
from facesynth.stages.features import FeaturesStage
from tests.coded_parser import CodedStage, coded_face


@dataclass(slots=True)
class CodedEncoder:
    """Every face has the same style."""

    name: ClassVar[str] = "encode"
    version: ClassVar[int] = 1
    codec: ClassVar[FileCodec[Style]] = EncodeStage.codec
    calls: list[int] = field(default_factory=list)

    @property
    def config(self) -> Mapping[str, object]:
        return {}

    @property
    def weights(self) -> Mapping[str, str]:
        return {"encoder": "cd" * 32}

    def __call__(self, batch: Sequence[Face]) -> list[Style]:
        self.calls.append(len(batch))
        return [Style.from_code(np.zeros(4, dtype=np.float32), "cd" * 32) for _ in batch]


@dataclass(slots=True)
class CodedPainter:
    """Paints what `CodedStage` parses into the label map; by seed, with a hat for hair, the seed brighter."""

    name: ClassVar[str] = "synthesize"
    version: ClassVar[int] = 1
    codec: ClassVar[FileCodec[Photo]] = FileCodec("picture.png", encode_png, decode_photo)
    calls: list[int] = field(default_factory=list)
    interrupt_after: int | None = None

    @property
    def config(self) -> Mapping[str, object]:
        return {}

    @property
    def weights(self) -> Mapping[str, str]:
        return {"generator": "cd" * 32}

    def __call__(self, batch: Sequence[tuple[LabelMap, Style]]) -> list[Photo]:
        if self.interrupt_after is not None and sum(self.calls) >= self.interrupt_after:
            raise KeyboardInterrupt
        self.calls.append(len(batch))
        return [self._painted(labels, style) for labels, style in batch]

    def _painted(self, labels: LabelMap, style: Style) -> Photo:
        if style.kind != "seed":
            return coded_face(labels)
        ids = np.where(labels.ids == Label.HAIR, Label.HAT, labels.ids)
        pixels = coded_face(LabelMap(ids)).pixels.copy()
        pixels[..., 2] += np.uint8(4 * style.components[0][1].seed)  # type: ignore[union-attr]
        return Photo(pixels)


def coded_stages(weights: Path, **more: Any) -> GeneratorStages:
    """The coded generator and judge; sets and pairs are compared by the trunk of a tiny parser."""
    name = str(weights)
    given: dict[str, Any] = {"encode": CodedEncoder(), "synthesize": CodedPainter(), "judge": CodedStage()}
    given |= {"pairs": pair_stages(perceptual=(name,), device="cpu")} | more
    return GeneratorStages(
        features=lambda size: FeaturesStage(name, size, device="cpu"),
        device="cpu",
        **given,
    )
