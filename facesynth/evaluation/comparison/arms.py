"""Columns that are trials of one arm, trainings that differ in their seed alone, put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from facesynth.evaluation.comparison.columns import Column, Trial
from facesynth.evaluation.comparison.mean_curves import mean_curves
from facesynth.evaluation.comparison.merged import alike, merged
from facesynth.evaluation.comparison.training import training_of


def with_arms(columns: Iterable[Column]) -> tuple[Column, ...]:
    """The columns, of which those become one that differ in their training's seed alone and were scored alike.

    Each stands where its first trial stood. A seed that comes a second time, and what does not tell how it was trained,
    stays a column of its own.
    """
    arms: list[list[Column]] = []
    for column in columns:
        (own,) = _trial(column) or (None,)
        found = next((arm for arm in arms if own is not None and _belongs(own, arm)), None)
        if found is None:
            arms.append([column])
        else:
            found.append(column)
    made = [_arm(arm) for arm in arms]
    names = [column.name for column in made]
    return tuple(column if names.count(column.name) == 1 else _told_apart(column) for column in made)


def _trial(column: Column) -> tuple[Trial, ...]:
    training = training_of(column.evaluation)
    if training is None:
        return ()
    return (Trial(column.name, column.source, training, column.evaluation, column.curves),)


def _belongs(own: Trial, arm: Sequence[Column]) -> bool:
    others = [trial for column in arm for trial in _trial(column)]
    same = (one.training.tried == own.training.tried and alike(one.evaluation, own.evaluation) for one in others)
    return bool(others) and all(same) and own.training.seed not in [one.training.seed for one in others]


def _arm(columns: Sequence[Column]) -> Column:
    trials = tuple(trial for column in columns for trial in _trial(column))
    first = columns[0]
    if len(columns) == 1:
        return Column(first.name, first.source, first.evaluation, first.curves, first.passed_by, trials)
    name = _name(trials)
    return Column(
        name,
        ", ".join(trial.source for trial in trials),
        merged(name, {trial.training.seed: trial.evaluation for trial in trials}),
        tuple(mean_curves([trial.curves for trial in trials])),
        tuple(dict.fromkeys(said for column in columns for said in column.passed_by)),
        trials,
    )


def _told_apart(column: Column) -> Column:
    source = column.trials[0].source if column.trials else column.source
    return replace(column, name=f"{column.name} ({source})")


def _name(trials: Sequence[Trial]) -> str:
    """What the trials' names have in common: `faces-spn` of `faces-spn-s0` and `faces-spn-s1`; else the first name."""
    stripped = {trial.name.removesuffix(f"-s{trial.training.seed}") for trial in trials}
    return stripped.pop() if len(stripped) == 1 else f"{trials[0].name} and {len(trials) - 1} more"
