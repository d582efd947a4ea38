"""The stages that parse faces: label maps, and the probabilities behind them."""

from __future__ import annotations

import io
import threading
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from facesynth import weights
from facesynth.core.errors import CacheError
from facesynth.core.faces import Face
from facesynth.core.label_files import decode_label_map, encode_label_map
from facesynth.core.labels import LABEL_NAMES, LabelMap
from facesynth.core.refs import Digest, Outcome
from facesynth.inference.confidence import ParsedLabels, decode_confidence, encode_confidence
from facesynth.inference.foreign.declaration import UNDECLARED, InputDeclaration
from facesynth.inference.foreign.header import header_of, is_foreign, read_metadata, refuse_declarations, refuse_engine
from facesynth.stages.base import FileCodec

if TYPE_CHECKING:
    from facesynth.inference.parser import Parser

_HELD: WeakValueDictionary[tuple[object, ...], Parser] = WeakValueDictionary()
"""Parsers by what they were loaded from and how, each for as long as a stage holds it."""
_LOADING = threading.Lock()


@dataclass(slots=True)
class _ParserStage:
    """A parser by weights name or file (None: the bundled one), loaded when it is first used; equal stages share it.

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
        refuse_engine(self.engine, self.parser or "")
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

    @property
    def ran(self) -> str | None:
        """The engine that parses; None before anything is parsed."""
        return None if self._parser is None else self._parser.engine

    def _loaded(self) -> Parser:
        if self._parser is None:
            self._parser = self._shared()
        return self._parser

    def _shared(self) -> Parser:
        """The parser that another stage with the same settings has loaded and holds, or a new one."""
        sha256 = self.weights["parser"]
        how = (sha256, self.device, self.precision, self.engine, self.batch_size, self.schema, self.declared)
        with _LOADING:
            parser = _HELD.get(how)
            if parser is None:
                from facesynth.inference.parser import Parser

                parser = Parser.load(
                    self.parser,
                    device=self.device,
                    precision=self.precision,
                    engine=self.engine,
                    batch_size=self.batch_size,
                    sha256=sha256,
                    schema=self.schema,
                    declared=self.declared,
                )
                _HELD[how] = parser
        return parser


CONFIDENCE_FILE = "confidence.json"
PROBABILITIES_FILE = "probabilities.npz"


class ParsedCodec:
    """A label map as `labels.png`, and beside it `confidence.json` where the parser tells how sure it is."""

    main: ClassVar[str] = "labels.png"

    def write(self, value: LabelMap) -> Mapping[str, bytes]:
        files = {self.main: encode_label_map(value)}
        if isinstance(value, ParsedLabels) and value.confidence is not None:
            files[CONFIDENCE_FILE] = encode_confidence(value.confidence)
        return files

    def read(self, folder: Path) -> LabelMap:
        labels, told = folder / self.main, folder / CONFIDENCE_FILE
        found = decode_label_map(labels.read_bytes(), str(labels))
        if not told.exists():
            return found
        return ParsedLabels(found.ids, decode_confidence(told.read_bytes(), str(told)))


@dataclass(slots=True)
class SegmentStage(_ParserStage):
    """Face → its label map, at the face's size, with how sure the parser is of it."""

    name: ClassVar[str] = "segment"
    version: ClassVar[int] = 2
    codec: ClassVar[ParsedCodec] = ParsedCodec()

    def __call__(self, batch: Sequence[Face]) -> list[Outcome[LabelMap]]:
        return list(self._loaded()([face.photo for face in batch], batch_size=self.batch_size))


@dataclass(slots=True)
class ProbabilitiesStage(_ParserStage):
    """Face → 19×H×W uint8: how likely each label is at each pixel, 255 where it is certain.

    `probabilities.npz` holds them as `probabilities`, and the 19 labels as `names`.
    """

    name: ClassVar[str] = "probabilities"
    version: ClassVar[int] = 2

    @property
    def codec(self) -> FileCodec[NDArray[np.uint8]]:
        return FileCodec(PROBABILITIES_FILE, _encode_probabilities, _decode_probabilities)

    def __call__(self, batch: Sequence[Face]) -> list[Outcome[NDArray[np.uint8]]]:
        found = self._loaded().probabilities([face.photo for face in batch], batch_size=self.batch_size)
        return [np.rint(probabilities * 255).astype(np.uint8) for probabilities in found]


def _encode_probabilities(probabilities: NDArray[np.uint8]) -> bytes:
    """An .npz, compressed by level 1: numpy's own level takes twice as long and saves a fifth."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in (("probabilities", probabilities), ("names", np.array(LABEL_NAMES))):
            with archive.open(f"{name}.npy", "w") as file:  # which dates it 1980: the same bytes each time
                np.lib.format.write_array(file, array, allow_pickle=False)
    return stream.getvalue()


def _decode_probabilities(data: bytes, where: str) -> NDArray[np.uint8]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            probabilities: NDArray[np.uint8] = arrays["probabilities"]
    except (KeyError, TypeError, ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise CacheError(f"holds no probabilities ({error})", where=where) from error
    return probabilities
