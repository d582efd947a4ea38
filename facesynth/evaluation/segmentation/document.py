"""An evaluation as JSON: numbers, protocol, per-class and per-face scores, and the counts that all follow from."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

from facesynth.core.labels import LABEL_NAMES
from facesynth.evaluation.segmentation.evaluation import RULE, ClassRow, Evaluation
from facesynth.evaluation.segmentation.scoring import FaceScore, Size

FORMAT = "facesynth-segmentation-evaluation-1"


def evaluation_json(evaluation: Evaluation) -> str:
    """The evaluation as a JSON document. Scores are 0..1, null where a class has none; `confusion` has a row a true
    label. Names that are not valid Unicode are escaped.
    """
    scores, source = evaluation.scores, evaluation.source
    document = {
        "format": FORMAT,
        "headline": evaluation.headline(),
        "numbers": {
            "mean_iou": _number(scores.matrix.mean_iou),
            "pixel_accuracy": _number(scores.matrix.pixel_accuracy),
            "mean_f1": _number(scores.matrix.mean_f1),
        },
        "protocol": {
            "text": evaluation.protocol(),
            "rule": RULE,
            "data": source.data,
            "data_sha256": scores.data_digest,
            "split": source.split,
            "side": source.side,
            "faces": len(scores.faces),
            "left_out": len(scores.left_out),
            "missing": len(source.missing),
            "pixels": scores.matrix.pixels,
            "compared_at": _sizes(scores.sizes),
            "scaled_from": _sizes(scores.scaled),
            "predictions_sha256": scores.predictions_digest,
        },
        "subject": dataclasses.asdict(evaluation.subject),
        "settings": dict(evaluation.settings),
        "versions": dict(evaluation.versions),
        "classes": [_row(row) for row in evaluation.classes()],
        "groups": [_row(row) for row in evaluation.groups()],
        "confusion": {"labels": list(LABEL_NAMES), "counts": scores.matrix.counts.tolist()},
        "faces": [_face(face) for face in scores.faces],
        "left_out": [dataclasses.asdict(one) for one in scores.left_out],
        "missing": list(source.missing),
    }
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _row(row: ClassRow) -> dict[str, Any]:
    agreement = row.agreement
    return {
        "name": row.name,
        "labels": [int(label) for label in row.labels],
        "iou": _number(agreement.iou),
        "f1": _number(agreement.f1),
        "precision": _number(agreement.precision),
        "recall": _number(agreement.recall),
        "share": _number(row.share),
        "true_pixels": agreement.truth,
        "predicted_pixels": agreement.predicted,
        "remark": row.remark,
    }


def _face(face: FaceScore) -> dict[str, Any]:
    return {
        "name": face.name,
        "mean_iou": _number(face.mean_iou),
        "pixel_accuracy": _number(face.pixel_accuracy),
        "mean_f1": _number(face.mean_f1),
        "size": list(face.size),
        "parsed_size": list(face.parsed_size),
    }


def _sizes(sizes: list[tuple[Size, int]]) -> list[dict[str, int]]:
    return [{"width": width, "height": height, "faces": count} for (width, height), count in sizes]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
