"""What a stage says to a batch, whoever computes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from facesynth.core.refs import Outcome
from facesynth.pipeline.failures import OF_THE_ITEM, OF_THE_RUN

In = TypeVar("In")
Out = TypeVar("Out")


def outcomes(
    stage: Callable[[Sequence[In]], Sequence[Outcome[Out]]], values: Sequence[In]
) -> list[Outcome[Out] | Exception]:
    """What the stage says to a batch; where that raises, to each item of it alone. Raises what ends a run, and bugs."""
    if not values:
        return []
    try:
        return list(stage(values))
    except OF_THE_RUN:
        raise
    except OF_THE_ITEM as error:
        if len(values) == 1:
            return [error]
    return [outcome for value in values for outcome in outcomes(stage, [value])]
