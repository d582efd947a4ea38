"""The stages that read the style of a face: of the whole face, or of each of its regions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from facesynth import weights
from facesynth.core.faces import Face
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Digest, Outcome
from facesynth.core.styles import Style
from facesynth.stages.base import FileCodec

if TYPE_CHECKING:
    from facesynth.inference.encoder import Encoder


def _encode_style(style: Style) -> bytes:
    return style.to_json().encode()


def _decode_style(data: bytes, where: str) -> Style:
    return Style.from_json(data)


def reads_regions(generator: str | None = None) -> bool:
    """Whether a generator (weights name or file; None: the bundled one) has a style for each region.

    Then its faces are read by `EncodeRegionsStage`, else by `EncodeStage`. Told by the file's header, without torch.
    """
    header = weights.read_header(weights.locate(generator or weights.default_name("generator")))
    try:
        return bool(json.loads(header["specs"])["generator"].get("style_regions", False))
    except (AttributeError, KeyError, TypeError, ValueError):
        return False  # whoever loads it says what is wrong


@dataclass(slots=True)
class EncodeStage:
    """Face → its style. `generator` is the weights name or file that holds the encoder; None takes the bundled one.

    StyleError where that reads the style of each region: `EncodeRegionsStage` is for it.
    """

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

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded when it is first asked for."""
        if self._encoder is None:
            from facesynth.inference.encoder import Encoder

            self._encoder = Encoder.load(
                self.generator, device=self.device, precision=self.precision, sha256=self.weights["encoder"]
            )
        return self._encoder

    def __call__(self, batch: Sequence[Face]) -> list[Outcome[Style]]:
        return list(self.encoder([face.photo for face in batch], batch_size=self.batch_size))


@dataclass(slots=True)
class EncodeRegionsStage:
    """(face, its label map) → the style of each region that it shows. For the fields see `EncodeStage`.

    Its items are pairs, so that a key holds the label map: another one of the same face gives other styles.
    """

    name: ClassVar[str] = "encode-regions"
    version: ClassVar[int] = 1
    codec: ClassVar[FileCodec[Style]] = EncodeStage.codec

    generator: str | None = None
    precision: str = "float32"
    device: str = "auto"
    batch_size: int | None = None
    _whole: EncodeStage = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._whole = EncodeStage(self.generator, self.precision, self.device, self.batch_size)

    @property
    def config(self) -> Mapping[str, object]:
        return self._whole.config

    @property
    def weights(self) -> Mapping[str, Digest]:
        return self._whole.weights

    def __call__(self, batch: Sequence[tuple[Face, LabelMap]]) -> list[Outcome[Style]]:
        faces, labels = [face.photo for face, _ in batch], [labels for _, labels in batch]
        return list(self._whole.encoder(faces, labels, batch_size=self.batch_size))
