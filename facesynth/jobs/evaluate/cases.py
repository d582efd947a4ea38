"""The few faces that a report shows: which, and what their pictures are read from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from facesynth.core.faces import Face
from facesynth.core.labels import LabelMap
from facesynth.evaluation.pictures.cases import Case, CasePictures
from facesynth.evaluation.pictures.results import Extremes
from facesynth.evaluation.pictures.subjects import OWN
from facesynth.jobs.evaluate.held_faces import HeldFace
from facesynth.jobs.evaluate.picture_items import as_face
from facesynth.jobs.evaluate.repainting import Repainting
from facesynth.stages.base import Stage

ON_SHEET = 6
"""Faces on the contact sheet, evenly spread over the set."""


def shown_names(sheet: Sequence[str], extremes: Iterable[Extremes]) -> frozenset[str]:
    """The faces that are shown at all."""
    return frozenset(sheet).union(*((*one.best, *one.worst) for one in extremes))


@dataclass(frozen=True, slots=True)
class PaintedCases:
    """Faces with all that was painted of their label maps; nothing is computed that was not before."""

    painted: Repainting
    judge: Stage[Face, LabelMap]

    def of(self, names: Collection[str]) -> tuple[Case, ...]:
        """The faces of these names, in the dataset's order."""
        return tuple(
            Case(
                name=face.name,
                real_file=str(face.pair.image),
                labels_file=str(face.pair.labels),
                look=partial(self._look, face),
            )
            for face in self.painted.faces
            if face.name in names
        )

    def _look(self, face: HeldFace) -> CasePictures:
        own = self.painted.of(face, OWN)
        with closing(self.painted.passes.scored(self.judge, [(as_face(own), None)], again=True)) as seen:
            reparsed, _ = next(seen)
        return CasePictures(
            labels=face.labels().load(),
            real=face.photo().identify().load(),
            own=own.load(),
            seeds={
                variant.seed: self.painted.of(face, variant).load()
                for variant in self.painted.variants
                if variant.seed is not None
            },
            reparsed=reparsed.load(),
        )
