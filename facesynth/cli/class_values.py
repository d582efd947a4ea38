"""What options take that tell parts of a generator: names or numbers of them, and weights over its classes."""

from __future__ import annotations

import math
from typing import Any

import rich_click as click


class Names(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 alone
    """Names or numbers of `what` with commas between them, as in `example`; whether there are such is for the
    generator to say.
    """

    name = "NAME|ID,..."

    def __init__(self, what: str, example: str) -> None:
        self.what, self.example = what, example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        names = tuple(piece.strip() for piece in str(value).split(","))
        if not all(names):
            self.fail(f"{value!r} is no list of {self.what}; write it like {self.example}", param, ctx)
        return names


class ClassWeights(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 alone
    """Names or ids of attributes with a number each, as `Smiling=1,Male=0`."""

    name = "NAME=N,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, float]:
        if isinstance(value, dict):
            return value
        found: dict[str, float] = {}
        for piece in str(value).split(","):
            name, equals, number = piece.rpartition("=")
            name = name.strip()
            try:
                weight = float(number)
            except ValueError:
                weight = math.nan
            if not (equals and name and math.isfinite(weight)):
                self.fail(f"{piece!r} is no attribute and number, as Smiling=1", param, ctx)
            if name in found:
                self.fail(f"{name} is given twice", param, ctx)
            found[name] = weight
        return found
