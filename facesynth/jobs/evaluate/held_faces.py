"""The faces of an evaluation as it goes over them again and again: known by their sha256 once they have been read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from facesynth.core.errors import InputError
from facesynth.core.faces import Face
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Digest, Item, Ref
from facesynth.datasets.pairs import Pair
from facesynth.evaluation.pictures.names import Names
from facesynth.jobs.evaluate.picture_files import Digests, digest_of_all
from facesynth.jobs.evaluate.picture_items import FaceOfPair, LabelsOfPair, Made, face_photo


@dataclass(frozen=True, slots=True)
class HeldFace:
    """A pair, its place among those that are used, and what its photo and label map are known by.

    Nothing is read to look one up; whoever loads it gets these very bytes, or InputError.
    """

    pair: Pair
    place: int
    face_digest: Digest
    labels_digest: Digest

    @property
    def name(self) -> str:
        """The pair's."""
        return self.pair.name

    def face(self) -> Ref[Face]:
        """Its face."""
        return FaceOfPair(self.pair).known(self.face_digest)

    def labels(self) -> Ref[LabelMap]:
        """Its label map."""
        return LabelsOfPair(self.pair).known(self.labels_digest)

    def photo(self) -> Item[Photo]:
        """Its photo."""
        return Made(self.face(), face_photo)


@dataclass(slots=True)
class HeldFaces:
    """The faces that are used, in the dataset's order: their names, and 64 bytes each.

    `pairs` gives them anew, always the same and in the same order; `names` has the names.
    """

    pairs: Callable[[], Iterable[Pair]]
    names: Names = field(init=False, default_factory=Names)
    digest: Digest = field(init=False, default="")
    _faces: Digests = field(init=False, default_factory=Digests)
    _labels: Digests = field(init=False, default_factory=Digests)

    def read(self) -> None:
        """Read every file once. `digest` is one sha256 over names, orders of ids and bytes from then on, whatever the
        faces' order. Raises InputError for a file that cannot be read.
        """
        self.digest = digest_of_all(self._identities())

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[HeldFace]:
        for place, pair in enumerate(self.pairs()):
            if place >= len(self) or self.names[place] != pair.name:
                raise InputError("other faces lie there than did before", where=pair.image, hint="run again")
            yield HeldFace(pair, place, self._faces[place], self._labels[place])

    def _identities(self) -> Iterator[bytes]:
        for pair in self.pairs():
            face, labels = FaceOfPair(pair).identify().digest, LabelsOfPair(pair).identify().digest
            self.names.append(pair.name)
            self._faces.append(face)
            self._labels.append(labels)
            identity = json.dumps([pair.name, pair.schema, face, labels])
            yield identity.encode("utf-8", "surrogatepass")
