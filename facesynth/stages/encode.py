"""The stage that reads the style of a face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from facesynth import weights
from facesynth.core.faces import Face
from facesynth.core.refs import Digest, Outcome
from facesynth.core.styles import Style
from facesynth.stages.base import FileCodec

if TYPE_CHECKING:
    from facesynth.inference.encoder import Encoder


def _encode_style(style: Style) -> bytes:
    return style.to_json().encode()


def _decode_style(data: bytes, where: str) -> Style:
    return Style.from_json(data)


@dataclass(slots=True)
class EncodeStage:
    """Face → its style. `generator` is the weights name or file that holds the encoder; None takes the bundled one."""

    name: ClassVar[str] = "encode"
    version: ClassVar[int] = 1
    codec: ClassVar[FileCodec[Style]] = FileCodec("style.json", _encode_style, _decode_style)

    generator: str | None = None
    precision: str = "float32"
    device: str = "auto"
    batch_size: int | None = None
    _encoder: Encoder | None = field(init=False, default=None, repr=False)
    _sha256: Digest | None = field(init=False, default=None, repr=False, compare=False)

    @property
    def config(self) -> Mapping[str, object]:
        return {"precision": self.precision}

    @property
    def weights(self) -> Mapping[str, Digest]:
        if self._sha256 is None:
            self._sha256 = weights.sha256_of(self.generator or weights.default_name("generator"))
        return {"encoder": self._sha256}

    def __call__(self, batch: Sequence[Face]) -> list[Outcome[Style]]:
        if self._encoder is None:
            from facesynth.inference.encoder import Encoder

            self._encoder = Encoder.load(
                self.generator, device=self.device, precision=self.precision, sha256=self.weights["encoder"]
            )
        return list(self._encoder([face.photo for face in batch], batch_size=self.batch_size))
