"""What is measured, by key and in words, and how single numbers become a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from facesynth.evaluation.pictures.results import Better, Group, Score, Setting
from facesynth.metrics.spread import MeanSd


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A kind of score: Score's own words, the same whatever setting it is taken in."""

    key: str
    label: str
    group: Group
    better: Better
    protocol: str
    counted: str = "pictures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a score is to be read against; Score says what each means."""

    floor: float | None = None
    ceiling: float | None = None
    unrelated: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """What a measure came to once: for one set of pictures. `sd` is over what `sd_over` says."""

    value: float
    count: int
    sd: float | None = None
    sd_over: str | None = None
    notes: tuple[str, ...] = ()
    warning: str | None = None


NO_REFERENCE = Reference()


def score(measure: Measure, setting: Setting, number: Number, reference: Reference = NO_REFERENCE) -> Score:
    """The score of one set of pictures."""
    return _score(measure, setting, number, number.sd, number.sd_over, {}, reference)


def score_over_seeds(
    measure: Measure,
    numbers: Mapping[int, Number],
    reference: Reference = NO_REFERENCE,
    more: tuple[str, ...] = (),
) -> Score:
    """The score by seed: the mean over seeds, with the sample sd over them (None for a single one).

    `more` is what is to be said of it beside the numbers' own notes.
    """
    spread = MeanSd.of(number.value for number in numbers.values())
    first = next(iter(numbers.values()))
    notes = tuple(dict.fromkeys(note for number in numbers.values() for note in number.notes))
    mean = Number(value=spread.mean, count=first.count, notes=notes + more, warning=first.warning)
    over = None if spread.sd is None else f"{spread.count} seeds"
    by_seed = {seed: number.value for seed, number in numbers.items()}
    return _score(measure, "by seed", mean, spread.sd, over, by_seed, reference)


def mean_of(values: Sequence[float], over: str = "pictures", notes: tuple[str, ...] = ()) -> Number:
    """The mean of single pictures' values, at least one, with their sample sd."""
    spread = MeanSd.of(values)
    sd_over = None if spread.sd is None else f"{spread.count} {over}"
    return Number(value=spread.mean, count=spread.count, sd=spread.sd, sd_over=sd_over, notes=notes)


_ABOVE = "better than the real photos score: pictures may show their labels more plainly than photos do"


def _score(
    measure: Measure,
    setting: Setting,
    number: Number,
    sd: float | None,
    sd_over: str | None,
    by_seed: Mapping[int, float],
    reference: Reference,
) -> Score:
    notes = number.notes + reference.notes
    if measure.group == "fidelity" and reference.ceiling is not None and number.value > reference.ceiling:
        notes += (_ABOVE,)
    return Score(
        key=measure.key,
        label=measure.label,
        group=measure.group,
        setting=setting,
        value=number.value,
        better=measure.better,
        count=number.count,
        protocol=measure.protocol,
        counted=measure.counted,
        sd=sd,
        sd_over=sd_over,
        by_seed=MappingProxyType(dict(by_seed)),
        floor=reference.floor,
        ceiling=reference.ceiling,
        unrelated=reference.unrelated,
        notes=notes,
        warning=number.warning,
    )
