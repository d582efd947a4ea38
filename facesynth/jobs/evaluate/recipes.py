"""What a weights file was trained with, as its run's folder tells."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facesynth.core.errors import InputError, WeightsError
from facesynth.core.files import read_file
from facesynth.evaluation.pictures.curves import STATS
from facesynth.weights import read_header

RUN = "run.json"
"""The file of a training run's folder that has its settings."""

_MOMENTS = ("best", "last")
_BUDGET = ("images", "seconds", "decay_images")
"""Settings of a run that may change after weights of it were written; `fit_spn` writes them into the file."""

_log = logging.getLogger(__name__)


def run_folder(weights: str) -> str | None:
    """The training run's folder that a weights file lies in, whose curves can be drawn; None where there is none."""
    folder = Path(weights).parent
    return str(folder) if Path(weights).is_file() and (folder / STATS).is_file() else None


def recipe_of(weights: str) -> Mapping[str, Any] | None:
    """Settings (`config`), the data's digest (`data`) and which `moment` of its run a weights file is: the finished
    one, the best or the last. None for a file that lies in no run's folder.

    How long the run was to train is told by the file where it says so: it may have been started anew for longer since,
    of which a warning is logged. None, and a warning, for finished weights that do not say it and were shown fewer
    images than the run is of by now.
    """
    path = Path(weights)
    try:
        recipe = json.loads(read_file(path.parent / RUN)) if path.is_file() else None
    except (InputError, ValueError, RecursionError):
        return None
    if not isinstance(recipe, dict) or not isinstance(recipe.get("config"), dict):
        return None
    config = recipe["config"]
    moment = next((moment for moment in _MOMENTS if path.stem == f"{config.get('name')}-{moment}"), "finished")
    header = _header(path)
    budget = _budget(header)
    if budget is None and moment == "finished" and _is_of_fewer(header, config):
        shown, images = header["images_shown"], config["images"]
        _log.warning("%s: was shown %s images, and its %s says %s by now: no budget told", path, shown, RUN, images)
        return None
    if changed := [key for key, value in (budget or {}).items() if config.get(key) != value]:
        _log.warning("%s: its run was given other %s since; told as it was for this file", path, ", ".join(changed))
    return {"config": {**config, **(budget or {})}, "data": recipe.get("data"), "moment": moment}


def _header(path: Path) -> Mapping[str, str]:
    try:
        return read_header(path)
    except WeightsError:  # who loads it says so
        return {}


def _budget(header: Mapping[str, str]) -> dict[str, Any] | None:
    """What a weights file says about how long its run was to train."""
    try:
        told = json.loads(header["budget"])
    except (KeyError, ValueError, RecursionError):
        return None
    return {key: told[key] for key in _BUDGET if key in told} if isinstance(told, dict) else None


def _is_of_fewer(header: Mapping[str, str], config: Mapping[str, Any]) -> bool:
    """Whether weights were shown fewer images than a run that ends by its images."""
    shown, images = header.get("images_shown", ""), config.get("images")
    return config.get("seconds") is None and shown.isdecimal() and isinstance(images, int) and int(shown) < images
