"""What the commands that work on one weights file share: that file, and where results go."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click

F = TypeVar("F", bound=Callable[..., Any])


def weights_and_output(command: F) -> F:
    """Add WEIGHTS and -o DIR to a command that has work options: its only input is the file, `told` what it says.

    Raises UsageError for weights that paint label maps, WeightsError for those that hold no generator.
    """

    @functools.wraps(command)
    def located(weights: str, **values: Any) -> Any:
        from facesynth.inference.residual_weights import read_residual_weights  # numpy, which --help does not need

        told = read_residual_weights(weights)
        return command(**values, inputs=(str(told.path),), told=told)

    output = click.option(
        "--output", "-o", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Where results go."
    )
    argument = click.argument("weights", metavar="WEIGHTS", type=click.Path())
    return argument(output(located))  # type: ignore[return-value]
