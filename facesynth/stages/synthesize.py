"""The stage that paints a face from a label map and a style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from facesynth import weights
from facesynth.core.image_files import SYNTHETIC_TEXT, decode_photo, encode_png
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Digest, Outcome
from facesynth.core.styles import Style
from facesynth.inference.sizes import check_size
from facesynth.stages.base import FileCodec

if TYPE_CHECKING:
    from facesynth.inference.synthesizer import Synthesizer


def _encode_picture(picture: Photo) -> bytes:
    return encode_png(picture, text=SYNTHETIC_TEXT)


@dataclass(slots=True)
class SynthesizeStage:
    """(label map, style) → painted face, marked synthetic in its metadata.

    `size` is the side of the picture in pixels (16 to 4096, or UsageError; None: the generator's own); another size is
    resampled from the generator's. `engine` is one of facesynth.inference.engines; in float32 all of them paint the
    same but for rounding, in lower precisions each rounds its own way.
    """

    name: ClassVar[str] = "synthesize"
    version: ClassVar[int] = 4
    codec: ClassVar[FileCodec[Photo]] = FileCodec("picture.png", _encode_picture, decode_photo)

    generator: str | None = None
    size: int | None = None
    precision: str = "float32"
    device: str = "auto"
    batch_size: int | None = None
    engine: str = "auto"
    _synthesizer: Synthesizer | None = field(init=False, default=None, repr=False)
    _sha256: Digest | None = field(init=False, default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.size is not None:
            check_size(self.size)

    @property
    def config(self) -> Mapping[str, object]:
        config: dict[str, object] = {"precision": self.precision, "size": self.size}
        if self.precision != "float32" and self.engine not in ("auto", "eager"):  # which are one
            config["engine"] = self.engine
        return config

    @property
    def weights(self) -> Mapping[str, Digest]:
        if self._sha256 is None:
            self._sha256 = weights.sha256_of(self.generator or weights.default_name("generator"))
        return {"generator": self._sha256}

    def __call__(self, batch: Sequence[tuple[LabelMap, Style]]) -> list[Outcome[Photo]]:
        if self._synthesizer is None:
            from facesynth.inference.synthesizer import Synthesizer

            self._synthesizer = Synthesizer.load(
                self.generator,
                device=self.device,
                precision=self.precision,
                sha256=self.weights["generator"],
                engine=self.engine,
            )
        labels, styles = [labels for labels, _ in batch], [style for _, style in batch]
        pictures = self._synthesizer(labels, styles, batch_size=self.batch_size)
        if self.size is None:
            return list(pictures)
        return [picture.resized(self.size, self.size) for picture in pictures]
