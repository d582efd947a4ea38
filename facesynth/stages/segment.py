"""The stages that parse faces: label maps, and the probabilities behind them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from facesynth import weights
from facesynth.core.errors import CacheError
from facesynth.core.faces import Face
from facesynth.core.label_files import decode_label_map, encode_label_map
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Digest, Outcome
from facesynth.inference.foreign_header import header_of, is_foreign, read_metadata, refuse_declarations
from facesynth.inference.foreign_input import UNDECLARED, InputDeclaration
from facesynth.stages.base import FileCodec

if TYPE_CHECKING:
    from facesynth.inference.parser import Parser


@dataclass(slots=True)
class _ParserStage:
    """A parser by weights name or file (None: the bundled one), loaded when it is first used.

    `schema` and `declared` are for another project's ONNX file. Raises UsageError where they are missing, or not its.
    """

    parser: str | None = None
    precision: str = "float32"
    device: str = "auto"
    batch_size: int | None = None
    engine: str = "auto"
    schema: str | None = None
    declared: InputDeclaration = UNDECLARED
    _parser: Parser | None = field(init=False, default=None, repr=False)
    _sha256: Digest | None = field(init=False, default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not is_foreign(self.parser):
            refuse_declarations(self.parser or "the bundled parser", self.schema, self.declared)
            return
        path = weights.locate(self.parser or "")
        header_of(read_metadata(path), path, schema=self.schema, declared=self.declared)

    @property
    def config(self) -> Mapping[str, object]:
        if not is_foreign(self.parser):
            return {"precision": self.precision}
        return {"precision": self.precision, "schema": self.schema, "input": self.declared.declared}

    @property
    def weights(self) -> Mapping[str, Digest]:
        if self._sha256 is None:
            self._sha256 = weights.sha256_of(self.parser or weights.default_name("parser"))
        return {"parser": self._sha256}

    def _loaded(self) -> Parser:
        if self._parser is None:
            from facesynth.inference.parser import Parser

            self._parser = Parser.load(
                self.parser,
                device=self.device,
                precision=self.precision,
                engine=self.engine,
                batch_size=self.batch_size,
                sha256=self.weights["parser"],
                schema=self.schema,
                declared=self.declared,
            )
        return self._parser


@dataclass(slots=True)
class SegmentStage(_ParserStage):
    """Face → its label map, at the face's size."""

    name: ClassVar[str] = "segment"
    version: ClassVar[int] = 1
    codec: ClassVar[FileCodec[LabelMap]] = FileCodec("labels.png", encode_label_map, decode_label_map)

    def __call__(self, batch: Sequence[Face]) -> list[Outcome[LabelMap]]:
        return list(self._loaded()([face.photo for face in batch], batch_size=self.batch_size))


@dataclass(slots=True)
class ProbabilitiesStage(_ParserStage):
    """Face → 19×H×W float16: how likely each label is at each pixel."""

    name: ClassVar[str] = "probabilities"
    version: ClassVar[int] = 1

    @property
    def codec(self) -> FileCodec[NDArray[np.float16]]:
        return FileCodec("probabilities.npy", _encode_array, _decode_array)

    def __call__(self, batch: Sequence[Face]) -> list[Outcome[NDArray[np.float16]]]:
        found = self._loaded().probabilities([face.photo for face in batch], batch_size=self.batch_size)
        return [probabilities.astype(np.float16) for probabilities in found]


def _encode_array(array: NDArray[np.float16]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _decode_array(data: bytes, where: str) -> NDArray[np.float16]:
    try:
        array: NDArray[np.float16] = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise CacheError(f"not an array ({error})", where=where) from error
    return array
