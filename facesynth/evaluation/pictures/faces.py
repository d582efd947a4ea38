"""The faces that a page shows, each read once: its row of pictures, its thumbnails, its own scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from facesynth.evaluation.pictures.cases import Case, CasePictures
from facesynth.evaluation.pictures.results import PictureEvaluation, PictureRow, number
from facesynth.evaluation.pictures.sheets import (
    GENERATED,
    OWN,
    THUMB,
    Titled,
    given,
    looked,
    painted,
    source,
    sources,
)
from facesynth.evaluation.pictures.subjects import SETTINGS, Setting

_GONE: Titled = ("pictures", None)


@dataclass(frozen=True, slots=True)
class Face:
    """A face as a page shows it: `views` are its pictures in a row, `place` is the id of that row in the page.

    `photo` and `pictures` are thumbnails, of a face that is among the best or worst. `rows` are its pictures' own
    scores.
    """

    name: str
    place: str
    views: tuple[Titled, ...]
    photo: Titled | None = None
    pictures: Mapping[Setting, Titled] = field(default_factory=lambda: MappingProxyType({}))
    rows: tuple[PictureRow, ...] = ()

    def thumbs(self, setting: Setting) -> tuple[Titled, ...]:
        """The photo, where there is one, and the picture (by seed the first of them), which may be gone."""
        shown = self.pictures.get(setting, ("picture", None))
        return (shown,) if self.photo is None else (self.photo, shown)

    def values(self, setting: Setting) -> dict[str, float]:
        """Its own scores in a setting, by key; of several seeds their mean."""
        found: dict[str, list[float]] = {}
        for row in self.rows:
            for key, value in row.scores.items() if row.setting == setting else ():
                if value is not None:
                    found.setdefault(key, []).append(value)
        return {key: sum(values) / len(values) for key, values in found.items()}

    def scores(self, labels: Mapping[str, str]) -> Iterator[str]:
        """The same in words, a line a setting; `labels` has the words for keys."""
        for setting in SETTINGS:
            if values := self.values(setting):
                told = (f"{labels.get(key, key)} {number(value)}" for key, value in values.items())
                yield f"{setting}: {', '.join(told)}"


def drawn_faces(evaluation: PictureEvaluation) -> dict[str, Face]:
    """All faces that are worth showing, by name: those of the contact sheet in its order, then the others."""
    ends = {name for extremes in evaluation.extremes for name in (*extremes.best, *extremes.worst)}
    rows: dict[str, list[PictureRow]] = {case.name: [] for case in evaluation.cases}
    for row in evaluation.rows:
        if row.name in rows:
            rows[row.name].append(row)
    own = OWN if evaluation.subject.has_styles else GENERATED
    order = {name: place for place, name in enumerate(evaluation.sheet)}
    cases = sorted(evaluation.cases, key=lambda case: order.get(case.name, len(order)))
    return {
        case.name: _face(case, f"face-{index}", own, case.name in ends, tuple(rows[case.name]))
        for index, case in enumerate(cases)
    }


def _face(case: Case, place: str, own: str, at_an_end: bool, rows: tuple[PictureRow, ...]) -> Face:
    found = looked(case)
    if found is None:
        return Face(case.name, place, (_GONE,), rows=rows)
    views = (*sources(given(found)), *sources(painted(found, own=own))) or (_GONE,)
    if not at_an_end:
        return Face(case.name, place, views, rows=rows)
    photo = None if found.real is None else ("photo", source(found.real, THUMB))
    return Face(case.name, place, views, photo, _thumbs(found, own), rows)


def _thumbs(found: CasePictures, own: str) -> dict[Setting, Titled]:
    pictures: dict[Setting, Titled] = {}
    if found.own is not None:
        pictures["own style"] = pictures["pictures"] = (own, source(found.own, THUMB))
    if found.seeds:
        seed, picture = min(found.seeds.items(), key=lambda one: one[0])
        pictures["by seed"] = (f"seed {seed}", source(picture, THUMB))
    return pictures
