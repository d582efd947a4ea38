"""What a weights file was trained with, as its run's folder tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facesynth.core.errors import InputError
from facesynth.core.files import read_file
from facesynth.evaluation.pictures.curves import STATS

RUN = "run.json"
"""The file of a training run's folder that has its settings."""

_MOMENTS = ("best", "last")


def run_folder(weights: str) -> str | None:
    """The training run's folder that a weights file lies in, whose curves can be drawn; None where there is none."""
    folder = Path(weights).parent
    return str(folder) if Path(weights).is_file() and (folder / STATS).is_file() else None


def recipe_of(weights: str) -> Mapping[str, Any] | None:
    """Settings (`config`), the data's digest (`data`) and which `moment` of its run a weights file is: the finished
    one, the best or the last. None for a file that lies in no run's folder.
    """
    path = Path(weights)
    try:
        recipe = json.loads(read_file(path.parent / RUN)) if path.is_file() else None
    except (InputError, ValueError, RecursionError):
        return None
    if not isinstance(recipe, dict) or not isinstance(recipe.get("config"), dict):
        return None
    name = recipe["config"].get("name")
    moment = next((moment for moment in _MOMENTS if path.stem == f"{name}-{moment}"), "finished")
    return {"config": recipe["config"], "data": recipe.get("data"), "moment": moment}
