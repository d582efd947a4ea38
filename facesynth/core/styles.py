"""What a face looks like apart from its labels: a value that is stored, mixed, and tied to its encoder."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facesynth.core.errors import StyleError
from facesynth.core.refs import short

MAX_SEED = 2**63 - 1
_FORMAT = "facesynth-style-1"


@dataclass(frozen=True, slots=True)
class SeedSource:
    """A style drawn from the generator's prior: seed 0..MAX_SEED. Every generator accepts it."""

    seed: int

    def __post_init__(self) -> None:
        if type(self.seed) is not int or not 0 <= self.seed <= MAX_SEED:
            raise StyleError(f"a seed is a whole number from 0 to 2^63 - 1, not {self.seed!r}")


@dataclass(frozen=True, slots=True)
class CodeSource:
    """A style read off a face: `code` is the encoder's mean as little-endian float32, `encoder` its weights' sha256."""

    code: bytes
    encoder: str

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9a-f]{64}", self.encoder):
            raise StyleError(f"an encoder is named by the sha256 of its weights, not by {self.encoder!r}")
        if not self.code or len(self.code) % 4 or not np.isfinite(self.vector).all():
            raise StyleError("a style code is a vector of finite numbers")

    @property
    def vector(self) -> NDArray[np.float32]:
        """The code as N float32, read-only."""
        return np.frombuffer(self.code, dtype="<f4")


Source: TypeAlias = SeedSource | CodeSource


@dataclass(frozen=True, slots=True)
class Style:
    """What a face looks like, as a weighted sum of sources: (weight, source) pairs in a fixed order.

    Weights are positive and sum to 1, no source comes twice, and all codes are of one encoder and length. Make one with
    `from_seed`, `from_code` or `mix`. Raises StyleError.
    """

    components: tuple[tuple[float, Source], ...]

    def __post_init__(self) -> None:
        weights = [weight for weight, _ in self.components]
        if not all(0 < weight <= 1 for weight in weights) or not math.isclose(sum(weights), 1, abs_tol=1e-6):
            raise StyleError(f"the weights of a style are positive and sum to 1, these are {weights}")
        if len({source for _, source in self.components}) < len(self.components):
            raise StyleError("a style names one source twice")
        codes = {(source.encoder, len(source.code)) for _, source in self.components if isinstance(source, CodeSource)}
        if len(codes) > 1:
            raise StyleError(
                "styles of different encoders cannot be mixed", hint="encode all the style faces with one generator"
            )
        object.__setattr__(self, "components", tuple(sorted(self.components, key=lambda part: _order(part[1]))))

    @classmethod
    def from_seed(cls, seed: int) -> Style:
        """The style that a generator draws from a seed, 0..MAX_SEED."""
        return cls(((1.0, SeedSource(seed)),))

    @classmethod
    def from_code(cls, vector: ArrayLike, encoder: str) -> Style:
        """The style of a face: the encoder's mean (N numbers, kept as float32) and the sha256 of its weights."""
        code = np.asarray(vector)
        if code.ndim != 1 or not np.issubdtype(code.dtype, np.floating):
            raise StyleError(f"a style code is a vector of floats, this is {code.dtype} of shape {code.shape}")
        with np.errstate(over="ignore"):  # an overflow becomes infinite, which CodeSource refuses
            return cls(((1.0, CodeSource(code.astype("<f4").tobytes(), encoder)),))

    @classmethod
    def mix(cls, a: Style, b: Style, t: float) -> Style:
        """(1 - t) · a + t · b, with t in 0..1; the ends are `a` and `b` themselves."""
        if not 0 <= t <= 1:
            raise StyleError(f"a mix lies between 0 and 1, not at {t}")
        if t in (0, 1):
            return b if t else a
        weights: dict[Source, float] = {}
        for share, style in ((1.0 - t, a), (float(t), b)):
            for weight, source in style.components:
                weights[source] = weights.get(source, 0.0) + share * weight
        total = math.fsum(weights.values())  # 1 but for rounding; fsum does not depend on the order
        return cls(tuple((weight / total, source) for source, weight in weights.items() if weight > 0))

    @property
    def kind(self) -> Literal["seed", "face", "mix"]:
        if len(self.components) > 1:
            return "mix"
        return "seed" if isinstance(self.components[0][1], SeedSource) else "face"

    @property
    def encoder(self) -> str | None:
        """The sha256 of the encoder's weights; None when only seeds are in it."""
        return next((source.encoder for _, source in self.components if isinstance(source, CodeSource)), None)

    def require(self, encoder: str, length: int) -> None:
        """Raise StyleError unless a generator with this encoder (sha256) and length of style code can use the style."""
        for _, source in self.components:
            if isinstance(source, CodeSource) and (source.encoder, len(source.code)) != (encoder, 4 * length):
                raise StyleError(
                    f"this style was read by encoder {short(source.encoder)}, the generator's is {short(encoder)}",
                    hint="encode the style face again with this generator",
                )

    def to_json(self) -> str:
        """The style as one line of canonical JSON, codes as base64 of little-endian float32; `from_json` inverts it."""
        parts = [{"weight": weight, **_source_to_json(source)} for weight, source in self.components]
        return json.dumps({"format": _FORMAT, "components": parts}, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Style:
        """Read what `to_json` wrote, exactly. Raises StyleError when the text is anything else."""
        try:
            document = json.loads(text)
            if document["format"] != _FORMAT:
                raise StyleError(f"this style has the format {document['format']!r}, expected {_FORMAT!r}")
            return cls(tuple(_components(document["components"])))
        except (ValueError, TypeError, KeyError, AttributeError, binascii.Error) as error:
            raise StyleError(f"not a style ({error!r})") from error

    def digest(self) -> str:
        """The sha256 of its JSON, in hex."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def _order(source: Source) -> tuple[int, int, bytes]:
    return (0, source.seed, b"") if isinstance(source, SeedSource) else (1, 0, source.code)


def _source_to_json(source: Source) -> dict[str, Any]:
    if isinstance(source, SeedSource):
        return {"seed": source.seed}
    return {"code": base64.b64encode(source.code).decode(), "encoder": source.encoder}


def _components(parts: Iterable[dict[str, Any]]) -> Iterable[tuple[float, Source]]:
    for part in parts:
        if part.keys() == {"weight", "seed"}:
            yield float(part["weight"]), SeedSource(part["seed"])
        elif part.keys() == {"weight", "code", "encoder"}:
            yield float(part["weight"]), CodeSource(base64.b64decode(part["code"], validate=True), part["encoder"])
        else:
            raise StyleError(f"a style component has the fields {sorted(part)}")
