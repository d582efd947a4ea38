"""What the process that computes is asked, and what it answers: plain values that go through a pipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from facesynth.core.faces import Face, Similarity
from facesynth.core.images import Photo
from facesynth.core.labels import Label, LabelMap
from facesynth.core.styles import Style


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """An image file's bytes as a client sent them, the field they came in, and the most pixels that it may have."""

    data: bytes = field(repr=False)
    where: str
    most: int


@dataclass(frozen=True, slots=True)
class Align:
    """Find the faces of a photo → Aligned."""

    photo: PhotoFile
    size: int
    frame: str
    faces: str


@dataclass(frozen=True, slots=True)
class Segment:
    """Parse an aligned face → Parsed."""

    face: PhotoFile


@dataclass(frozen=True, slots=True)
class Encode:
    """Read the style of an aligned face → Style. Without `labels` an encoder of regions has the face parsed first."""

    face: PhotoFile
    labels: LabelMap | None


@dataclass(frozen=True, slots=True)
class Paint:
    """Paint a face → Photo at the generator's size."""

    labels: LabelMap
    style: Style


@dataclass(frozen=True, slots=True)
class Transfer:
    """Paint the faces of a photo, or a label map, in the style of others → Photo.

    `regions` are painted in the styles of photos of their own; `strength` goes from the content's own style to all of
    the other. With `paste_back` the faces are blended into the photo.
    """

    content: PhotoFile | LabelMap
    style: PhotoFile | None
    regions: tuple[tuple[tuple[Label, ...], PhotoFile], ...]
    strength: float
    faces: str
    paste_back: bool


@dataclass(frozen=True, slots=True)
class Paste:
    """Blend a painted face into its photo → Photo; `size` is the side of the crop that `transform` maps from."""

    photo: PhotoFile
    face: PhotoFile
    transform: Similarity
    size: int
    labels: LabelMap | None
    feather: float


Task: TypeAlias = Align | Segment | Encode | Paint | Transfer | Paste


@dataclass(frozen=True, slots=True)
class Aligned:
    """A photo's size (width, height), and its faces."""

    size: tuple[int, int]
    faces: tuple[Face, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A face's label map, how sure the parser is of it as documents tell it, and what should be known of it."""

    labels: LabelMap
    confidence: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()


Answer: TypeAlias = Aligned | Parsed | Style | Photo


@dataclass(frozen=True, slots=True)
class Generator:
    """What is told of the loaded generator."""

    name: str
    sha256: str
    size: int
    style_channels: int
    style_regions: bool
    noise: bool
    encoder: bool


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a worker has loaded and how it computes: what it says when it is ready.

    `batch_size` is how many faces it is best given at once, `side_by_side` how many such batches it paints at the same
    time; `weights` are the sha256 of the detector's weights by name.
    """

    device: str
    precision: str
    batch_size: int
    generator: Generator
    parser: str
    parser_sha256: str
    engine: str
    landmarks: str
    weights: Mapping[str, str]
    side_by_side: int = 1
