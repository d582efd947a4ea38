"""The few faces of an evaluation that are shown, and what their pictures are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePictures:
    """What one face's pictures are drawn from; None where there is no such thing.

    `labels` is the label map, `real` the photo, `own` the picture in the photo's own style (or, where two folders are
    compared, the generated picture), `seeds` the pictures by seed, `reparsed` what the judge sees in `own`.
    """

    labels: LabelMap | None = None
    real: Photo | None = None
    own: Photo | None = None
    seeds: Mapping[int, Photo] = field(default_factory=lambda: MappingProxyType({}))
    reparsed: LabelMap | None = None


View: TypeAlias = Literal["label map", "photo", "own", "seed", "parsed again"]
"""Which of CasePictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPicture:
    """A small picture that was kept of a face: its file, from the evaluation's folder, and the sha256 of its bytes.

    `seed` is None but in the view `seed`.
    """

    view: View
    file: str
    sha256: Digest
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A face that is worth showing. The files are its photo, label map and, of two folders, generated picture.

    `look` reads (through the cache, or what was `kept`) what its pictures are drawn from, and may raise InputError or
    CacheError; it is None in an evaluation that was read from a file where nothing was kept.
    """

    name: str
    real_file: str | None = None
    labels_file: str | None = None
    generated_file: str | None = None
    kept: tuple[KeptPicture, ...] = field(default=(), compare=False)
    look: Callable[[], CasePictures] | None = field(default=None, repr=False, compare=False)
