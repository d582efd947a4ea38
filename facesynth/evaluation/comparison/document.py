"""A comparison as JSON: every row of its tables; the evaluations lie in documents of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from facesynth.evaluation.comparison.columns import Column, Trial
from facesynth.evaluation.comparison.comparison import Comparison
from facesynth.evaluation.comparison.verdict import Verdict
from facesynth.evaluation.pictures.results import Score
from facesynth.evaluation.pictures.score_table import ScoreRow

FORMAT = "facesynth-picture-comparison-1"


def comparison_json(comparison: Comparison, files: Sequence[str] | None = None) -> str:
    """The comparison as a JSON document; `files` are those of the evaluations, each column's `kept` ones in their
    order, where they are written.

    Names that are not valid Unicode are escaped.
    """
    places = iter(files or ())
    document = {
        "format": FORMAT,
        "headline": comparison.headline(),
        "warnings": list(comparison.warnings()),
        "verdicts": [_verdict(verdict) for verdict in comparison.verdicts()],
        "columns": [_column(column, [next(places, None) for _ in column.kept]) for column in comparison.columns],
        "scores": [_row(row, comparison.names) for setting in comparison.settings for row in comparison.rows(setting)],
    }
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _column(column: Column, files: Sequence[str | None]) -> Mapping[str, Any]:
    evaluation = column.evaluation
    alone = len(column.kept) == 1
    return {
        "name": column.name,
        "given_as": column.source,
        "subject": evaluation.subject.told(),
        "sha256": evaluation.subject.sha256,
        "real": evaluation.real.told(),
        "real_sha256": evaluation.real.digest,
        "headline": evaluation.headline(),
        "evaluation": files[0] if alone else None,
        "trials": [_trial(trial, file) for trial, file in zip(column.trials, files, strict=bool(column.trials))],
    }


def _trial(trial: Trial, file: str | None) -> Mapping[str, Any]:
    """One training of an arm, with each of its own numbers."""
    training = trial.training
    return {
        "name": trial.name,
        "given_as": trial.source,
        "seed": training.seed,
        "budget": {training.budget.unit: training.budget.amount},
        "moment": training.moment,
        "sha256": trial.evaluation.subject.sha256,
        "scores": {score.key: score.value for score in trial.evaluation.scores},
        "evaluation": file,
    }


def _verdict(verdict: Verdict) -> Mapping[str, Any]:
    apart = verdict.difference
    return {
        "key": verdict.score.key,
        "arm": verdict.arm,
        "other": verdict.other,
        "difference": apart.mean,
        "sd": apart.sd,
        "trainings": [one.count for one in verdict.values],
        "paired": apart.paired,
        "seeds": list(apart.seeds),
        "differences": list(apart.apart),
        "better_at": verdict.better,
        "told": verdict.told(),
    }


def _row(row: ScoreRow, names: Sequence[str]) -> Mapping[str, Any]:
    one = row.one
    return {
        "key": one.key,
        "label": one.label,
        "group": one.group,
        "setting": one.setting,
        "better": one.better,
        "remark": row.remark,
        "best": [names[column] for column in sorted(row.best)],
        "values": {name: _score(score) for name, score in zip(names, row.scores, strict=True)},
    }


def _score(score: Score | None) -> Mapping[str, Any] | None:
    if score is None:
        return None
    by_seed = {str(seed): value for seed, value in score.by_seed.items()}
    return {"value": score.value, "sd": score.sd, "sd_over": score.sd_over, "by_seed": by_seed, "count": score.count}
