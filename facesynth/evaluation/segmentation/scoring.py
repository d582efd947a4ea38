"""Label maps against the true ones, face by face: one confusion matrix over all pixels, and what each face scored."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from facesynth.core.errors import LabelMapError
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Digest
from facesynth.datasets.fitting import fits
from facesynth.evaluation.subjects import LeftOut
from facesynth.metrics.segmentation import ConfusionMatrix

Size: TypeAlias = tuple[int, int]
"""(width, height) in pixels."""

SHOWN = 8
"""Faces that are kept as the best and as the worst."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a face's pictures are drawn from: the face where there is one, its true label map, the other one."""

    photo: Photo | None
    truth: LabelMap
    predicted: LabelMap


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceScore:
    """One face's own scores, 0..1, over the classes that it holds or is said to hold.

    `size` is that of the true label map, at which it was compared, `parsed_size` that of the other one. `mean_f1` is
    NaN for a face that is background alone, in both.
    """

    name: str
    size: Size
    parsed_size: Size
    mean_iou: float
    pixel_accuracy: float
    mean_f1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A face's label map compared with the true one. The digests are of the files' bytes."""

    score: FaceScore
    matrix: ConfusionMatrix
    identity: str
    predicted: Digest


def compare(
    name: str,
    truth: LabelMap,
    predicted: LabelMap,
    *,
    where: str,
    schema: str | None,
    digests: tuple[Digest, ...],
    predicted_digest: Digest,
) -> Compared:
    """Compare at the true map's own size, the other one scaled by nearest where it has another.

    `digests` are those of the files that the truth is, `schema` the order that its ids were read in. LabelMapError for
    maps of different shapes; `where` is the file that is named then.
    """
    size, parsed_size = (truth.width, truth.height), (predicted.width, predicted.height)
    if not fits(parsed_size, size):
        told = f"{size[0]}×{size[1]}, and not the shape of {parsed_size[0]}×{parsed_size[1]}, which it belongs to"
        raise LabelMapError(f"the label map is {told}", where=where, hint="label maps are scaled, never stretched")
    matrix = ConfusionMatrix()
    matrix.add(truth, predicted.resized(*size))
    score = FaceScore(
        name=name,
        size=size,
        parsed_size=parsed_size,
        mean_iou=matrix.mean_iou,
        pixel_accuracy=matrix.pixel_accuracy,
        mean_f1=matrix.mean_f1,
    )
    identity = json.dumps([name, schema, *digests])
    return Compared(score=score, matrix=matrix, identity=identity, predicted=predicted_digest)


@dataclass(frozen=True, slots=True)
class Shown:
    """A face that is worth a picture; `look` reads what it is drawn from, which may raise InputError or CacheError."""

    score: FaceScore
    look: Callable[[], Seen] = field(repr=False, compare=False)


@dataclass(slots=True)
class Extremes:
    """The faces with the lowest and the highest score so far, at most SHOWN of each, whatever order they come in."""

    by: Callable[[FaceScore], float]
    worst: list[Shown] = field(default_factory=list)
    best: list[Shown] = field(default_factory=list)

    def add(self, shown: Shown) -> None:
        """Take one more face into account; one without this score is passed by."""
        if math.isnan(self.by(shown.score)):
            return
        self.worst = sorted([*self.worst, shown], key=lambda one: (self.by(one.score), one.score.name))[:SHOWN]
        self.best = sorted([*self.best, shown], key=lambda one: (-self.by(one.score), one.score.name))[:SHOWN]


@dataclass(slots=True)
class Scores:
    """What all faces together scored. No pixels are held: a face costs a row of numbers."""

    matrix: ConfusionMatrix = field(default_factory=ConfusionMatrix)
    faces: list[FaceScore] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    by_iou: Extremes = field(default_factory=lambda: Extremes(lambda score: score.mean_iou))
    by_accuracy: Extremes = field(default_factory=lambda: Extremes(lambda score: score.pixel_accuracy))
    _data: list[bytes] = field(default_factory=list)
    _predictions: list[bytes] = field(default_factory=list)

    def add(self, compared: Compared, look: Callable[[], Seen]) -> None:
        """Count a face."""
        self.matrix.counts += compared.matrix.counts
        self.faces.append(compared.score)
        self._data.append(hashlib.sha256(compared.identity.encode("utf-8", "surrogatepass")).digest())
        self._predictions.append(bytes.fromhex(compared.predicted))
        for extremes in (self.by_iou, self.by_accuracy):
            extremes.add(Shown(compared.score, look))

    @property
    def data_digest(self) -> Digest:
        """One sha256 over what was scored: names, orders of ids and the files' bytes, whatever their order."""
        return hashlib.sha256(b"".join(sorted(self._data))).hexdigest()

    @property
    def predictions_digest(self) -> Digest:
        """One sha256 over the label maps that were compared with the truth, whatever their order."""
        return hashlib.sha256(b"".join(sorted(self._predictions))).hexdigest()

    @property
    def sizes(self) -> list[tuple[Size, int]]:
        """The sizes that were compared at, and of how many faces, the most frequent first."""
        return _counted(Counter(face.size for face in self.faces))

    @property
    def scaled(self) -> list[tuple[Size, int]]:
        """The sizes of label maps that were scaled to the truth's, and of how many faces."""
        return _counted(Counter(face.parsed_size for face in self.faces if face.parsed_size != face.size))


def _counted(sizes: Counter[Size]) -> list[tuple[Size, int]]:
    return sorted(sizes.items(), key=lambda one: (-one[1], one[0]))
