"""What is measured, by key and in words, and how single numbers become a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from types import MappingProxyType

from facesynth.evaluation.pictures.results import Better, Group, Halves, Score
from facesynth.evaluation.pictures.subjects import Setting
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
    """What a score is to be read against; Score says what each means.

    `half` is how many pictures a side two parts of the real set hold, and what they score against each other.
    """

    half: tuple[int, float] | None = None
    ceiling: float | None = None
    unrelated: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """What a measure came to once: for one set of pictures. `sd` is over what `sd_over` says.

    `at_half` is what it came to over as many pictures as the reference's `half` has.
    """

    value: float
    count: int
    sd: float | None = None
    sd_over: str | None = None
    notes: tuple[str, ...] = ()
    warning: str | None = None
    at_half: float | None = None


NO_REFERENCE = Reference()
_UNRELATED = "two different photos: each real one of the first half against that in the same place of the second half"


def unrelated_reference(values: Sequence[float] | None) -> Reference:
    """The mean of what different photos score, told how it came about; NO_REFERENCE where there is none."""
    return Reference(unrelated=fmean(values), notes=(_UNRELATED,)) if values else NO_REFERENCE


def score(measure: Measure, setting: Setting, number: Number, reference: Reference = NO_REFERENCE) -> Score:
    """The score of one set of pictures."""
    return _score(measure, setting, number, number.sd, number.sd_over, {}, reference, {})


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
    at_half = {seed: number.at_half for seed, number in numbers.items() if number.at_half is not None}
    mean = Number(
        value=spread.mean,
        count=first.count,
        notes=notes + more,
        warning=first.warning,
        at_half=fmean(at_half.values()) if len(at_half) == len(numbers) else None,
    )
    over = None if spread.sd is None else f"{spread.count} seeds"
    by_seed = {seed: number.value for seed, number in numbers.items()}
    return _score(measure, "by seed", mean, spread.sd, over, by_seed, reference, at_half)


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
    at_half_by_seed: Mapping[int, float],
) -> Score:
    notes = number.notes + reference.notes
    if measure.group == "fidelity" and reference.ceiling is not None and number.value > reference.ceiling:
        notes += (_ABOVE,)
    halves = None
    if reference.half is not None and number.at_half is not None:
        count, real = reference.half
        by_seed_at_half = MappingProxyType(dict(at_half_by_seed))
        halves = Halves(count=count, real=real, generated=number.at_half, by_seed=by_seed_at_half)
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
        halves=halves,
        ceiling=reference.ceiling,
        unrelated=reference.unrelated,
        notes=notes,
        warning=number.warning,
    )
