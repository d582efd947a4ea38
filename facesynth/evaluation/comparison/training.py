"""How an evaluated generator was trained, as far as its evaluation tells: by which settings, which seed, how long."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from facesynth.core.refs import short
from facesynth.evaluation.pictures.results import PictureEvaluation

Unit: TypeAlias = Literal["images", "seconds"]

_NOT_THE_ARM = frozenset(
    {
        "name",
        "seed",
        "licence",
        "every",
        "watch",
        "best",
        "compile",
        "label_patterns",
        "keep_discriminators",
        "images",
        "seconds",
    }
)
"""Settings of a run that do not tell what was tried: its names, what it notes and keeps, and its budget."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a run was to train: so many images, or so many seconds whatever it sees in them."""

    unit: Unit
    amount: float

    def told(self) -> str:
        """In words: `100,000 images`."""
        return f"{self.amount:,.10g} {self.unit}"


@dataclass(frozen=True, slots=True)
class Training:
    """One training. Two of them with the same `arm`, `data`, `moment` and `budget` differ in their `seed` alone.

    `arm` is all that was tried, as JSON; `data` the digest of the training images; `moment` which weights of the run
    these are (finished, best or last).
    """

    name: str
    seed: int
    arm: str
    data: str
    moment: str
    budget: Budget

    @property
    def tried(self) -> tuple[str, str, str, Budget]:
        """What makes two trainings trials of one arm."""
        return self.arm, self.data, self.moment, self.budget


def training_of(evaluation: PictureEvaluation) -> Training | None:
    """The training that an evaluation's settings tell of; None where they tell of none that can be told apart."""
    told = evaluation.settings.get("training")
    config: Any = told.get("config") if isinstance(told, Mapping) else None
    if not isinstance(told, Mapping) or not isinstance(config, Mapping) or not isinstance(config.get("seed"), int):
        return None
    budget = _budget(config)
    if budget is None:
        return None
    tried = {key: value for key, value in config.items() if key not in _NOT_THE_ARM}
    if isinstance(data := tried.get("data"), Mapping):
        tried["data"] = {
            key: value for key, value in data.items() if key != "folder"
        }  # the digest tells what was in it
    return Training(
        name=str(config.get("name", "")),
        seed=config["seed"],
        arm=json.dumps(tried, sort_keys=True, default=str),
        data=str(told.get("data")),
        moment=str(told.get("moment", "finished")),
        budget=budget,
    )


def budget_told(evaluation: PictureEvaluation) -> str:
    """The budget in words, `100,000 images`; nothing where it is not known, as in the next two."""
    training = training_of(evaluation)
    return "" if training is None else training.budget.told()


def moment_told(evaluation: PictureEvaluation) -> str:
    """Which of its run's weights were scored, in words: `finished`."""
    training = training_of(evaluation)
    return "" if training is None else training.moment


def trained_on(evaluation: PictureEvaluation) -> str:
    """Which images it was trained on, in words: `sha256 0123456789ab`."""
    training = training_of(evaluation)
    return "" if training is None else f"sha256 {short(training.data)}"


def _budget(config: Mapping[str, Any]) -> Budget | None:
    units: tuple[Unit, ...] = ("seconds", "images")
    for unit in units:
        if isinstance(amount := config.get(unit), int | float) and not isinstance(amount, bool):
            return Budget(unit, amount)
    return None
