"""What styles are made of: seeds and the codes that an encoder reads off faces, for a whole face or for its regions."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facesynth.core.errors import StyleError
from facesynth.core.labels import NUM_LABELS, Label

MAX_SEED = 2**63 - 1


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
        _check(self.encoder, self.code)

    @property
    def vector(self) -> NDArray[np.float32]:
        """The code as N float32, read-only."""
        return np.frombuffer(self.code, dtype="<f4")

    @property
    def lengths(self) -> frozenset[int]:
        """How many numbers its codes have."""
        return frozenset({len(self.code) // 4})


@dataclass(frozen=True, slots=True)
class RegionsSource:
    """The styles of a face's regions: a code like `CodeSource`'s for each label that the face shows, by label.

    Of a label that it has none for it knows nothing: there the generator's learned average stands.
    """

    codes: tuple[tuple[Label, bytes], ...]
    encoder: str

    def __post_init__(self) -> None:
        _check(self.encoder, *(code for _, code in self.codes))
        labels = [label for label, _ in self.codes]
        if len(set(labels)) < len(labels) or not all(type(label) is Label for label in labels):
            raise StyleError("a face has one style code for each of its labels")
        if len(self.lengths) > 1:
            raise StyleError("the style codes of a face's regions are of one length")
        object.__setattr__(self, "codes", tuple(sorted(self.codes)))

    @property
    def vectors(self) -> dict[Label, NDArray[np.float32]]:
        """The codes by label, each as N float32, read-only."""
        return {label: np.frombuffer(code, dtype="<f4") for label, code in self.codes}

    @property
    def lengths(self) -> frozenset[int]:
        """How many numbers its codes have; empty where it has none."""
        return frozenset(len(code) // 4 for _, code in self.codes)

    def of(self, label: Label) -> RegionsSource:
        """What it knows of this one label."""
        return RegionsSource(tuple(part for part in self.codes if part[0] == label), self.encoder)


Source: TypeAlias = SeedSource | CodeSource | RegionsSource


def code_bytes(vector: ArrayLike) -> bytes:
    """N floats as little-endian float32. Raises StyleError for what is no vector of floats."""
    code = np.asarray(vector)
    if code.ndim != 1 or not np.issubdtype(code.dtype, np.floating):
        raise StyleError(f"a style code is a vector of floats, this is {code.dtype} of shape {code.shape}")
    with np.errstate(over="ignore"):  # an overflow becomes infinite, which the sources refuse
        return code.astype("<f4").tobytes()


def source_order(source: Source) -> tuple[int, int, bytes]:
    """A key that sources are sorted by: seeds, then faces, then faces by region."""
    if isinstance(source, SeedSource):
        return 0, source.seed, b""
    if isinstance(source, CodeSource):
        return 1, 0, source.code
    return 2, 0, b"".join(bytes([label]) + code for label, code in source.codes)


def source_to_json(source: Source) -> dict[str, Any]:
    """The fields of a source in JSON, codes as base64; `source_from_json` inverts it."""
    if isinstance(source, SeedSource):
        return {"seed": source.seed}
    if isinstance(source, CodeSource):
        return {"code": _text(source.code), "encoder": source.encoder}
    codes = {label.name.lower(): _text(code) for label, code in source.codes}
    return {"codes": codes, "encoder": source.encoder}


def source_from_json(fields: Mapping[str, Any]) -> Source:
    """The source that `source_to_json` made these fields of. StyleError or ValueError where they are others."""
    if fields.keys() == {"seed"}:
        return SeedSource(fields["seed"])
    if fields.keys() == {"code", "encoder"}:
        return CodeSource(_code(fields["code"]), fields["encoder"])
    if fields.keys() == {"codes", "encoder"}:
        codes = tuple((label_named(name), _code(code)) for name, code in fields["codes"].items())
        return RegionsSource(codes, fields["encoder"])
    raise StyleError(f"a style component has the fields {sorted(fields)}")


def label_named(name: str) -> Label:
    """The label of that name, as files and commands write it (`l_eye`). Raises StyleError."""
    for label in Label:
        if label.name.lower() == name:
            return label
    known = ", ".join(label.name.lower() for label in Label)
    raise StyleError(f"{name!r} is none of the {NUM_LABELS} labels", hint=f"use one of: {known}")


def _check(encoder: str, *codes: bytes) -> None:
    if not re.fullmatch("[0-9a-f]{64}", encoder):
        raise StyleError(f"an encoder is named by the sha256 of its weights, not by {encoder!r}")
    for code in codes:
        if not code or len(code) % 4 or not np.isfinite(np.frombuffer(code, dtype="<f4")).all():
            raise StyleError("a style code is a vector of finite numbers")


def _text(code: bytes) -> str:
    return base64.b64encode(code).decode()


def _code(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
