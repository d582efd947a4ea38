"""A finished evaluation of pictures: every score with its protocol, and what its pictures are drawn from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeAlias

from facesynth.core.labels import LABEL_NAMES, READABLE, Label
from facesynth.evaluation.pictures.cases import Case
from facesynth.evaluation.pictures.subjects import SETTINGS, NetworkUsed, PicturesSubject, RealSet, Setting
from facesynth.evaluation.subjects import LeftOut
from facesynth.metrics.segmentation import Agreement

Group: TypeAlias = Literal["set", "paired", "fidelity", "diversity", "style", "identity"]
"""What a score compares: two sets of pictures, each picture with its photo, with its label map, with its like, …"""

Better: TypeAlias = Literal["higher", "lower"]

GROUPS: Mapping[Group, str] = MappingProxyType(
    {
        "set": "generated set against real set",
        "fidelity": "label maps found again by the judge",
        "paired": "each picture against its photo",
        "style": "style, region by region, against the photo",
        "identity": "same person as on the photo",
        "diversity": "how far apart the seeds are",
    }
)
"""The groups in the order in which they are shown, in words."""

LEADING: tuple[Group, ...] = ("set", "fidelity", "paired", "diversity")
"""Groups whose first score stands in the headline."""

SHOWN = 4
"""Faces that are kept as the best and as the worst by each measure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Halves:
    """What a score of sets comes to over fewer pictures, `count` a side: most such scores depend on how many there are.

    `real` is what one part of the real set scores against another that shares no picture with it, `generated` what as
    many generated pictures score against the first of them, `by_seed` the same of each seed where there are seeds.
    Generated pictures that no measure can tell from real ones score about what the real ones do.
    """

    count: int
    real: float
    generated: float
    by_seed: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One number with all that it takes to reproduce and to read it. `value` is finite.

    `key` is what it is called by machines and the same in every evaluation (`fid`, `frechet/judge-efl0-256-v1`),
    `label` by people. `count` is how many pictures (or pairs, or label maps: `counted`) it is of. `sd` is a sample
    standard deviation, over what `sd_over` says; by seed it is over seeds, and `by_seed` has the value of each.

    `halves` is what real pictures score against real ones, and generated ones at the same count: to be compared with
    each other, not with `value`. `ceiling` is what the real photos score where higher is better. `unrelated` is what
    two different photos score: pictures that come no nearer have nothing to do with their photo. None where it means
    nothing. `protocol` is what the number is a number of, `notes` how halves, ceiling and `unrelated` came about,
    `warning` why it is to be doubted.
    """

    key: str
    label: str
    group: Group
    setting: Setting
    value: float
    better: Better
    count: int
    protocol: str
    counted: str = "pictures"
    sd: float | None = None
    sd_over: str | None = None
    by_seed: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))
    halves: Halves | None = None
    ceiling: float | None = None
    unrelated: float | None = None
    notes: tuple[str, ...] = ()
    warning: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRow:
    """One picture's own scores by key; `seed` is None but in the setting `by seed`. None: it has no such score."""

    name: str
    setting: Setting
    scores: Mapping[str, float | None]
    seed: int | None = None


class Rows(Protocol):
    """Rows that can be gone through as often as one likes, and need not be held: there is one a picture."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[PictureRow]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Extremes:
    """The names of the faces whose pictures one measure finds best and worst, at most SHOWN of each, the extreme first.

    A face's pictures by several seeds count with their mean.
    """

    key: str
    label: str
    setting: Setting
    best: tuple[str, ...]
    worst: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFidelity:
    """How well the judge finds one class again: in the pictures of each setting, and in the real photos (`ceiling`)."""

    label: Label
    pictures: Mapping[Setting, Agreement]
    ceiling: Agreement

    @property
    def name(self) -> str:
        """As in files: `l_brow`."""
        return LABEL_NAMES[self.label]

    @property
    def readable(self) -> str:
        """In words: `left brow`."""
        return READABLE[self.label]


@dataclass(frozen=True, slots=True)
class StyleDistance:
    """How far one label region is from the photo's, as a mean over `count` pictures that show it.

    `colour` is the CIE76 difference of the regions' mean colours in CIELAB, `contrast` how much their local contrast
    differs, in L*.
    """

    colour: float
    contrast: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionStyle:
    """How well the style of one label region is met in each setting; `unrelated`: between different photos."""

    label: Label
    pictures: Mapping[Setting, StyleDistance]
    unrelated: StyleDistance | None = None

    @property
    def name(self) -> str:
        """As in files: `l_brow`."""
        return LABEL_NAMES[self.label]

    @property
    def readable(self) -> str:
        """In words: `left brow`."""
        return READABLE[self.label]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureEvaluation:
    """Pictures scored. `scores` are in the order in which they are shown; at least one was scored.

    `protocol` is what all numbers have in common, a line each. `rows` has a row a picture (of an evaluation that was
    read from a file without the rows beside it, a row a picture that is shown); wherever they lie, evaluations compare
    without them. `cases` has the few faces that are shown, of which `extremes` names the best and worst by each measure
    and `sheet` those of the contact sheet.
    `run` is the training run's folder that the generator lies in, whose curves can be drawn; None where there is none.
    """

    subject: PicturesSubject
    real: RealSet
    protocol: tuple[str, ...]
    scores: tuple[Score, ...]
    networks: tuple[NetworkUsed, ...] = ()
    classes: tuple[ClassFidelity, ...] = ()
    regions: tuple[RegionStyle, ...] = ()
    rows: Rows = field(default=(), compare=False)
    cases: tuple[Case, ...] = ()
    sheet: tuple[str, ...] = ()
    extremes: tuple[Extremes, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()
    run: str | None = None
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    versions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def exit_code(self) -> int:
        """0 when every picture that was asked for counts, 3 when some could not be used."""
        return 3 if self.left_out or self.real.missing else 0

    def score(self, key: str, setting: Setting) -> Score | None:
        """The score of that key in that setting."""
        return next((one for one in self.scores if (one.key, one.setting) == (key, setting)), None)

    def case(self, name: str) -> Case | None:
        """The shown face of that name."""
        return next((one for one in self.cases if one.name == name), None)

    def of_group(self, group: Group) -> tuple[Score, ...]:
        """The scores of a group, in order."""
        return tuple(one for one in self.scores if one.group == group)

    def headline(self) -> str:
        """The first numbers of each setting and what they are numbers of, in one line."""
        return f"{self.numbers()} | {self.compared()}"

    def numbers(self) -> str:
        """`own style: FID 31.20, mIoU 0.712 · by seed: FID 40.10 ± 0.31, …`: the first score of each of LEADING."""
        told = []
        for setting in SETTINGS:
            leading: dict[Group, Score] = {}
            for one in self.scores:
                if one.setting == setting and one.group in LEADING:
                    leading.setdefault(one.group, one)
            if leading:
                told.append(f"{setting}: " + ", ".join(f"{one.label} {spelled(one)}" for one in leading.values()))
        return " · ".join(told)

    def compared(self) -> str:
        """Subject, real set and networks, as in the protocol's first line."""
        asked = len(self.left_out) + len(self.real.missing)
        left = [f"{asked} could not be used"] if asked else []
        seeds = [f"seeds {' '.join(map(str, self.subject.seeds))}"] if self.subject.seeds else []
        networks = [one.told() for one in self.networks if one.sha256 != self.subject.sha256]
        return ", ".join([self.subject.told(), f"against {self.real.told()}", *left, *seeds, *networks])


def spelled(score: Score) -> str:
    """A score in words: `31.20 ± 0.31`."""
    return number(score.value) + ("" if score.sd is None else f" ± {number(score.sd, like=score.value)}")


def number(value: float, *, like: float | None = None) -> str:
    """A number with four digits that count, and no fewer than two decimals nor more than five."""
    size = abs(value if like is None else like)
    decimals = 2 if size >= 10 else 3 if size >= 0.1 or not size else 4 if size >= 0.01 else 5
    return "–" if not math.isfinite(value) else f"{value:.{decimals}f}"
