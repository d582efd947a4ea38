"""A comparison as JSON: every row of its tables; the evaluations lie in documents of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from facesynth.evaluation.comparison.comparison import Column, Comparison
from facesynth.evaluation.pictures.results import Score
from facesynth.evaluation.pictures.score_table import ScoreRow

FORMAT = "facesynth-picture-comparison-1"


def comparison_json(comparison: Comparison, files: Sequence[str] | None = None) -> str:
    """The comparison as a JSON document; `files` are those of the evaluations, column by column, where they are kept.

    Names that are not valid Unicode are escaped.
    """
    document = {
        "format": FORMAT,
        "headline": comparison.headline(),
        "warnings": list(comparison.warnings()),
        "columns": [
            _column(column, None if files is None else files[place]) for place, column in enumerate(comparison.columns)
        ],
        "scores": [_row(row, comparison.names) for setting in comparison.settings for row in comparison.rows(setting)],
    }
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _column(column: Column, file: str | None) -> Mapping[str, Any]:
    evaluation = column.evaluation
    return {
        "name": column.name,
        "given_as": column.source,
        "subject": evaluation.subject.told(),
        "sha256": evaluation.subject.sha256,
        "real": evaluation.real.told(),
        "real_sha256": evaluation.real.digest,
        "headline": evaluation.headline(),
        "evaluation": file,
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
